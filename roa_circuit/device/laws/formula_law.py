"""A law from a file: formulas as text, and everything that is asked of a law made from them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics import records
from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.device.arrays import Array, as_array, is_array, matching, namespace
from roa_circuit.device.laws.formulas.checks import check_law
from roa_circuit.device.laws.formulas.currents import Curve, current_at, trees_of
from roa_circuit.device.laws.formulas.definition import IMPLICIT, Definition
from roa_circuit.device.laws.formulas.grammar import names_in, substituted
from roa_circuit.device.laws.formulas.quadrature import mean_over_ramp, short_ramps
from roa_circuit.device.laws.formulas.reach import PULSES, check_reach
from roa_circuit.device.laws.formulas.shapes import STATES, Shape, found_shape, where_it_moves
from roa_circuit.device.laws.formulas.shipped import load_definition
from roa_circuit.device.laws.formulas.values import value, value_and_slope
from roa_circuit.device.laws.formulas.writing import simulator_text
from roa_circuit.device.laws.law import LAW, SECTION, Branch, Constant, Law
from roa_circuit.device.laws.text import Text
from roa_circuit.device.laws.tracks import Place, Tracks

Floats = NDArray[np.float64]

_CLOSEST = 1e-6  # to an end: over this stretch simulators bring the motion to a stop
_MOST_AMPLITUDES = 16
_NODES_A_CELL = 1025
_OCTAVES, _AN_OCTAVE, _NODES_OF_GRID = 8, 16, 513  # of the voltages of a grid; below them shapes stay


@dataclass(frozen=True, kw_only=True)
class FormulaLaw(Law):
    """A law by formulas with its constants.

    Doses add on coordinates that are tabulated: one a polarity where the motion is a function of the
    voltage times one of the state, else one for each amplitude, and a dose is then a time [s].

    definition : what the file says
    values : (name, value) of every constant

    Raises
    ------
    InputError : a constant out of its bound, or a law that is none: a current that is not affine in
        omega or does not rise with the voltage, a motion in the wrong direction.
    """

    definition: Definition
    values: tuple[tuple[str, Constant], ...]

    PACE = "speed"

    def __post_init__(self) -> None:
        given, known = dict(self.values), self.units
        for name in given:
            if name not in known:
                raise InputError(f"[{SECTION}] has no constant {name!r}; {nearest(name, known)}")
        ordered = {name: given.get(name, 1.0 if name in IMPLICIT else None) for name in known}
        for name, number in ordered.items():
            if number is None:
                raise InputError(f"[{SECTION}] lacks '{name} [{known[name]}]'")
        object.__setattr__(self, "values", tuple(ordered.items()))
        super().__post_init__()
        if not self.varies:
            check_law(self, self.definition)

    def require_reach(self, lowest: float, highest: float, what: str = PULSES) -> None:
        """Raise InputError unless the law holds between these voltages [V], <= 0 and >= 0."""
        if not self.varies:
            check_reach(self, self.definition, lowest, highest, what)

    # Constants

    @property
    def name(self) -> str:
        """What parameter sets call the law."""
        return self.definition.name

    @property
    def units(self) -> Mapping[str, str]:
        """The unit of each constant, by its name."""
        return {n: unit for n, unit, *_ in self.definition.constants} | dict.fromkeys(IMPLICIT, "-")

    @property
    def meanings(self) -> Mapping[str, str]:
        """A few words on each constant, by its name."""
        return {n: words for n, _, _, words in self.definition.constants} | IMPLICIT

    @property
    def constants(self) -> dict[str, Constant]:
        """All constants by name, numbers or arrays."""
        return dict(self.values)

    @functools.cached_property
    def varies(self) -> bool:
        """Whether any constant is an array, so that cells differ."""
        return any(is_array(value) for _, value in self.values)

    @property
    def conducting(self) -> tuple[str, ...]:
        """The constants of the current and of the state's range."""
        trees = trees_of(self.definition)
        used = set().union(*(names_in(trees[part]) for part in ("current", "state_of_omega")))
        return (*(name for name in self.constants if name in used), "current_scale")

    @property
    def ANY_SIGN(self) -> tuple[str, ...]:  # type: ignore[override]
        """Constants that may be negative."""
        return tuple(name for name, _, bound, _ in self.definition.constants if bound == "any")

    @property
    def NOT_NEGATIVE(self) -> tuple[str, ...]:  # type: ignore[override]
        """Constants that may be 0."""
        return tuple(name for name, _, bound, _ in self.definition.constants if bound == ">= 0")

    @property
    def current_scale(self) -> Constant:  # type: ignore[override]
        """Multiplies the current alone."""
        return self.constants["current_scale"]

    @property
    def pace(self) -> Constant:
        """The constant that all doses are proportional to."""
        return self.constants["speed"]

    def changed(self, **constants: Constant) -> Self:
        """The law with other values of these constants."""
        return replace(self, values=tuple((self.constants | constants).items()))

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """The law in a parameter set, which has its formulas in [law] or names a shipped law.

        Raises
        ------
        InputError : no such law, a formula outside the grammar, an unknown or missing key.
        """
        table = records.section(document, SECTION)
        definition = (
            Definition.from_document(document)
            if LAW in document
            else load_definition(str(table.get("law", "")))
        )
        units = {n: unit for n, unit, *_ in definition.constants} | dict.fromkeys(IMPLICIT, "-")
        keys = {records.with_unit(name, units): name for name in units}
        given = {key: number for key, number in table.items() if key != "law"}
        for key in given:
            if key not in keys:
                raise InputError(f"[{SECTION}] has an unknown key {key!r}; {nearest(key, keys)}")
        return cls(definition=definition, values=tuple((keys[key], v) for key, v in given.items()))

    def to_document(self) -> dict[str, Any]:
        """The law's sections of a parameter set, its formulas among them."""
        return super().to_document() | self.definition.to_document()

    # Motion

    def state_derivative(self, omega: Array, V: Array) -> Array:
        """d omega / dt [1/s]."""
        V, omega = self.voltage(V), as_array(omega)
        return self.constants["speed"] * self.motion_of(omega, V, self.constants)

    def motion_of(self, omega: Array, V: Array, constants: Mapping[str, Any]) -> Array:
        """d omega / dt [1/s] by these constants, arrays or numbers, `speed` left out."""
        return self.motion_over(omega + 0.0 * V, V + 0.0 * omega, constants)

    def motion_over(self, omega: Array, V: Array, constants: Mapping[str, Any]) -> Array:
        """The same of arrays that only together have its shape: what depends on V alone is cheap."""
        trees, state = trees_of(self.definition), self.definition.state
        xp = namespace(omega, V)
        x, stretch = value_and_slope(trees["state_of_omega"], {**constants, "omega": omega}, "omega")
        moved = value(trees["motion"], {**constants, state: x, "v": V}) / stretch
        return xp.where(V == 0, 0.0 * omega, moved)

    def _in_the_middle(self, V: Array) -> Array:
        """d omega / dt [1/s] at omega = 1/2."""
        moved = self.motion_over(matching(np.array(0.5), V), V, self.constants)
        return self.constants["speed"] * moved

    def _where_it_moves(self, V: Array) -> Array:
        """d omega / dt [1/s] at omega = 1/2, or where that stands still at the state that moves most."""
        moved = where_it_moves(lambda omega, at: self.motion_over(omega, at, self.constants), V)
        return self.constants["speed"] * moved

    @functools.cached_property
    def one_coordinate(self) -> bool:
        """Whether the motion is a function of the voltage times one of the state, for each polarity."""
        return all(_shape(self._numbers(), sign).is_one for sign in (-1.0, 1.0))

    def rate(self, V: Array) -> Array:
        """The dose per second [1/s]: d omega / dt at omega = 1/2, or +-1 where doses are times."""
        V = self.voltage(V)
        if self.one_coordinate:
            return self._in_the_middle(V)
        xp = namespace(V)
        moves = xp.where(V < 0, 1.0 + 0.0 * V, xp.where(V > 0, -1.0 + 0.0 * V, 0.0 * V))
        still = self._where_it_moves(V) == 0
        return self.pace * xp.where(still, 0.0 * V, moves)

    def mean_rate(self, start: Array, end: Array) -> Array:
        """The mean of `rate` [1/s] over a ramp, by Gauss's rule; as seen from omega = 1/2.

        Where no voltage of the ramp moves a cell from there, as seen from where it moves most.
        """
        start, end = self.voltage(start), self.voltage(end)
        total = self._mean_in_the_middle(start, end)
        if self.one_coordinate:
            return total
        xp = namespace(start, end)
        full, other = self._in_the_middle(end), self._in_the_middle(start)
        unseen = (full == 0) & (other == 0)
        if bool(xp.any(unseen)):
            of = self._where_it_moves
            full, other = xp.where(unseen, of(end), full), xp.where(unseen, of(start), other)
            total = xp.where(unseen, mean_over_ramp(of, start, end), total)
        whole = xp.abs(xp.where(xp.abs(full) >= xp.abs(other), full, other))
        return self.pace * total / xp.where(whole == 0, xp.ones_like(whole), whole)

    def _mean_in_the_middle(self, start: Array, end: Array) -> Array:
        """The mean of d omega / dt [1/s] at omega = 1/2 over a ramp."""
        if namespace(start, end) is not np or not np.ndim(start + end):
            return mean_over_ramp(self._in_the_middle, start, end)
        start, end = np.broadcast_arrays(start, end)
        short, mean = short_ramps(start, end), np.empty(start.shape)
        for which, panels in ((short, {"panels": 1}), (~short, {})):
            if which.any():
                of = self.part(which)._in_the_middle
                mean[which] = mean_over_ramp(of, start[which], end[which], **panels)
        return mean

    def coordinate(self, omega: Array, V: Array) -> Array:
        """The tabulated coordinate at V; it grows as the state moves."""
        omega = as_array(omega)
        xp = namespace(omega, V)
        tracks, place, speed = self._tracks(V, omega)
        sign = xp.where(xp.asarray(V < 0), 1.0 + 0.0 * omega, -1.0 + 0.0 * omega)
        return sign * tracks.coordinate(omega + 0.0 * sign, place) / speed

    def after_dose(self, omega: Array, dose: Array, V: Array | None = None) -> Array:
        """The state after a signed dose, on the tabulated coordinate."""
        omega, dose = as_array(omega), as_array(dose)
        xp = namespace(omega, dose)
        if V is None and not self.one_coordinate:
            raise InputError(f"law {self.name} wants the voltage of a dose: each has its coordinate")
        omega, none = omega + 0.0 * dose, 0.0 * (omega + dose)
        tracks, place, speed = self._tracks(-dose if self.one_coordinate else V, none)
        return xp.where(dose == 0, omega, tracks.after(omega, dose * speed + none, place))

    def _numbers(self) -> FormulaLaw:
        """The law of the first cell, whose kind all share."""
        if not self.varies:
            return self
        first = {n: float(_plain(v).ravel()[0]) for n, v in self.values}
        return self.changed(**first | {"speed": 1.0})

    def _tracks(self, V: Array, like: Array) -> tuple[Tracks, Place, Array]:
        """(tracks, which the elements of `like` run on at V, their doses over those of the law)."""
        volts = np.broadcast_to(_plain(V), like.shape)
        arrays = self._moving_arrays()
        if not self.one_coordinate:
            return self._by_amplitude(volts, arrays, like)
        if not arrays:
            law = self._numbers()
            return _by_polarity(law.definition, law.values), Place(first=np.where(volts < 0, 0, 1)), 1.0
        shape = np.broadcast_shapes(*(v.shape for v in arrays.values()))
        cells = np.broadcast_to(np.arange(int(np.prod(shape))).reshape(shape), like.shape)
        own = {n: np.broadcast_to(v, shape).ravel()[:, None] for n, v in arrays.items()}
        tables = [self._speeds(own, _shape(self._numbers(), sign).voltage) for sign in (-1.0, 1.0)]
        count = int(np.prod(shape))
        both = Tracks.of(lambda u: np.concatenate([one(u) for one in tables]), _NODES_A_CELL)
        return both, Place(first=np.where(volts < 0, cells, count + cells)), 1.0

    def _moving_arrays(self) -> dict[str, Floats]:
        """Constants of the motion that differ from cell to cell."""
        if not self.varies:
            return {}
        trees = trees_of(self.definition)
        used = names_in(trees["motion"]) | names_in(trees["state_of_omega"])
        return {n: _plain(v) for n, v in self.values if is_array(v) and n in used}

    def _speeds(self, own: Mapping[str, Floats], V: float) -> Any:
        constants = {**self._numbers().constants, **own}

        def speeds(u: Floats) -> Floats:
            moved = self.motion_of(u[None], np.full((1, 1), V), constants)
            middle = self.motion_of(np.full((1, 1), 0.5), np.full((1, 1), V), constants)
            found: Floats = np.abs(np.asarray(moved / middle))
            return found

        return speeds

    def _by_amplitude(
        self, volts: Floats, arrays: Mapping[str, Any], like: Array
    ) -> tuple[Tracks, Place, Array]:
        """A track for each voltage; of many, tracks of a grid whose shape is interpolated in ln |V|."""
        if arrays:
            raise InputError(
                f"law {self.name} has a coordinate for each voltage, and cells have constants of their"
                " own: write without wires, or in ngspice (--engine)"
            )
        law = self._numbers()
        distinct, place = np.unique(volts, return_inverse=True)
        if len(distinct) <= _MOST_AMPLITUDES:
            tracks = _of_amplitudes(law.definition, law.values, tuple(distinct.tolist()))
            return tracks, Place(first=place.reshape(volts.shape)), 1.0
        octave = int(np.ceil(np.log2(np.abs(volts).max())))
        tracks, usable = _of_grid(law.definition, law.values, octave)
        where = (np.log2(np.maximum(np.abs(volts), 1e-12)) - octave + _OCTAVES) * _AN_OCTAVE
        where = np.clip(where, usable[(volts > 0).astype(int)], _OCTAVES * _AN_OCTAVE - 1e-9)
        low = np.floor(where).astype(np.intp)
        begin = np.where(volts < 0, 0, _OCTAVES * _AN_OCTAVE + 1)
        at = Place(first=begin + low, second=begin + low + 1, share=where - low)
        middle = np.abs(_plain(self.motion_of(np.full(volts.shape, 0.5), volts, law.constants)))
        xp = namespace(like)
        return tracks, at, xp.asarray(middle, dtype=like.dtype) if xp is not np else middle

    # Current

    def current(self, omega: Array, V: Array) -> Array:
        """The cell current [A], between those at both ends of the range."""
        return self._affine(omega, V, 0)

    def differential_conductance(self, omega: Array, V: Array) -> Array:
        """dI/dV [S]."""
        return self._affine(omega, V, 1)

    def _affine(self, omega: Array, V: Array, which: int) -> Array:
        V = self.voltage(V)
        on, off = (current_at(self.definition, self.constants, end, V)[which] for end in (1.0, 0.0))
        return self.current_scale * (omega * on + (1.0 - omega) * off)

    def branches(self) -> tuple[Branch, Branch] | None:
        """The curves at both ends; None where cells differ in what shapes them."""
        shaping = [v for n, v in self.values if n in self.conducting and n != "current_scale"]
        if any(map(is_array, shaping)):
            return None
        values = tuple((n, v) for n, v in self.values if n in self.conducting and n != "current_scale")
        on, off = (
            Branch(height=1.0, steepness=1.0, shape=Curve(self.definition, values, end))
            for end in (1.0, 0.0)
        )
        return on, off

    # Text

    def text(self) -> Text:
        """The law as simulators take it; they integrate the state that the formulas have."""
        trees, state = trees_of(self.definition), self.definition.state
        ends = {
            name: substituted(
                trees["current"], {state: substituted(trees["state_of_omega"], {"omega": end})}
            )
            for name, end in (("raised", ("number", 1.0)), ("lowered", ("number", 0.0)))
        }
        start = simulator_text(substituted(trees["state_of_omega"], {"omega": ("name", "w0")}))
        omega = simulator_text(trees["omega_of_state"])
        linear = state == "omega"
        return Text(
            state=state,
            start="w0" if linear else start,
            omega="omega" if linear else f"min(max({omega}, 0), 1)",
            terms={
                "rate": f"speed * {simulator_text(trees['motion'])}",
                "room": "(v < 0 ? max(1 - omega, 0) : max(omega, 0))",
            },
            motion="rate * min(1, room/closest)",
            branches={name: simulator_text(tree) for name, tree in ends.items()},
            current="current_scale * (omega * raised + (1 - omega) * lowered)",
            parameters={"closest": _CLOSEST},
        )


@functools.lru_cache(maxsize=64)
def _shape_of(definition: Definition, values: tuple[tuple[str, float], ...], sign: float) -> Shape:
    law = FormulaLaw(definition=definition, values=values)
    return found_shape(lambda omega, V: np.asarray(law.motion_of(omega, V, law.constants)), sign)


def _shape(law: FormulaLaw, sign: float) -> Shape:
    values = tuple((n, 1.0 if n in IMPLICIT else v) for n, v in law.values)
    return _shape_of(law.definition, values, sign)


@functools.lru_cache(maxsize=64)
def _by_polarity(definition: Definition, values: tuple[tuple[str, float], ...]) -> Tracks:
    law = FormulaLaw(definition=definition, values=values)
    tables = [law._speeds({}, _shape(law, sign).voltage) for sign in (-1.0, 1.0)]
    return Tracks.of(lambda u: np.concatenate([one(u) for one in tables]))


@functools.lru_cache(maxsize=64)
def _of_amplitudes(
    definition: Definition, values: tuple[tuple[str, float], ...], volts: tuple[float, ...]
) -> Tracks:
    law = FormulaLaw(definition=definition, values=values)
    V = np.array(volts)[:, None]
    return Tracks.of(lambda u: np.abs(np.asarray(law.motion_of(u[None], V, law.constants))))


@functools.lru_cache(maxsize=8)
def _of_grid(
    definition: Definition, values: tuple[tuple[str, float], ...], octave: int
) -> tuple[Tracks, Floats]:
    """(tracks of both polarities, their first usable places), in units of the motion at omega = 1/2.

    Amplitudes are even in ln |V| up to 2^octave V. The shape of the motion changes little from one to
    the next, whatever its size does.
    """
    law = FormulaLaw(definition=definition, values=values)
    sizes = 2.0 ** (octave - _OCTAVES + np.arange(_OCTAVES * _AN_OCTAVE + 1) / _AN_OCTAVE)
    V = np.concatenate([-sizes, sizes])[:, None]
    middle = np.abs(np.asarray(law.motion_of(np.full((1, 1), 0.5), V, law.constants)))
    moves = np.asarray(law.motion_of(STATES[None], V, law.constants))
    if ((middle[:, 0] == 0) & (moves != 0).any(axis=1)).any():
        raise InputError(
            f"law {law.name} moves from some states by voltages that move nothing from omega = 1/2, and"
            " has a coordinate for each voltage: write without wires, or in ngspice (--engine)"
        )
    still = middle[:, 0] == 0
    first = np.array([int(np.argmin(half)) for half in np.split(still, 2)], dtype=np.float64)
    safe = np.where(middle == 0, 1.0, middle)

    def speeds(u: Floats) -> Floats:
        moved = np.abs(np.asarray(law.motion_of(u[None], V, law.constants)))
        found: Floats = np.where(middle == 0, 1.0, moved / safe)
        return found

    return Tracks.of(speeds, _NODES_OF_GRID), first


def _plain(values: Any) -> Floats:
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    return np.asarray(values, dtype=np.float64)
