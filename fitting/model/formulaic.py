"""Laws from files: the constants of formulas, fitted on coordinates tabulated for each amplitude."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from fitting.model.beginnings import beginnings
from fitting.model.form import FITTED
from fitting.model.matched import Changes, matched
from fitting.model.schedule import Schedule
from fitting.model.tracked import Speeds, TrackedForm
from fitting.readers.measurements import FloatArray, Measurements
from roa_circuit.basics import toml
from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.device.laws import Law, read_law
from roa_circuit.device.laws.formula_law import FormulaLaw
from roa_circuit.device.laws.formulas.currents import current_at
from roa_circuit.device.laws.formulas.definition import IMPLICIT
from roa_circuit.device.laws.formulas.shipped import load_definition, shipped_laws
from roa_circuit.device.laws.law import SECTION
from roa_circuit.device.parameters import load_device, with_law_beside

_DECADES = 1e12  # that a constant may lie from where its search begins
_GIVEN, _DRAWN = 6, 4  # beginnings that are searched from: the first, and the best of others
_MATCHED = 4  # of the best, those that are brought to the measured changes, too
_DECADE = float(np.log(10.0))
_UNFELT, _SAME = 1e-6, 1e-3  # of slopes: none, and along those of others
_LEAST = 1e-3  # of a constant that may be 0, where its search begins


@dataclass(frozen=True, kw_only=True)
class FormulaForm(TrackedForm):
    """Constants of a law by formulas: logarithms, or of any sign over their first values.

    begins : the law with the constants that the search begins with
    walls : whether a search keeps to constants that make a law
    """

    begins: FormulaLaw
    walls: bool = field(default=False, compare=False)
    names: tuple[str, ...] = field(init=False)
    units: Mapping[str, str] = field(init=False)
    steps: Mapping[str, float] = field(init=False)
    held_first: tuple[str, ...] = field(init=False)

    by_curvature: bool = True
    checked_far_off: bool = True
    longest: float = 2.0

    LAW = "file"

    @property
    def name(self) -> str:
        """The law, as parameter sets have it."""
        return self.begins.name

    def __post_init__(self) -> None:
        law = self.begins
        names = tuple(name for name in law.constants if name not in IMPLICIT)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "units", {name: law.units[name] for name in names})
        any_sign = {n: abs(float(law.constants[n])) or 1.0 for n in names if n in law.ANY_SIGN}
        object.__setattr__(self, "steps", any_sign)
        # A constant of the motion before one of the current, as most conductances are measured well.
        order = sorted(names, key=lambda name: (name in law.conducting, -names.index(name)))
        object.__setattr__(self, "held_first", tuple(order))

    def __hash__(self) -> int:
        return hash(self.begins)

    @property
    def title(self) -> str:
        """The law in a report."""
        return self.begins.name

    def bounds(self, name: str) -> tuple[float, float]:
        """Of a constant in a search."""
        if name in self.steps:
            return -_DECADES * self.steps[name], _DECADES * self.steps[name]
        value = self.known(self.begins)[name]
        return value / _DECADES, value * _DECADES

    def known(self, law: Law) -> dict[str, float]:
        """The constants of a law of the same formulas; one that may be 0 a little above it."""
        own = {name: float(law.constants[name]) for name in self.names}
        may_be_0 = set(self.begins.NOT_NEGATIVE)
        return {name: max(v, _LEAST) if name in may_be_0 else v for name, v in own.items()}

    def prior(self, law: Law) -> Law:
        """What is known before of these constants: those of the file."""
        return self.begins

    def law(self, x: FloatArray) -> FormulaLaw:
        """The law with the constants of a search vector.

        Raises
        ------
        InputError : they make no law, such as thresholds in the wrong order.
        """
        return self.begins.changed(**self.values(x))

    def makes_law(self, constants: FloatArray) -> bool:
        """Whether formulas with these constants pass the checks of a law."""
        try:
            self.law(constants)
        except InputError:
            return False
        return True

    def walled(self) -> FormulaForm:
        """The form whose searches never leave what makes a law."""
        return self if self.walls else replace(self, walls=True)

    def vector(self, law: Law, start: FloatArray) -> FloatArray:
        """The search vector of a law's constants and starting states omega (trains,) in (0, 1)."""
        return np.concatenate([self.constants(law), np.log(start) - np.log1p(-start)])

    def guesses(self, m: Measurements, prior: Law) -> Iterator[FloatArray]:
        """Search vectors of laws that conduct and move as the readings do (`beginnings`)."""
        return iter(self._best_of(m))

    def _best_of(self, m: Measurements) -> list[FloatArray]:
        """The beginning with the file's constants, and those others that are least off."""
        known: tuple[Measurements, list[FloatArray]] | None = self.__dict__.get("_begun")
        if known is None or known[0] is not m:
            s = self.schedule(m)

            def ranked(vectors: list[FloatArray]) -> list[FloatArray]:
                return sorted(vectors, key=lambda x: self._off(x, m, s))

            found = [self._begun_at(law, m) for law in beginnings(self.begins, m)]
            found = found or [self.vector(self.begins, np.full(len(m.labels), 0.5))]
            best = [self.law(x[: len(self.names)]) for x in ranked(found)[:_MATCHED]]
            nearer = [one for law in best if (one := matched(law, Changes.of(law, m))) is not None]
            others = [*found[_GIVEN:], *(self._begun_at(law, m) for law in nearer)]
            known = (m, [*found[:_GIVEN], *ranked(others)[:_DRAWN]])
            object.__setattr__(self, "_begun", known)
        return known[1]

    def _begun_at(self, law: FormulaLaw, m: Measurements) -> FloatArray:
        """The search vector of a law whose trains begin where their first readings say."""
        first = np.searchsorted(m.train, np.arange(len(m.labels)))
        off, on = (np.asarray(law.current(w, m.read_voltage[first])) for w in (0.0, 1.0))
        start = (m.current[first] - off) / np.where(on == off, 1.0, on - off)
        return self.vector(law, np.clip(start, 0.05, 0.95))

    def _off(self, x: FloatArray, m: Measurements, s: Schedule) -> float:
        """How far the logarithms of readings are off, no more than a decade each."""
        with np.errstate(all="ignore"):
            miss = np.log(np.abs(self.predict(x, m, s) / m.current))
        return float(np.sum(np.clip(np.nan_to_num(miss, nan=_DECADE), -_DECADE, _DECADE) ** 2))

    def blind(self, m: Measurements, x: FloatArray | None = None) -> frozenset[str]:
        """Constants whose effect on these readings is that of others at `x`, or where the search begins.

        They are left out of it in the order of `held_first`.
        """
        x = self._best_of(m)[0] if x is None else x
        kept, told = np.zeros((0, len(m))), set()
        slopes = self.slopes(x, m, self.schedule(m))[1]
        for name in reversed(self.held_first):
            slope = slopes[self.names.index(name)] / np.maximum(np.abs(m.current), 1e-300)
            size = float(np.linalg.norm(slope))
            rest = slope - kept.T @ (kept @ slope)
            rest -= kept.T @ (kept @ rest)
            left = float(np.linalg.norm(rest))
            if np.isfinite(size) and size > _UNFELT and left > _SAME * size:
                told.add(name)
                kept = np.concatenate([kept, rest[None] / left])
        return frozenset(self.names) - told

    def speeds(self, places: FloatArray, V: FloatArray) -> Speeds:
        """|d omega / dt| [1/s], (sets * amplitudes, points)."""
        law, columns = self.begins, self._columns(places)
        signs = [
            np.flatnonzero(sign * V > 0) for sign in (-1.0, 1.0)
        ]  # choices are then the same for all

        def at(points: FloatArray) -> FloatArray:
            found = np.empty((len(places), len(V), len(points)))
            for chosen in (one for one in signs if one.size):
                own = {n: np.repeat(column, len(chosen))[:, None] for n, column in columns.items()}
                volts = np.tile(V[chosen], len(places))[:, None]
                with np.errstate(all="ignore"):
                    moved = law.motion_over(points[None], volts, {**law.constants, **own})
                found[:, chosen] = np.abs(np.asarray(moved)).reshape(len(places), len(chosen), -1)
            return np.nan_to_num(found.reshape(-1, len(points)), nan=0.0, posinf=1e30)

        return at

    def _columns(self, places: FloatArray) -> dict[str, FloatArray]:
        """Every constant of every set, (sets,)."""
        return {
            name: np.exp(column) if name not in self.steps else column * self.steps[name]
            for name, column in zip(self.names, places.T, strict=True)
        }

    def doses(self, m: Measurements) -> FloatArray:
        """Seconds of each row's pulse, (rows,)."""
        return m.width

    def currents(self, places: FloatArray, m: Measurements) -> tuple[FloatArray, FloatArray]:
        """The currents [A] at omega = 1 and 0 of every reading, (sets, rows)."""
        volts, place = np.unique(m.read_voltage, return_inverse=True)
        law, values = self.begins, self._columns(places)
        constants = {**law.constants, **{n: column[:, None] for n, column in values.items()}}
        none = np.zeros((len(places), len(volts)))
        with np.errstate(all="ignore"):
            on, off = (
                none + np.asarray(current_at(law.definition, constants, end, volts[None] + none)[0])
                for end in (1.0, 0.0)
            )
        return on[:, place], off[:, place]


def require_reach(law: Law, m: Measurements, name: str) -> None:
    """Raise InputError unless a law holds at all voltages of the measurements.

    name : of the law, as it was asked for
    """
    volts = np.concatenate([m.voltage, m.read_voltage])
    ends = min(float(volts.min()), 0.0), max(float(volts.max()), 0.0)
    try:
        law.require_reach(*ends, f"the pulses and readings of {m.source}")
    except InputError as error:
        raise InputError(f"--law {name}: {error}") from None


def law_by_formulas(name: str, prior: Law) -> FormulaForm:
    """The form of a law from a file, or of a shipped one; its search begins at the constants there.

    name : of a shipped law, or of a file with formulas in [law] and constants in [memristor]
    prior : where it has the same formulas, its constants are taken in place of those

    Raises
    ------
    InputError : an unknown law, a law of another kind, or no constants to begin with.
    """
    shipped = shipped_laws()
    if name in shipped:
        found: Law = load_device(name).memristor
    elif name.endswith(".toml"):
        found = _of_file(name, prior)
    else:
        raise InputError(f"law {name!r} is unknown; {nearest(name, [*FITTED, *shipped])}")
    if not isinstance(found, FormulaLaw):
        raise InputError(f"{name}: has law {found.name!r}{_way_out(found.name)}")
    own = isinstance(prior, FormulaLaw) and prior.definition == found.definition
    begins = prior if own else found
    assert isinstance(begins, FormulaLaw)
    return FormulaForm(begins=begins.changed(speed=1.0))


def _way_out(law: str) -> str:
    """What to do with a file whose law is a class."""
    if law in FITTED:
        return f"; give --law {law}, and the file as --prior"
    return f", a class that no fit knows; fit {', '.join(FITTED)}, or a file with formulas of its own"


def _of_file(name: str, prior: Law) -> Law:
    """The law of a file, with its own constants or, where it has none, those of the prior."""
    document = with_law_beside(toml.loads(toml.read(name), source=name), Path(name))
    if SECTION in document:
        return read_law(document)
    definition = load_definition(name)
    if isinstance(prior, FormulaLaw) and prior.definition == definition:
        return prior
    raise InputError(
        f"{name}: has formulas and no [{SECTION}] with constants for the search to begin with; add that"
        " section, or give a parameter set of this law as --prior"
    )
