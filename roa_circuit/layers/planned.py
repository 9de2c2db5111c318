"""Planned layers: the states and the pulses by which weights come onto the cells of a mapping."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import InputError
from roa_circuit.basics.units import counted
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.mapping import REFERENCE_STATE, Mapping
from roa_circuit.circuit.pairs import Pair, centred, shortfall, write_pair
from roa_circuit.device.parameters import Device
from roa_circuit.device.programming import Programming, after_pulses, real_pulse_count, round_count

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

CAPPED = "capped"
"""In the provenance: how many weights the cap on pulses clips, the cap, and how short they stop in g."""

BEYOND = "beyond"
"""In the provenance: how many weights no write of their pairs reaches, by which way, and how short."""

_NOTICED = 0.02
"""Of g: how short a pair must stay for it to be said; so much Eq. 6 keeps of its ends."""

_OF_BIT_LINES = ("r_bit", "r_sense", "bit_gain", "amplifier_offset")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """States (rows, columns) before a write, and its signed pulses (rows, columns).

    told : what the write does not reach, for the provenance of a layer
    """

    before: Floats
    pulses: Counts
    told: dict[str, Any] = field(default_factory=dict)


def planned(weights: Floats, device: Device, mapping: Mapping, start: float | None) -> Plan:
    """Pulses for weights g (rows, outputs) on cells that are all at omega = `start`.

    start : None is for cells that have their weights already

    Reference columns are at omega = 1/2, and take no pulses.
    """
    states = mapping.states_of(weights)
    if start is None:
        return Plan(before=states, pulses=np.zeros(states.shape, dtype=np.int64))
    before = np.full(states.shape, start)
    before[:, mapping.references(states.shape[1])] = REFERENCE_STATE
    if mapping.paired:
        return pairs_planned(mapping.pair_of(before), weights, device, mapping, Programming())
    how = Programming()
    count = round_count(real_pulse_count(before, states - before, device, how), how)
    short = np.abs(states - after_pulses(before, count, device))
    pulses = np.asarray(count, dtype=np.int64)
    return Plan(before=before, pulses=pulses, told=_capped(pulses, 2.0 * short, how))


def pairs_planned(
    before: Pair, wanted: Floats, device: Device, mapping: Mapping, how: Programming
) -> Plan:
    """Pulses that bring pairs in these states (rows, outputs) to weights g (rows, outputs)."""
    change = wanted - before.difference
    after, count = write_pair(before, change, device, how, mapping.write)
    pulses = np.asarray(mapping.laid(count.plus, count.minus), dtype=np.int64)
    missed = np.abs(wanted - after.difference)
    short = np.asarray(shortfall(before, change, how, mapping.write))
    told = _capped(pulses, mapping.laid(missed, missed), how)
    beyond = short > _NOTICED
    if beyond.any():
        told[BEYOND] = {
            "weights": int(beyond.sum()), "write": str(mapping.write), "short": float(short.max())
        }  # fmt: skip
    return Plan(before=mapping.laid(before.plus, before.minus), pulses=pulses, told=told)


def replanned(
    states: Floats, pulses: Counts, device: Device, mappings: tuple[Mapping, Mapping], how: Programming
) -> Plan:
    """The states and pulses (rows, columns) of one mapping on the columns of another.

    Between references cells keep their pulses. Otherwise the change of g that the pulses make is planned
    anew, from states that hold the same g.

    mappings : (from, to)
    """
    own, other = mappings
    if not own.paired and not other.paired:
        cells = own.pair_of(states)
        counts = own.pair_of(pulses)
        return Plan(
            before=other.laid(cells.plus, cells.minus), pulses=other.laid(counts.plus, counts.minus)
        )
    g = own.weights_of(states)
    wanted = own.weights_of(np.asarray(after_pulses(states, pulses, device)))
    if other.paired:
        return pairs_planned(centred(g), wanted, device, other, how)
    before = other.states_of(g)
    step = other.states_of(wanted) - before
    count = round_count(real_pulse_count(before, step, device, how), how)
    return Plan(before=before, pulses=np.where(step == 0.0, 0, count).astype(np.int64))


def lines_for(crossbar: Crossbar, columns: int) -> Crossbar:
    """The crossbar with another number of bit lines.

    Raises
    ------
    InputError : bit lines differ from one another, or are broken, so that none can be added.
    """
    own = [name for name in _OF_BIT_LINES if isinstance(getattr(crossbar, name), tuple)]
    own = [name for name in own if getattr(crossbar, name)] + ["breaks"] * bool(crossbar.breaks)
    if columns != crossbar.columns and own:
        raise InputError(
            f"mapping: {' and '.join(own)} are given line by line for {crossbar.columns} bit lines, and"
            f" it needs {columns}; make the layer anew, or give one value for all lines"
        )
    return replace(crossbar, columns=columns)


def said_short(capped: dict[str, Any]) -> str:
    """What the cap on pulses clips, as text."""
    count, most, short = capped["weights"], capped["pulses"], capped["short"]
    return f"{counted(count, 'weight')} at the cap of {most} pulses, up to {short:.2g} short in g"


def said_beyond(beyond: dict[str, Any]) -> str:
    """What pairs cannot reach, as text."""
    count, way, short = beyond["weights"], beyond["write"], beyond["short"]
    return (
        f"{counted(count, 'weight')} beyond what pairs reach by {way!r} from these states, up to"
        f" {short:.2g} short in g"
    )


def _capped(pulses: Counts, short: Floats, how: Programming) -> dict[str, Any]:
    capped = np.abs(pulses) >= how.max_pulses
    if not capped.any():
        return {}
    return {
        CAPPED: {
            "weights": int(capped.sum()), "pulses": how.max_pulses, "short": float(short[capped].max())
        }
    }  # fmt: skip
