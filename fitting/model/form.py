"""Forms: what a fit varies of a law, in which scale, and how readings follow from that."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar, TypeVar

import numpy as np

from fitting.model.schedule import Schedule, schedule
from fitting.readers.measurements import FloatArray, Measurements
from roa_circuit.device.laws import Law

T = TypeVar("T")

FITTED = ("zhang2021", "windows", "table")
"""The laws that are classes and have a form here; any law from a file has one, too."""

LARGEST_SINH = 300.0
"""delta or beta times the largest voltage: e^300 still squares."""

FAINTEST = 1e-3
"""alpha over the smallest reading: fainter still, no slope leads back."""

BOUNDS = {
    "k": (1e-30, 1e12), "mu1": (1e-2, 300.0), "mu2": (1e-2, 300.0), "gamma": (1e-20, 1e3),
    "delta": (1e-3, 100.0), "alpha": (1e-20, 1e3), "beta": (1e-3, 100.0),
}  # fmt: skip
"""Of a search, for the constants of a rate and of Eq. 2."""

BRANCH_PRODUCTS = {"gamma_delta": "gamma*delta", "alpha_beta": "alpha*beta"}
"""Of Eq. 2: the conductances [S] at small voltages of omega = 1 and 0."""


class Form(ABC):
    """The constants of one law as a fit searches for them, and its readings with slopes.

    A search vector has the constants, in the order of `names`, then the logit of every train's
    starting state. A constant is searched by its logarithm, or, where it may have any sign, over
    its `steps`, so that all that a search may try is physical.
    """

    LAW: ClassVar[str]
    """The name of the law, as parameter sets have it."""

    names: tuple[str, ...]
    units: Mapping[str, str]
    held_first: tuple[str, ...]
    """Which are held first where several trade off: a shape before the size that goes with it, so that
    what the data do determine (gamma delta, alpha beta, one rate) is kept."""
    steps: Mapping[str, float] = {}
    """What an error of a constant of any sign counts against, as a logarithm's counts against 1."""
    products: Mapping[str, str] = {}
    """Expressions in the constants that data determine better than these, by name."""
    longest: float = np.inf
    """The furthest that a search moves a constant's place in one step, see `descent.descend`."""
    stiffness: FloatArray | None = None
    """(k, n): combinations of the constants' places that a search keeps near 0, beside the misfit."""
    by_curvature: bool = False
    """Whether constants are so many that intervals come from the curvature alone."""
    checked_far_off: bool = False
    """Whether what the curvature tells must hold 20 % off, too, where it does not tell all constants."""
    furthest: float = 25.0
    """The largest logit of a starting state."""
    starts_follow: bool = True
    """Whether a search takes starts along with the constants, or looks where it last did: of two valleys
    that differ in their starts, the one finds the nearer and the other the deeper."""
    extrapolates: bool = True
    """Whether the law says anything outside of what was measured."""

    @property
    def name(self) -> str:
        """The law, as parameter sets have it."""
        return self.LAW

    @property
    def has_rate(self) -> bool:
        """Whether the law has one rate for all voltages, as Eq. 1 does."""
        return "mu1" in self.names

    @property
    def title(self) -> str:
        """The law in a report."""
        return self.LAW

    @property
    def count(self) -> int:
        """How many constants there are."""
        return len(self.names)

    @abstractmethod
    def law(self, x: FloatArray) -> Law:
        """The law with the constants of a search vector."""

    @abstractmethod
    def prior(self, law: Law) -> Law:
        """What a law known before says of these constants."""

    @abstractmethod
    def vector(self, law: Law, start: FloatArray) -> FloatArray:
        """The search vector (n + trains,) of a law's constants and starting states omega in (0, 1)."""

    @abstractmethod
    def predict(self, x: FloatArray, m: Measurements, s: Schedule) -> FloatArray:
        """The current [A] of every reading, (rows,)."""

    @abstractmethod
    def slopes(
        self, x: FloatArray, m: Measurements, s: Schedule
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """(current (rows,), its slopes by the constants (n, rows), by its own train's start (rows,))."""

    @abstractmethod
    def start_slope(self, x: FloatArray, m: Measurements, s: Schedule) -> tuple[FloatArray, FloatArray]:
        """(current (rows,), its slope by its own train's start (rows,)): the cheap part of `slopes`."""

    def shapes(self, prior: Law) -> Iterator[Law]:
        """Laws to begin with, alike in all that is read off the data."""
        yield prior

    def guesses(self, m: Measurements, prior: Law) -> Iterator[FloatArray] | None:
        """Search vectors to start from; None where they are read off the data as for Eq. 1-2."""
        return None

    def remembered(self, x: FloatArray, s: Schedule, work: Callable[[], T]) -> T:
        """What the constants alone decide; that of last time where only starting states have changed."""
        key = x[: self.count].tobytes()
        last: tuple[bytes, Schedule, T] | None = self.__dict__.get("_last")
        if last is None or last[0] != key or last[1] is not s:
            last = (key, s, work())
            object.__setattr__(self, "_last", last)
        return last[2]

    def makes_law(self, constants: FloatArray) -> bool:
        """Whether constants (n,) in their bounds make a law at all."""
        return True

    def walled(self) -> Form:
        """The form whose searches never leave what makes a law. At first walls only stand in the way."""
        return self

    def schedule(self, m: Measurements) -> Schedule:
        """Which pulses add up to one dose."""
        return schedule(m)

    def blind(self, m: Measurements, x: FloatArray | None = None) -> frozenset[str]:
        """Constants that such measurements cannot tell from others, whatever they read."""
        return frozenset()

    def completed(self, law: Law) -> Law:
        """The law with those constants that follow from others."""
        return law

    def start(self, x: FloatArray) -> FloatArray:
        """omega before each train, (trains,)."""
        result: FloatArray = 1.0 / (1.0 + np.exp(-x[self.count :]))
        return result

    def value(self, name: str, place: float) -> float:
        """A constant, from its place in the search vector."""
        step = self.steps.get(name)
        return float(np.exp(place)) if step is None else float(place * step)

    def place(self, name: str, value: float) -> float:
        """The place in the search vector of a constant."""
        step = self.steps.get(name)
        return float(np.log(value)) if step is None else float(value / step)

    def values(self, x: FloatArray) -> dict[str, float]:
        """All constants of a search vector."""
        return {name: self.value(name, x[i]) for i, name in enumerate(self.names)}

    def known(self, law: Law) -> dict[str, float]:
        """The values of the constants in a law, by name."""
        return {name: float(law.constants[name]) for name in self.names}

    def constants(self, law: Law) -> FloatArray:
        """The places of a law's constants, (n,)."""
        return np.array([self.place(name, value) for name, value in self.known(law).items()])

    def bounds(self, name: str) -> tuple[float, float]:
        """Of a constant in a search."""
        return BOUNDS[name]

    def limits(self, name: str, m: Measurements) -> tuple[float, float]:
        """The bounds of a constant's place."""
        low, high = self.bounds(name)
        if name in ("delta", "beta"):
            high = min(high, LARGEST_SINH / float(np.abs(m.read_voltage).max(initial=1e-3)))
        if name == "alpha":
            low = max(low, FAINTEST * float(np.abs(m.current[m.current != 0]).min(initial=1.0)))
        return self.place(name, low), self.place(name, high)
