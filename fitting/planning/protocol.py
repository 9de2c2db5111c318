"""Protocols: trains of pulses and readings to be measured, as tables for an instrument."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from fitting.readers.measurements import FloatArray, Measurements
from roa_circuit.basics.units import engineering
from roa_circuit.device.laws.zhang2021 import Memristor, after_dose
from roa_circuit.device.memristor import pulse_strength


@dataclass(frozen=True, kw_only=True)
class Step:
    """`count` identical pulses, each followed by one reading; or readings alone (width 0).

    Readings alone may stand at any voltage: they are points of an I-V sweep.
    """

    voltage: float  # [V] of the pulse; 0 without one
    width: float  # [s], flat top; 0 without a pulse
    read_voltage: float  # [V]
    count: int = 1


@dataclass(frozen=True, kw_only=True)
class Train:
    """Steps in a row on one device, the first of which resets or sets it from any state."""

    steps: tuple[Step, ...]
    number: int = 0

    @property
    def name(self) -> str:
        """A name that says what is done: '-1.1 V 3 µs', or 'I-V to -3 V'."""
        last = self.steps[-1]
        if last.width > 0:
            return f"{last.voltage:+g} V {engineering(last.width, 's')}"
        return f"I-V to {last.read_voltage:+g} V"

    @property
    def label(self) -> str:
        """Its number and name."""
        return f"{self.number} {self.name}"

    @property
    def pulses(self) -> int:
        """The number of pulses, including the one that prepares."""
        return sum(step.count for step in self.steps if step.width > 0)

    @property
    def points(self) -> int:
        """The number of points of an I-V sweep."""
        return sum(step.count for step in self.steps if step.width == 0)

    def mirrored(self) -> Train:
        """The same train for a device whose terminals are exchanged."""
        steps = (replace(s, voltage=-s.voltage, read_voltage=-s.read_voltage) for s in self.steps)
        return replace(self, steps=tuple(steps))

    def states(self, p: Memristor) -> list[float]:
        """omega of device `p` after each step with pulses, if it starts from a medium state."""
        result, omega = [], 0.5
        for step in self.steps:
            if step.width > 0:
                dose = step.count * pulse_strength(step.voltage, step.width, p)
                omega = float(after_dose(omega, dose))
                result.append(omega)
        return result


def measurements(trains: Iterable[Train]) -> Measurements:
    """The protocol as measurements with all currents still to come (set to 1)."""
    trains = list(trains)
    rows = [
        (index, step.voltage, step.width, step.read_voltage)
        for index, train in enumerate(trains) for step in train.steps for _ in range(step.count)
    ]  # fmt: skip
    number, voltage, width, read_voltage = np.array(rows, dtype=np.float64).T
    return Measurements(
        source="protocol", labels=tuple(train.label for train in trains), train=number.astype(np.int64),
        voltage=voltage, width=width, read_voltage=read_voltage, current=np.ones(len(rows)),
        sweep=width == 0,
    )  # fmt: skip


def seconds(trains: Iterable[Train]) -> float:
    """How long all pulses take together [s], readings not counted."""
    return sum(step.width * step.count for train in trains for step in train.steps)


def step_table(trains: Iterable[Train]) -> str:
    """CSV for a pulse generator with a row for each step: train, pulse, count, and reading after it."""
    rows = [
        (train.label, f"{step.voltage:g}", f"{step.width:g}", step.count, f"{step.read_voltage:g}")
        for train in trains for step in train.steps
    ]  # fmt: skip
    return _csv(("train", "voltage [V]", "width [s]", "count", "read_voltage [V]"), rows)


def reading_table(trains: Iterable[Train], current: FloatArray | None = None) -> str:
    """CSV for `read_measurements` with a row for each reading; `current` [A] is empty or (rows,)."""
    m = measurements(trains)
    written = [""] * len(m) if current is None else [f"{value:.7g}" for value in current]
    rows = []
    for row, value in enumerate(written):
        label, read_voltage = m.labels[m.train[row]], f"{m.read_voltage[row]:g}"
        if m.sweep[row]:
            rows.append((label, read_voltage, "", "", "", value))
        else:
            pulse = (f"{m.voltage[row]:g}", f"{m.width[row]:g}")
            rows.append((label, *pulse, read_voltage, value, ""))
    titles = ("train", "voltage [V]", "width [s]", "read_voltage [V]", "read_current [A]", "current [A]")
    return _csv(titles, rows)


def _csv(titles: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(titles)
    writer.writerows(rows)
    return text.getvalue()
