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

from roa_circuit.chips.adc import Adc
from roa_circuit.chips.aging import drift_factor, relaxed, retention_time
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.chips.noise import Noise
from roa_circuit.chips.slices import Slices
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.mapping import REFERENCE, Mapping
from roa_circuit.circuit.periphery import shot_deviation, thermal_deviation
from roa_circuit.circuit.subtractors import EXACT, Subtractors
from roa_circuit.circuit.waveforms import READ_HOLD
from roa_circuit.device.laws.law import OPEN
from roa_circuit.device.memristor import conductance, pulse_strength
from roa_circuit.device.parameters import Device
from roa_circuit.device.programming import Programming, write_noise

Floats = NDArray[np.float64]


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
