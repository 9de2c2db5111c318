"""Drawing a chip: every imperfection from a random stream of its own."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import InputError
from roa_circuit.chips.adc import Adc, uneven_steps
from roa_circuit.chips.chip import Chip
from roa_circuit.chips.imperfections import OF_THE_DEVICE, Imperfections
from roa_circuit.chips.noise import STREAMS as OF_NOISE
from roa_circuit.chips.noise import Noise
from roa_circuit.circuit.breaks import Break
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.mapping import REFERENCE, Mapping
from roa_circuit.circuit.subtractors import EXACT, Subtractors
from roa_circuit.device.laws.law import OPEN
from roa_circuit.device.memristor import conductance
from roa_circuit.device.parameters import Device
from roa_circuit.device.spread import Spread

Floats = NDArray[np.float64]

STREAMS = (
    "spread", "stuck", "open", "broken_word", "broken_bit", "write_gain", "driver_gain",
    "driver_offset", "sense_gain", "sense_offset", "write_noise", "read_noise", "flicker",
    "amplifier_mismatch", "drift", "adc_offset", "adc_inl", "adc_dnl", "dither", "subtractor_mismatch",
    "subtractor_offset",
)  # fmt: skip
"""A random stream each, in an order that never changes: what is turned on moves no other draw."""


def draw(
    imperfections: Imperfections | None,
    crossbar: Crossbar,
    device: Device,
    rng: np.random.Generator,
    *,
    mapping: Mapping = REFERENCE,
) -> Chip:
    """Draw one array with these imperfections; None is a perfect array.

    The same generator state gives the same chip. Every imperfection has a stream of random numbers
    of its own: turning one on, or changing its size, leaves the draws of all others as they were.

    mapping : which bit lines the readout subtracts before its converters

    Raises
    ------
    InputError : the spread of a device that has none, or a signed converter of one bit.

    Examples
    --------
    >>> from roa_circuit import Imperfections, default_crossbar, default_device
    >>> faults, array = Imperfections(stuck_on=0.1), default_crossbar(20, 10)
    >>> chip = draw(faults, array, default_device(), np.random.default_rng(0))
    >>> int((chip.start(np.full(array.shape, 0.5)) == 1.0).sum())  # stuck, of 200 cells
    21
    """
    x, shape = imperfections or Imperfections(), crossbar.shape
    require_codes(x, mapping)
    streams = dict(zip(STREAMS, rng.spawn(len(STREAMS)), strict=True))
    spread = _spread(x, device)
    device.memristor.require_spread(spread.names)
    word_gain, bit_gain = _write_gains(x, streams["write_gain"], shape)
    fixed, is_open = _faults(x, streams, shape)
    return Chip(
        imperfections=x,
        crossbar=dataclasses.replace(
            crossbar,
            breaks=(*crossbar.breaks, *_breaks(x, streams, shape)),
            word_gain=word_gain or crossbar.word_gain,
            bit_gain=bit_gain or crossbar.bit_gain,
            amplifier_offset=_offsets(x, streams["amplifier_mismatch"], crossbar),
        ),
        device=_cells(x, device, spread.draw(streams["spread"], shape), fixed, is_open),
        fixed=fixed,
        driver_gain=1.0 + x.driver_gain * streams["driver_gain"].standard_normal(shape[0]),
        driver_offset=x.driver_offset * streams["driver_offset"].standard_normal(shape[0]),
        sense_gain=1.0 + x.sense_gain * streams["sense_gain"].standard_normal(shape[1]),
        sense_offset=x.sense_offset * streams["sense_offset"].standard_normal(shape[1]),
        sigma_wn=spread.sigma_wn if x.sigma_wn is None else x.sigma_wn,
        noise=Noise({name: int(streams[name].integers(2**63)) for name in OF_NOISE}),
        adc=_converters(x, streams, mapping, shape[1]),
        mapping=mapping,
        subtractors=_subtractors(x, streams, mapping, shape[1]),
        exponents=_exponents(x, streams["drift"], shape),
    )


def require_codes(x: Imperfections, mapping: Mapping) -> None:
    """Raise InputError where differences meet a converter of one bit, which has no code but 0."""
    if x.adc_bits == 1 and not mapping.apart:
        raise InputError(
            f"adc_bits = 1: mapping {mapping} reads differences by signed converters, and one bit leaves"
            " them the code 0 alone; give 2 or more"
        )


def require_spread(x: Imperfections, device: Device) -> None:
    """Check that a device has the spread that imperfections take from it.

    Raises
    ------
    InputError : it has none.
    """
    if x.spread == OF_THE_DEVICE and device.spread is None:
        raise InputError(
            f"spread = '{OF_THE_DEVICE}': device {device.name!r} has none; `roa-fit spread` measures it,"
            " or give a section [spread] in place of it"
        )


def _spread(x: Imperfections, device: Device) -> Spread:
    if x.spread == OF_THE_DEVICE:
        require_spread(x, device)
        assert device.spread is not None
        return device.spread
    return x.spread if isinstance(x.spread, Spread) else Spread()


def _faults(
    x: Imperfections, streams: dict[str, np.random.Generator], shape: tuple[int, int]
) -> tuple[Floats, NDArray[np.bool_]]:
    """(states of stuck cells, NaN elsewhere; which cells are open). Open wins over stuck."""
    chance, fixed = streams["stuck"].random(shape), np.full(shape, np.nan)
    fixed[chance < x.stuck_on] = 1.0
    fixed[chance >= 1.0 - x.stuck_off] = 0.0
    is_open = streams["open"].random(shape) < x.open
    fixed[is_open] = np.nan
    return fixed, is_open


def _cells(
    x: Imperfections,
    device: Device,
    factors: dict[str, Floats],
    fixed: Floats,
    is_open: NDArray[np.bool_],
) -> Device:
    """The device with arrays of constants where cells differ; else the numbers it had."""
    p, pulses = device.memristor, device.pulses
    changed: dict[str, Any] = {
        name: p.constants[name] * factor for name, factor in factors.items() if (factor != 1.0).any()
    }
    is_stuck = ~np.isnan(fixed)
    if is_open.any() or is_stuck.any():
        changed[p.PACE] = np.where(is_open | is_stuck, 0.0, p.pace * factors.get(p.PACE, 1.0))
    scale = np.where(is_open, OPEN, p.current_scale)
    if x.stuck_on_resistance:
        reads = conductance(1.0, pulses.read_voltage, p.changed(**changed))
        shorted = p.current_scale / (reads * x.stuck_on_resistance)
        scale = np.where(fixed == 1.0, shorted, scale)
    if (scale != p.current_scale).any():
        changed["current_scale"] = scale
    edges = x.edge_fraction or pulses.edge_fraction
    return dataclasses.replace(
        device,
        memristor=p.changed(**changed),
        pulses=dataclasses.replace(pulses, edge_fraction=edges),
    )


def _breaks(
    x: Imperfections, streams: dict[str, np.random.Generator], shape: tuple[int, int]
) -> list[Break]:
    """At most one a line, each at a segment drawn evenly."""
    rows, columns = shape
    words, bits = streams["broken_word"], streams["broken_bit"]
    is_broken, where = words.random(rows) < x.broken_word, words.integers(columns, size=rows)
    breaks = [Break(line="word", row=int(i), column=int(where[i])) for i in np.flatnonzero(is_broken)]
    is_broken, where = bits.random(columns) < x.broken_bit, bits.integers(rows, size=columns)
    return breaks + [
        Break(line="bit", row=int(where[j]), column=int(j)) for j in np.flatnonzero(is_broken)
    ]


def _exponents(x: Imperfections, rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """The exponent of each cell's drift, (rows, columns); empty without any."""
    if not x.drifts:
        return np.zeros(0)
    return x.drift_exponent + x.drift_spread * rng.standard_normal(shape)


def _write_gains(
    x: Imperfections, rng: np.random.Generator, shape: tuple[int, int]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(of word lines, of bit lines), empty where none differs from 1."""
    if not x.write_gain:
        return (), ()
    gains = (1.0 + x.write_gain * rng.standard_normal(sum(shape))).tolist()
    return tuple(gains[: shape[0]]), tuple(gains[shape[0] :])


def _converters(
    x: Imperfections, streams: dict[str, np.random.Generator], mapping: Mapping, columns: int
) -> Adc:
    """The converters of a readout; ranges that a layer's inputs tell are still to be found."""
    full = None if isinstance(x.adc_range, str) else np.array([x.adc_range])
    adc = Adc(bits=x.adc_bits, signed=not mapping.apart, full=full)
    if not x.adc_bits:
        return adc
    channels, own = mapping.channels(columns), dict[str, Any]()
    if x.adc_offset:
        own["offset"] = x.adc_offset * streams["adc_offset"].standard_normal(channels)
    if x.adc_inl:
        own["bow"] = x.adc_inl * streams["adc_inl"].standard_normal(channels)
    if x.adc_dnl:
        first, last = adc.ends
        draws = streams["adc_dnl"].standard_normal((channels, last - first))
        own["steps"] = uneven_steps(x.adc_dnl * draws, adc.ends)
    return dataclasses.replace(adc, **own)


def _subtractors(
    x: Imperfections, streams: dict[str, np.random.Generator], mapping: Mapping, columns: int
) -> Subtractors:
    """The subtractors of a readout; where signal and reference are digitised apart, there are none."""
    if mapping.apart or not (x.subtractor_mismatch or x.subtractor_offset):
        return EXACT
    outputs, own = mapping.outputs_on(columns), dict[str, Floats]()
    if x.subtractor_mismatch:
        own["mismatch"] = x.subtractor_mismatch * streams["subtractor_mismatch"].standard_normal(outputs)
    if x.subtractor_offset:
        own["offset"] = x.subtractor_offset * streams["subtractor_offset"].standard_normal(outputs)
    return Subtractors(**own)


def _offsets(x: Imperfections, rng: np.random.Generator, crossbar: Crossbar) -> tuple[float, ...]:
    """What all amplifiers have in common, and what each has of its own [V]."""
    if not x.amplifier_mismatch:
        return crossbar.amplifier_offset
    own = x.amplifier_mismatch * rng.standard_normal(crossbar.columns)
    return tuple((own + np.array(crossbar.amplifier_offset or 0.0)).tolist())
