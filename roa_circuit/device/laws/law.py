"""The protocol of laws: what every consumer may ask of a device's law, and nothing else."""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Self, cast

import numpy as np
from array_api_compat import array_namespace

from roa_circuit.basics import records
from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.device.arrays import Array, as_array, is_array, namespace
from roa_circuit.device.laws.text import Text

Constant = float | Any
"""A number, or an array of any library of the Array API with a number a cell."""

SECTION = "memristor"
"""The section of a parameter set that names the law and has its constants."""

LAW = "law"
"""The section of a parameter set that has the formulas of a law from a file."""

_LONGEST_LAG = 30.0  # time constants, after which a line has settled to thirteen digits

OPEN = 1e-15
"""The `current_scale` of an open cell: below any leak, and no zero to divide by."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Branch:
    """One curve of the current, current_scale * height * shape(steepness * V) [A].

    height, steepness : numbers, or arrays where the constants are
    shape : a smooth function of arrays; the same object for all devices that share it
    """

    height: Constant
    steepness: Constant
    shape: Callable[[Array], Array]


class Law(ABC):
    """How the state omega in [0, 1] moves under a voltage V [V], and what current [A] flows.

    A law is a frozen dataclass of its constants. Arrays broadcast, of numpy or torch; a constant may be
    an array, too, with a number for each cell. V < 0 potentiates: omega rises.

    A **dose** is the distance that a pulse covers on a coordinate of the law's own, signed like the
    motion. Doses of one polarity add up, so n pulses are one dose of n times the size. The
    coordinate of a law with `one_coordinate` depends on the voltage's sign alone; any other law has
    one for each amplitude, and wants V wherever a method takes it.
    """

    NAME: ClassVar[str]
    """What parameter sets call the law."""
    UNITS: ClassVar[Mapping[str, str]]
    """The unit of each constant, by its name."""
    MEANING: ClassVar[Mapping[str, str]]
    """A few words on each constant, by its name."""
    PACE: ClassVar[str] = "k"
    """The constant that all doses are proportional to: 0 is a cell that never switches."""
    CONDUCTING: ClassVar[tuple[str, ...]]
    """The constants of the current, which are all that a frozen cell has."""
    ANY_SIGN: ClassVar[tuple[str, ...]] = ()
    """Constants that may be negative; all others are greater than 0."""
    NOT_NEGATIVE: ClassVar[tuple[str, ...]] = ()
    """Constants that may be 0."""

    current_scale: Constant  # [-], multiplies the current alone

    def __post_init__(self) -> None:
        for name, value in self.constants.items():
            self._check(name, value)

    # Constants

    @property
    def name(self) -> str:
        """What parameter sets call the law."""
        return self.NAME

    @property
    def units(self) -> Mapping[str, str]:
        """The unit of each constant, by its name."""
        return self.UNITS

    @property
    def meanings(self) -> Mapping[str, str]:
        """A few words on each constant, by its name."""
        return self.MEANING

    @property
    def constants(self) -> dict[str, Constant]:
        """All constants by name, numbers or arrays, in the order that the law lists them."""
        return {name: getattr(self, name) for name in self.units}

    @property
    def moving(self) -> tuple[str, ...]:
        """The constants of the motion, which a frozen cell does without."""
        return tuple(name for name in self.units if name not in self.conducting)

    @property
    def conducting(self) -> tuple[str, ...]:
        """The constants of the current."""
        return self.CONDUCTING

    @property
    def spreading(self) -> tuple[str, ...]:
        """The constants that may differ from device to device."""
        return tuple(name for name in self.units if name != "current_scale")

    def require_spread(self, names: Iterable[str]) -> None:
        """Raise InputError unless these constants can differ by factors."""
        for name in names:
            if name not in self.spreading:
                raise InputError(
                    f"spread of {name!r}: law {self.name} has no such constant;"
                    f" {nearest(name, self.spreading)}"
                )
            value = self.constants[name]
            if not _is_array(value) and value == 0:
                raise InputError(f"spread of {name!r}: a factor changes nothing of {name} = 0")

    def require_reach(self, lowest: float, highest: float, what: str = "") -> None:  # noqa: B027
        """Raise InputError unless the law holds between these voltages [V]; classes all do.

        what : reaches them, in words
        """

    @property
    def pace(self) -> Constant:
        """The constant that all doses are proportional to."""
        return cast(Constant, getattr(self, self.PACE))

    @property
    def varies(self) -> bool:
        """Whether any constant is an array, so that cells differ."""
        return any(is_array(value) for value in self.constants.values())

    def changed(self, **constants: Constant) -> Self:
        """The law with other values of these constants."""
        same: Any = self
        return cast(Self, dataclasses.replace(same, **constants))

    def paced(self, pace: Constant) -> Self:
        """The law with this value of the constant that all doses are proportional to."""
        return self.changed(**{self.PACE: pace})

    def part(self, index: Any) -> Self:
        """The law of some cells: arrays of constants, indexed."""
        arrays: dict[str, Any] = self.constants
        own = {name: value[index] for name, value in arrays.items() if _is_array(value)}
        return self.changed(**own) if own else self

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """The law in a parameter set: its constants are in the section [memristor].

        Raises
        ------
        InputError : an unknown or missing key, another unit, a value out of range.
        """
        table = {**records.section(document, SECTION)}
        table.pop("law", None)
        return cls(**records.values(cls, table, cls.UNITS, section=SECTION))

    def to_document(self) -> dict[str, Any]:
        """The law's sections of a parameter set; keys carry units."""
        named = {records.with_unit(name, self.units): value for name, value in self.constants.items()}
        return {SECTION: {"law": self.name, **named}}

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the law takes for granted beyond what was measured, in words."""
        return ()

    # Motion

    @property
    def one_coordinate(self) -> bool:
        """Whether doses of all amplitudes of a polarity add up on one coordinate."""
        return True

    @abstractmethod
    def rate(self, V: Array) -> Array:
        """The dose per second at the voltage V [1/s]: > 0 potentiates, < 0 depresses."""

    @abstractmethod
    def mean_rate(self, start: Array, end: Array) -> Array:
        """The mean of `rate` [1/s] as V goes linearly from `start` to `end` [V]."""

    @abstractmethod
    def coordinate(self, omega: Array, V: Array) -> Array:
        """The coordinate in which doses at V add up; it grows as the state moves."""

    @abstractmethod
    def after_dose(self, omega: Array, dose: Array, V: Array | None = None) -> Array:
        """The state after a signed dose, in [0, 1]."""

    @abstractmethod
    def state_derivative(self, omega: Array, V: Array) -> Array:
        """d omega / dt [1/s]."""

    def dose(self, V: Array, width: Array, *, edge: float = 0.0) -> Array:
        """The signed dose of one trapezoidal pulse [-].

        `width` [s] is the flat top, `edge` [s] each linear ramp between 0 and V, as in SPICE's PULSE.
        """
        flat = self.rate(V) * width
        if edge == 0.0:
            return flat
        return flat + 2.0 * edge * self.ramp_mean_rate(V)

    def ramp_mean_rate(self, V: Array) -> Array:
        """The mean of `rate` over a linear ramp of the voltage from 0 to V [1/s]."""
        V = self.voltage(V)
        return self.mean_rate(0.0 * V, V)

    def excursion(self, omega: Array, dose: Array, V: Array) -> Array:
        """About how far a signed dose moves the state, never negative; for thresholds alone."""
        return namespace(omega, dose).abs(self.after_dose(omega, dose, V) - omega)

    def course(self, omega: Array, predicted: Array, V: Array, scale: Array) -> Callable[[Array], Array]:
        """`scale` times the share of `predicted`'s change that a dose makes, by the dose's size."""
        sign = namespace(omega, predicted).sign(predicted)
        steepness = scale / (self.after_dose(omega, predicted, V) - omega)
        return lambda size: steepness * (self.after_dose(omega, sign * size, V) - omega)

    def lag(self, V: float) -> float:
        """What a write misses of omega, at most, per time constant of the lines over its pulses' width.

        Behind a step of V [V] the dose begins some time constants late, that share of the pulse;
        a relative error of a dose moves omega by as much as the steepest state of all.
        """
        own: dict[str, Any] = self.constants
        law = self.changed(**{n: float(np.median(v)) for n, v in own.items() if _is_array(v)})
        time = np.linspace(0.0, _LONGEST_LAG, 4001)
        rates = np.asarray(law.rate(V * -np.expm1(-time)))
        late = float((1.0 - rates / float(law.rate(V))).mean() * _LONGEST_LAG)
        sign, omega = math.copysign(1.0, -V), np.linspace(0.0, 1.0, 51)[:, None]
        dose = sign * np.geomspace(1e-4, 1e4, 401)[None]
        more, less = (law.after_dose(omega, dose * factor, V) for factor in (1.005, 0.995))
        return late * float(np.abs(more - less).max()) / 0.01

    def require_amplitudes(self, V: Array) -> None:  # noqa: B027
        """Raise InputError where the law knows nothing of these voltages [V]; most know all."""

    # Current

    @abstractmethod
    def current(self, omega: Array, V: Array) -> Array:
        """The cell current [A], affine in omega."""

    @abstractmethod
    def differential_conductance(self, omega: Array, V: Array) -> Array:
        """dI/dV [S]; positive everywhere."""

    @abstractmethod
    def branches(self) -> tuple[Branch, Branch] | None:
        """The curves at omega = 1 and 0 for `roa_circuit.device.polynomials`; None if there are none."""

    def conductance_range(self, read_voltage: float) -> tuple[Array, Array]:
        """(Gmin, Gmax) [S] of Eq. 9, at omega = 0 and 1: floats, or arrays where the constants are."""
        ends = (self.current(omega, read_voltage) / read_voltage for omega in (0.0, 1.0))
        smallest, largest = ends if self.varies else map(float, ends)
        return smallest, largest

    def conductance(self, omega: Array, read_voltage: float) -> Array:
        """Eq. 3, the conductance read at `read_voltage` [S]; linear in omega."""
        smallest, largest = self.conductance_range(read_voltage)
        return smallest + as_array(omega) * (largest - smallest)

    # Text

    @property
    def in_simulators(self) -> str | None:
        """Why simulators cannot have a cell of this law whose state moves; None if they can."""
        return None

    def require_simulators(self) -> None:
        """Raise InputError where simulators cannot have a cell of this law whose state moves."""
        if self.in_simulators is not None:
            raise InputError(self.in_simulators)

    @abstractmethod
    def text(self) -> Text:
        """The law in the operators that simulators share."""

    def voltage(self, V: Array) -> Array:
        """V itself if it is an array, else an array of the library that the constants belong to."""
        if is_array(V):
            return V
        xp = namespace(*self.constants.values())
        return xp.asarray(V, dtype=xp.float64)

    def _check(self, name: str, value: Constant) -> None:
        """Raise InputError unless the constant lies in its range."""
        unit, zero = self.units[name], name in self.NOT_NEGATIVE
        if is_array(value):
            self._check_all(name, value, zero=zero or name == self.PACE)
            return
        number = records.require_finite(name, value, unit)
        if name not in self.ANY_SIGN and (number < 0 or (number == 0 and not zero)):
            limit = "not be negative" if zero else "be greater than 0"
            raise records.out_of_range(name, number, unit, limit)

    def _check_all(self, name: str, values: Array, *, zero: bool) -> None:
        xp = array_namespace(values)
        good = xp.isfinite(values)
        if name not in self.ANY_SIGN:
            good &= (values >= 0) if zero else (values > 0)
        if not bool(xp.all(good)):
            limit = "" if name in self.ANY_SIGN else ", not negative" if zero else ", greater than 0"
            bad = float(values[~good][0])
            raise InputError(
                f"{name} has the value {bad!r} {self.units[name]}; all must be finite{limit}"
            )


def _is_array(value: Any) -> bool:
    return is_array(value) and value.ndim > 0
