"""A chip: one instance of an imperfect array, drawn once and used by every engine alike.

x -- DAC -- driver -- cells and lines as drawn -- noise -- readout -- ADC -- y
     `drive`          `crossbar`, `device`        `sense`

Where inputs come in slices, every slice is a read between `drive` and `sense`, which adds them.
Where the mapping subtracts currents before the converter, `sense` gives differences: its converter is
signed, and what noise, gains and offsets do to either bit line is subtracted with them. The subtractors
have errors of their own (`roa_circuit.circuit.subtractors`).
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import InputError
from roa_circuit.chips.adc import Adc, uneven_steps
from roa_circuit.chips.aging import drift_factor, relaxed, retention_time
from roa_circuit.chips.imperfections import OF_THE_DEVICE, Imperfections
from roa_circuit.chips.noise import STREAMS as OF_NOISE
from roa_circuit.chips.noise import Noise
from roa_circuit.chips.slices import Slices
from roa_circuit.circuit.breaks import Break
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.mapping import REFERENCE, Mapping
from roa_circuit.circuit.periphery import shot_deviation, thermal_deviation
from roa_circuit.circuit.subtractors import EXACT, Subtractors
from roa_circuit.circuit.waveforms import READ_HOLD
from roa_circuit.device.laws.law import OPEN
from roa_circuit.device.memristor import conductance, pulse_strength
from roa_circuit.device.parameters import Device
from roa_circuit.device.programming import Programming, write_noise
from roa_circuit.device.spread import Spread

Floats = NDArray[np.float64]

STREAMS = (
    "spread", "stuck", "open", "broken_word", "broken_bit", "write_gain", "driver_gain",
    "driver_offset", "sense_gain", "sense_offset", "write_noise", "read_noise", "flicker",
    "amplifier_mismatch", "drift", "adc_offset", "adc_inl", "adc_dnl", "dither", "subtractor_mismatch",
    "subtractor_offset",
)  # fmt: skip
"""A random stream each, in an order that never changes: what is turned on moves no other draw."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Chip:
    """One drawn array.

    crossbar : with its breaks, the gains of its write drivers and the offsets of its amplifiers
    device : with constants (rows, columns) where cells differ; open cells conduct OPEN
    exponents : (rows, columns) of each cell's drift; empty where conductances keep
    fixed : (rows, columns) the state of each stuck cell, NaN where a cell is free
    driver_gain, driver_offset : (rows,) of the read drivers, [-] and [V]
    sense_gain, sense_offset : (columns,) of the readout, [-] and [A]
    noise : of every write and read, which goes on from one to the next
    mapping : which bit lines the readout subtracts before its converters
    subtractors : what does that, where the mapping asks for it
    adc : the converters
    """

    imperfections: Imperfections
    crossbar: Crossbar
    device: Device
    fixed: Floats
    driver_gain: Floats
    driver_offset: Floats
    sense_gain: Floats
    sense_offset: Floats
    sigma_wn: float
    noise: Noise
    adc: Adc
    mapping: Mapping = REFERENCE
    subtractors: Subtractors = EXACT
    exponents: Floats = field(default_factory=lambda: np.zeros(0))

    @functools.cached_property
    def read_device(self) -> Device:
        """The device at the age of the reads: every current as drift has left it."""
        x = self.imperfections
        if not (x.age and self.exponents.size):
            return self.device
        factor = drift_factor(x.age, x.drifts_from, self.exponents)
        return self.device.with_constants(current_scale=self.device.memristor.current_scale * factor)

    def rested(self, state: Floats) -> Floats:
        """States at the age of the reads; stuck cells stay where they are."""
        x = self.imperfections
        if not (x.age and x.retention_time):
            return state
        tau = retention_time(x.retention_time, x.retention_energy, self.crossbar.temperature)
        return self.start(relaxed(state, x.age, tau))

    def afresh(self) -> Chip:
        """The same chip, its noise from the beginning, for an engine that is to meet the same reads."""
        return dataclasses.replace(self, noise=self.noise.afresh())

    def start(self, state: Floats) -> Floats:
        """The states (rows, columns) that the cells really have: stuck ones where they stick."""
        return state if np.isnan(self.fixed).all() else np.where(np.isnan(self.fixed), state, self.fixed)

    def written(self, before: Floats, after: Floats, pulses: NDArray[np.int64]) -> Floats:
        """States after a write, and the reads and the time since: noise of Eq. 7 on pulsed cells."""
        how = Programming(sigma_wn=self.sigma_wn)
        noisy = write_noise(before, after, how, self.noise.writes)
        return self.rested(self._disturbed(np.where(pulses != 0, noisy, after)))

    def drive(self, voltages: Floats) -> Floats:
        """Voltages [V] that reach the word lines when these (reads, rows) are asked for.

        (reads, rows), or (reads * slices, rows) where inputs come in slices, which follow each other.
        """
        return self.slices.driven(voltages) * self.driver_gain + self.driver_offset

    @property
    def slices(self) -> Slices:
        """How the DAC parts its inputs."""
        return Slices.of(self.imperfections, self.device)

    @property
    def dac_range(self) -> float:
        """The voltage of the DAC's largest code [V]: the device's full scale, unless it was given."""
        return self.slices.largest

    def sense(
        self, currents: Floats, state: Floats, voltages: Floats, *, dithered: bool = False
    ) -> Floats:
        """Currents (reads, channels) [A] that the readout reports when columns carry these.

        currents : (reads, columns) [A] of the array; of each slice, where `drive` made slices
        dithered : add up to a step of the converter at random, either way, so that many reads tell what
            lies between two codes; what lies at an end of the range, and so tells nothing, is NaN

        The states (rows, columns) and the word-line voltages (reads, rows) [V] set the size of the
        noise. It goes on from batch to batch; `afresh` begins it anew.
        """
        seen = self.joined(self._read_out(currents, state, voltages))
        if not dithered:
            return self.slices.added(self.adc.convert(seen))
        reported = self.adc.convert(seen, self.noise.dither(*seen.shape))
        return self.slices.added(np.where(self.adc.ends_of(seen), np.nan, reported))

    def sense_alone(self, currents: Floats, state: Floats, voltages: Floats) -> Floats:
        """As `sense`, every bit line (reads, columns) by itself: the other of a pair is switched off.

        So are single cells read in write-verify.
        """
        channels = self.mapping.channel_of(self.crossbar.columns)
        seen = self.alone(self._read_out(currents, state, voltages))
        return self.slices.added(self.adc.of(channels).convert(seen))

    def joined(self, columns: Floats) -> Floats:
        """What converters see (..., channels) [A] of the bit lines' currents (..., columns) [A]."""
        return columns if self.mapping.apart else self.subtractors.differences(self.mapping, columns)

    def effective(self, W: Floats) -> Floats:
        """Effective weights (rows, channels) [S] with the gains of drivers and readouts."""
        gained = self.driver_gain[:, None] * W * self.sense_gain
        return gained if self.mapping.apart else self.subtractors.weights(self.mapping, gained)

    def alone(self, columns: Floats) -> Floats:
        """As `joined`, of every bit line (..., columns) by itself."""
        return columns if self.mapping.apart else self.subtractors.alone(self.mapping, columns)

    def summary(self) -> dict[str, Any]:
        """How many cells and lines the drawn faults hit, for reports."""
        p, fixed = self.device.memristor, self.fixed
        is_open = np.broadcast_to(np.asarray(p.current_scale) <= OPEN, self.crossbar.shape)
        lines = [one.line for one in self.crossbar.breaks]
        return {
            "cells": fixed.size,
            "stuck_on": int((fixed == 1.0).sum()),
            "stuck_off": int((fixed == 0.0).sum()),
            "open": int(is_open.sum()),
            "broken_word_lines": lines.count("word"),
            "broken_bit_lines": lines.count("bit"),
        }

    def described(self) -> str:
        """`summary` as a line."""
        n = self.summary()
        return (
            f"{n['stuck_on']} of {n['cells']} cells stuck on, {n['stuck_off']} off, {n['open']} open;"
            f" {n['broken_word_lines']} word and {n['broken_bit_lines']} bit lines broken"
        )

    def _read_out(self, currents: Floats, state: Floats, voltages: Floats) -> Floats:
        """What stands before subtraction and converter (reads, columns) [A]."""
        noisy = currents + self._noise(currents, state, voltages)
        return np.asarray(noisy * self.sense_gain + self.sense_offset)

    def _disturbed(self, state: Floats) -> Floats:
        reads = self.imperfections.read_disturb
        if not reads:
            return state
        volts = self.device.pulses.full_scale
        one = pulse_strength(volts, READ_HOLD, self.device.memristor)
        return np.asarray(self.device.memristor.after_dose(state, reads * one, volts))

    def _noise(self, currents: Floats, state: Floats, voltages: Floats) -> Floats:
        x, quiet = self.imperfections, np.zeros_like(currents)
        if not (x.bandwidth or x.flicker):
            return quiet
        device = self.read_device
        G = conductance(state, device.pulses.read_voltage, device.memristor)
        kelvins = self.crossbar.temperature if x.temperature is None else x.temperature
        thermal = thermal_deviation(G.sum(axis=0), kelvins, x.bandwidth)
        white = np.hypot(thermal, shot_deviation(currents, x.bandwidth))
        slow = x.flicker * np.sqrt(voltages**2 @ G**2)
        noise = white * self.noise.white(*currents.shape)
        return np.asarray(noise + (slow * self.noise.slow(*currents.shape) if x.flicker else 0.0))


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
