"""Imperfections that a command has no use for: said to be ignored, or refused where they are all."""

from __future__ import annotations

from collections.abc import Collection

from roa_circuit.basics.errors import InputError
from roa_circuit.chips import idle
from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.chips.idle import NEEDS, OF_SUBTRACTORS
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.chips.settling import read_hold
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.waveforms import READ_HOLD
from roa_circuit.device.parameters import Device
from roa_circuit.presentation import circuit_options, console

OF_WRITES = ("sigma_wn", "write_gain", "edge_fraction", "read_disturb")
"""What shows in writes, and in reads long after one."""

OF_AGE = ("age", "drift_exponent", "drift_spread", "retention_time")
"""What shows in reads long after a write."""

OF_READOUTS = ("sense_gain", "sense_offset", "bandwidth", "temperature", "flicker", "adc_bits")
"""What readouts do with the currents of an array."""

OF_READS = (
    *OF_READOUTS, *OF_SUBTRACTORS, "dac_bits", "dac_slices", "driver_gain", "driver_offset",
    "amplifier_mismatch",
)  # fmt: skip
"""What shows in reads alone."""


def seed_of(seed: int | None, *, drawn: bool) -> tuple[int, list[str]]:
    """(the seed, 0 by default; ['seed'] with a line on stderr if one is given and nothing is drawn)."""
    why = "nothing is drawn here; --imperfections would give something to draw"
    return seed or 0, [] if drawn else console.ignored("--seed", seed, why)


def draws(x: Imperfections | None) -> bool:
    """Whether chance decides anything about chips with these imperfections."""
    return x is not None and x.drawn


def ignored(x: Imperfections | None, unused: Collection[str], why: str) -> list[str]:
    """The imperfections that change nothing, with a line on stderr about them.

    why : the reason, such as 'solve only reads'

    Raises
    ------
    InputError : all that are given change nothing.
    """
    if x is None:
        return []
    names = [name for name in unused if getattr(x, name)]
    keys = {key.split(" ")[0] for key in x.to_dict()}
    beside = {name for name in keys.intersection(NEEDS) if not _has(x, NEEDS[name], names)}
    if names and keys - beside <= set(names):
        raise InputError(
            f"--imperfections: {', '.join(names)} would change nothing: {why}; leave it out"
        )
    if names:
        console.remark(f"--imperfections: {', '.join(names)} ignored: {why}")
    return names + circuit_options.idle(x, but=names)


def idle_where_held(crossbar: Crossbar, device: Device, circuitry: Circuitry) -> list[str]:
    """What of a circuit changes neither settled currents nor how long a read takes, with a line."""
    own = circuitry.read_hold is not None
    usual = own or read_hold(crossbar, device, circuitry) == READ_HOLD
    why = "reads settle within the time that they take anyway"
    return circuit_options.idle_circuit(circuitry, idle.OF_CHARGE if usual else (), why)


def _has(x: Imperfections, needs: Collection[str], ignored: Collection[str]) -> bool:
    """Whether any of the needs is there and plays a part."""
    return any(getattr(x, need) and need not in ignored for need in needs)
