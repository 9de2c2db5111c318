"""The pulse generator: which pulses it can make, and which of them tell something of a device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fitting.planning.protocol import Step, Train
from roa_circuit.basics.errors import InputError
from roa_circuit.device.laws.zhang2021 import Memristor
from roa_circuit.device.memristor import rate

_PREPARING = 1e4  # dose that resets or sets: what is left of the state before is 1 / dose
_PREPARING_WIDTH = 1e-3  # [s]
_DOSES = (0.05, 0.1, 0.2, 0.4, 0.8)  # of one pulse: each shows, none saturates
_COUNTS = (5, 8, 12, 18, 27)  # of a train: fewer pulses would not show how the law bends
_WIDTHS = np.outer(10.0 ** np.arange(-9, 3), (1.0, 3.0)).ravel()  # [s], in round numbers
_LEVELS = 6  # of a sweep


@dataclass(frozen=True, kw_only=True)
class Generator:
    """The limits of the pulse generator; pulses and sweeps stay within them."""

    lowest_voltage: float = -3.0  # [V], < 0
    highest_voltage: float = 3.0  # [V], > 0
    voltage_step: float = 0.01  # [V]
    shortest: float = 100e-9  # [s]
    longest: float = 0.1  # [s]
    width_step: float = 1e-8  # [s]

    def __post_init__(self) -> None:
        low, high = self.lowest_voltage, self.highest_voltage
        if not low < 0 < high:
            raise InputError(f"voltages from {low:g} V to {high:g} V must have 0 between them: one "
                             "polarity sets, the other resets")  # fmt: skip
        if not 0 < self.voltage_step <= min(-low, high):
            raise InputError(f"a voltage step of {self.voltage_step:g} V must be above 0 and below the "
                             "largest voltage")  # fmt: skip
        if not 0 < self.shortest <= self.longest:
            raise InputError(f"widths from {self.shortest:g} s to {self.longest:g} s must be above 0, "
                             "in order")  # fmt: skip
        if not 0 < self.width_step <= self.shortest:
            raise InputError(f"a width step of {self.width_step:g} s must be above 0 and at most the "
                             f"shortest width, {self.shortest:g} s")  # fmt: skip

    def voltage(self, wanted: float) -> float:
        """The nearest voltage [V] that can be made."""
        low, high = (limit / self.voltage_step for limit in (self.lowest_voltage, self.highest_voltage))
        steps = np.clip(np.round(wanted / self.voltage_step), np.ceil(low), np.floor(high))
        return float(f"{steps * self.voltage_step:.6g}")

    def width(self, wanted: float) -> float:
        """The nearest width [s] that can be made."""
        steps = np.round(np.clip(wanted, self.shortest, self.longest) / self.width_step)
        return float(f"{steps * self.width_step:.6g}")

    def widths(self) -> list[float]:
        """Round widths [s] from the shortest to the longest, including both."""
        inside = _WIDTHS[(self.shortest < _WIDTHS) & (_WIDTHS < self.longest)]
        return list(dict.fromkeys(self.width(T) for T in (self.shortest, *inside, self.longest)))

    def preparing(self, p: Memristor, sign: float, V_r: float) -> Step:
        """The pulse that sets (sign -1) or resets (+1) the device as far as possible, from any state."""
        T = self.width(_PREPARING_WIDTH)
        V = self.voltage(sign * amplitude(_PREPARING / T, p, sign))
        if abs(rate(V, p)) * T < _PREPARING:
            T = self.width(_PREPARING / abs(float(rate(V, p))))
        return Step(voltage=V, width=T, read_voltage=V_r)

    def trains(self, p: Memristor, window: tuple[float, float], V_r: float) -> Iterator[Train]:
        """Trains away from either end that stay inside `window` of omega.

        They have all widths, the voltages that give certain doses, and several lengths.
        """
        low, high = window
        for sign, most in ((-1.0, high / (1.0 - high)), (1.0, (1.0 - low) / low)):
            first = self.preparing(p, -sign, V_r)
            pulses = {
                (self.voltage(sign * amplitude(dose / T, p, sign)), T)
                for T in self.widths() for dose in _DOSES
            }  # fmt: skip
            for V, T in sorted(pulses, key=lambda pulse: (abs(pulse[0]), pulse[1])):
                dose = abs(float(rate(V, p))) * T
                if V * sign <= 0 or not _DOSES[0] / 2 < dose < _DOSES[-1] * 2:
                    continue
                for count in _COUNTS:
                    if count * dose <= most:
                        step = Step(voltage=V, width=T, read_voltage=V_r, count=count)
                        yield Train(steps=(first, step))

    def sweeps(self, p: Memristor, most: int, V_r: float) -> tuple[Train, Train]:
        """Sweeps of a set device below 0 V and of a reset one above, which leave its state."""
        count = min(_LEVELS, most // 2)
        result = []
        for sign, limit in ((-1.0, self.lowest_voltage), (1.0, self.highest_voltage)):
            levels = dict.fromkeys(self.voltage(limit * i / count) for i in range(1, count + 1))
            points = (Step(voltage=0.0, width=0.0, read_voltage=V) for V in levels if V != 0)
            result.append(Train(steps=(self.preparing(p, sign, V_r), *points)))
        return result[0], result[1]


def amplitude(wanted: float, p: Memristor, sign: float) -> float:
    """|V| at which Eq. 1 has the rate `wanted` [1/s]: well above 0 V one exponential rules."""
    return float(np.log(wanted / p.k)) / (p.mu1 if sign < 0 else p.mu2)
