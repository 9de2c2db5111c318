"""The measured table: how far one pulse of each measured amplitude moves a cell from each state."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics import records
from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.device.arrays import Array, as_array, is_array, namespace
from roa_circuit.device.laws.branches import (
    BRANCH_MEANING,
    BRANCH_UNITS,
    BRANCHES,
    CURRENT,
    TwoBranches,
)
from roa_circuit.device.laws.law import SECTION, Constant
from roa_circuit.device.laws.logarithmic import stretch, to_omega, to_u
from roa_circuit.device.laws.monotone import Monotone
from roa_circuit.device.laws.powers import STOP
from roa_circuit.device.laws.text import Text
from roa_circuit.device.laws.tracks import NODES, Place, Tracks, of_few

Floats = NDArray[np.float64]
Row = tuple[float, ...]

TABLE = "table"
"""The section of a parameter set that has the measured changes."""

_KEYS = {
    "states": "state [-]", "up": "potentiation [V]", "down": "depression [V]",
    "raises": "raises [-]", "lowers": "lowers [-]", "width_up": "potentiation width [s]",
    "width_down": "depression width [s]",
}  # fmt: skip
_ROUNDED = 1e-12  # of a state: where two pulses end at the same
_SAME = 1e-9  # of an amplitude or a width: rounding
_ENOUGH = 3  # amplitudes of a sign, between which the table is interpolated
_SLACK = 1e-6  # [V], by which a simulator's amplitude may fall short
_SLOWEST = 1e-9  # of the range a pulse: nothing, but it keeps coordinates within the reach of numbers
_FAITHFUL = 2e-3  # of the range, by which a pulse of the table may be off
_COARSE = 513  # nodes of tracks, while speeds are searched for
_SMOOTH = 1e-5  # of a state, for a speed that is off its neighbours' line by a factor of e


_OWN_UNITS = {"pace": "-", "within": "V", "inert": "V", "ratio": "-"}
_OWN_MEANING = {
    "pace": "multiplies the pulses",
    "within": "how far from a measured amplitude the table holds",
    "inert": "the voltage up to which nothing moves",
    "ratio": "1, or Gmax over Gmin for knots in ln G",
}


@dataclass(frozen=True, kw_only=True)
class Table(TwoBranches):
    """The change of omega by one pulse, at states between which it is interpolated in ln G.

    omega 0 and 1 are the ends of the measured range, which no pulse leaves. The current is Eq. 2.
    Nothing is known of other amplitudes or widths than the measured ones, and no voltage that is not
    measured may act on a cell: it is refused. Two constants say what its owner knows besides:
    `within` [V] is how far from a measured amplitude the table still holds, `inert` [V] the voltage up
    to which nothing moves. Between three or more amplitudes of a sign, the pulses that lead from one
    state to another are interpolated in the voltage.

    states : of the rows' entries, from 0 to 1
    up, down : measured amplitudes [V], all of a sign, in any order; one of them may be empty
    raises, lowers : the change by one pulse, a row an amplitude and a size a state; not negative
    width_up, width_down : of the measured pulses [s], their edges included in what they do
    ratio : Gmax over Gmin of the range, for knots in ln G; 1 is knots in omega
    """

    NAME = "table"
    UNITS = _OWN_UNITS | BRANCH_UNITS
    MEANING = _OWN_MEANING | BRANCH_MEANING
    PACE = "pace"
    NOT_NEGATIVE = ("within", "inert")

    states: Row
    up: Row
    down: Row
    raises: tuple[Row, ...]
    lowers: tuple[Row, ...]
    width_up: float  # [s]
    width_down: float  # [s]
    pace: Constant = 1.0  # [-]
    within: float = 0.0  # [V]
    inert: float = 0.0  # [V]
    ratio: float = 1.0  # [-]
    gamma: Constant  # [A]
    delta: Constant  # [1/V]
    alpha: Constant  # [A]
    beta: Constant  # [1/V]
    current_scale: Constant = 1.0  # [-]

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("within", "inert", "ratio"):
            if is_array(getattr(self, name)):
                raise InputError(f"{name} of a table must be one number for all cells")
        if self.ratio < 1.0:
            raise records.out_of_range("ratio", self.ratio, "-", "be at least 1, Gmax over Gmin")
        for name in ("width_up", "width_down"):
            if records.require_finite(name, getattr(self, name), "s") <= 0:
                raise records.out_of_range(name, getattr(self, name), "s", "be greater than 0")
        _check_states(self.states)
        if not self.up and not self.down:
            raise InputError("potentiation [V] and depression [V]: one of them must have an amplitude")
        _check_rows("potentiation", self.up, self.raises, -1.0, self.states)
        _check_rows("depression", self.down, self.lowers, 1.0, self.states)

    @property
    def spreading(self) -> tuple[str, ...]:
        """The constants that may differ from device to device; the table itself is the same for all."""
        return ("pace", *(name for name in BRANCH_UNITS if name != "current_scale"))

    @property
    def one_coordinate(self) -> bool:
        """Each amplitude has its own."""
        return False

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the law takes for granted beyond what was measured."""
        said = []
        if max(len(self.up), len(self.down)) >= _ENOUGH:
            said.append("between measured amplitudes, pulses are interpolated in the voltage")
        if self.within:
            said.append(f"the table holds to {self.within:g} V from a measured amplitude")
        if self.inert:
            said.append(f"nothing moves up to {self.inert:g} V")
        return tuple(said)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """The law in a parameter set: constants in [memristor], what was measured in [table].

        Raises
        ------
        InputError : an unknown or missing key, another unit, a value out of range, rows that do not fit.
        """
        constants = {**records.section(document, SECTION)}
        constants.pop("law", None)
        section, names = records.section(document, TABLE), {key: name for name, key in _KEYS.items()}
        for key in section:
            if key not in names:
                raise InputError(f"[{TABLE}] has an unknown key {key!r}; {nearest(key, names)}")
        for key in names:
            if key not in section:
                raise InputError(f"[{TABLE}] lacks {key!r}")
        measured = {name: _frozen(key, section[key]) for key, name in names.items()}
        return cls(**records.values(cls, constants, cls.UNITS, section=SECTION), **measured)

    def to_document(self) -> dict[str, Any]:
        """The law's sections of a parameter set."""
        return super().to_document() | {
            TABLE: {key: _thawed(getattr(self, name)) for name, key in _KEYS.items()}
        }

    # Motion

    def rate(self, V: Array) -> Array:
        """Measured pulses per second of a flat top at the voltage V [1/s].

        Raises
        ------
        InputError : an amplitude that was not measured.
        """
        V = self.voltage(V)
        self.require_amplitudes(V)
        xp, none = namespace(V), 0.0 * V
        moving = xp.where(V < 0, none + 1.0 / self.width_up, none - 1.0 / self.width_down)
        return self.pace * xp.where(xp.abs(V) <= self.inert, none, moving)

    def mean_rate(self, start: Array, end: Array) -> Array:
        """`rate` where V stays; a ramp from or to 0 counts nothing, as measured pulses have edges."""
        start, end = self.voltage(start), self.voltage(end)
        xp = namespace(start, end)
        rests = (xp.abs(start) <= self.inert) | (xp.abs(end) <= self.inert)
        return self.rate(xp.where(rests, 0.0 * (start + end), 0.5 * (start + end)))

    def dose(self, V: Array, width: Array, *, edge: float = 0.0) -> Array:
        """The signed number of measured pulses, each with edges of its own.

        Raises
        ------
        InputError : an amplitude or a width that was not measured.
        """
        for sign, known in ((-1, self.width_up), (1, self.width_down)):
            acts = sign * _plain(self.voltage(V)) > self.inert
            if np.any(acts & (np.abs(_plain(width) / known - 1.0) > _SAME)):
                raise InputError(
                    f"the table has pulses of {known:g} s and says nothing of others; the asked width is"
                    f" {np.max(_plain(width)):g} s"
                )
        return super().dose(V, width, edge=edge)

    def coordinate(self, omega: Array, V: Array) -> Array:
        """The number of pulses at V to each state; it grows as the state moves."""
        u = to_u(as_array(omega), self.ratio)
        sign = namespace(u, V).where(namespace(u, V).asarray(V < 0), 1.0 + 0.0 * u, -1.0 + 0.0 * u)
        return sign * self._tracks.coordinate(u, self._place(V))

    def after_dose(self, omega: Array, dose: Array, V: Array | None = None) -> Array:
        """The state after a signed number of pulses at V."""
        if V is None:
            raise InputError("a table has changes for each amplitude: say the voltage of the dose")
        omega, dose = as_array(omega), as_array(dose)
        if (few := of_few(self, omega, dose, V)) is not None:
            return few
        xp = namespace(omega, dose)
        u = to_u(omega, self.ratio) + 0.0 * dose
        moved = to_omega(self._tracks.after(u, dose + 0.0 * u, self._place(V)), self.ratio)
        return xp.where(dose == 0, omega + 0.0 * dose, moved)

    def state_derivative(self, omega: Array, V: Array) -> Array:
        """d omega / dt [1/s]."""
        V, omega = self.voltage(V), as_array(omega)
        speed = self._tracks.speed(to_u(omega, self.ratio), self._place(V))
        return speed * self.rate(V) * stretch(omega, self.ratio)

    def require_amplitudes(self, V: Array) -> None:
        """Raise InputError where the table says nothing of these voltages [V]."""
        plain = np.atleast_1d(_plain(V))
        odd = plain[~self._known(plain)]
        if odd.size:
            met = f"{odd.min():.4g} V" + (f" to {odd.max():.4g} V" if odd.max() > odd.min() else "")
            measured = ", ".join(f"{one:g} V" for one in sorted(self.up + self.down))
            raise InputError(
                f"the law is a table, which has pulses of {measured} and says nothing of {met}: measure"
                " those, or say how far it holds by `within [V]` and what moves nothing by `inert [V]`"
            )

    def _known(self, V: Floats) -> NDArray[np.bool_]:
        known = np.abs(V) <= self.inert
        moving = ~known
        if moving.any():
            known[moving] = self._measured_near(V[moving])
        return np.asarray(known)

    def _measured_near(self, V: Floats) -> NDArray[np.bool_]:
        """Of voltages (n,) [V]: whether they lie at an amplitude, or between enough of them."""
        known = np.zeros(V.shape, dtype=bool)
        for amplitudes, side in ((self.up, V < 0), (self.down, V > 0)):
            if not amplitudes:
                continue
            sizes, size = np.abs(np.array(amplitudes)), np.abs(V)
            room = self.within + _SAME * sizes.max()
            near = np.abs(size[..., None] - sizes).min(axis=-1) <= room
            if len(sizes) >= _ENOUGH:
                near |= (size >= sizes.min() - room) & (size <= sizes.max() + room)
            known |= side & near
        return known

    def _place(self, V: Array) -> Place:
        """The tracks of these voltages; those that move nothing may have any."""
        plain = _plain(V)
        first, second, share = (np.zeros(plain.shape, kind) for kind in (np.intp, np.intp, np.float64))
        for amplitudes, begin, side in ((self.up, 0, plain < 0), (self.down, len(self.up), plain > 0)):
            if not amplitudes:
                continue
            sizes = np.sort(np.abs(amplitudes))
            where = np.interp(np.abs(plain), sizes, np.arange(len(sizes)))
            if len(sizes) < _ENOUGH:
                where = np.abs(np.abs(plain)[..., None] - sizes).argmin(axis=-1).astype(np.float64)
            low = np.floor(where).astype(np.intp)
            first = np.where(side, begin + low, first)
            second = np.where(side, begin + np.minimum(low + 1, len(sizes) - 1), second)
            share = np.where(side, where - low, share)
        if not share.any():
            return Place(first=first)
        return Place(first=first, second=second, share=share)

    @property
    def _tracks(self) -> Tracks:
        order = [np.argsort(np.abs(one)) for one in (self.up, self.down)]
        up, down = (
            tuple(rows[k] for k in each)
            for rows, each in zip((self.raises, self.lowers), order, strict=True)
        )
        return _tracks(self.states, up, down, self.ratio)

    @property
    def in_simulators(self) -> str | None:
        """Why simulators cannot have a moving cell: their pulses pass through all voltages from 0."""
        if self.inert > 0:
            return None
        return (
            "a device with law 'table' has a model for simulators only where it says up to which voltage"
            " nothing moves, as their pulses pass through all of them: give `inert [V]` in [memristor]"
            " if it is known, or fit law 'windows'"
        )

    def text(self) -> Text:
        """The law as simulators take it: cubics between knots, for u.

        Voltages between `inert` and the smallest amplitude less `within` move nothing; pulses pass
        through them at their edges alone, as writes that rest there are refused.
        """
        linear, state = self.ratio == 1.0, "omega" if self.ratio == 1.0 else "u"
        return Text(
            state=state,
            start="w0" if linear else "ln(1 + w0*(ratio - 1)) / ln(ratio)",
            omega=state if linear else "(exp(ln(ratio)*min(max(u, 0), 1)) - 1) / (ratio - 1)",
            terms={
                "raising": self._speed_text(state, -1.0),
                "lowering": self._speed_text(state, 1.0),
                "room": f"(v < 0 ? max(1 - {state}, 0) : max({state}, 0))",
            },
            motion="pace * (v < 0 ? raising : -lowering) * min(1, room/closest)",
            branches=BRANCHES,
            current=CURRENT,
            parameters={"closest": STOP},
        )

    @property
    def _curves(self) -> tuple[Floats, Floats]:
        """The speeds of u in pulses at the knots, up and down, each by rising amplitude."""
        order = [np.argsort(np.abs(one)) for one in (self.up, self.down)]
        up, down = (
            tuple(rows[k] for k in each)
            for rows, each in zip((self.raises, self.lowers), order, strict=True)
        )
        speeds = _speeds_of(self.states, up, down, self.ratio)
        return speeds[: len(up)], speeds[len(up) :]

    def _speed_text(self, state: str, sign: float) -> str:
        """The speed [1/s] of a polarity in terms of the state and v; 0 where nothing moves."""
        up = sign < 0
        amplitudes, width = (self.up, self.width_up) if up else (self.down, self.width_down)
        speeds = self._curves[0 if up else 1]
        if not amplitudes:
            return "0"
        sizes, V = np.sort(np.abs(amplitudes)), "v" if sign > 0 else "(-v)"
        knots = np.asarray(to_u(np.array(self.states), self.ratio))
        curves = [_cubics(knots, row, state) for row in speeds]
        found = curves[-1]
        for k in range(len(sizes) - 1)[::-1]:
            low, high = float(sizes[k]), float(sizes[k + 1])
            if len(sizes) < _ENOUGH:
                found = f"({V} < {0.5 * (low + high)!r} ? {curves[k]} : {found})"
                continue
            share = f"(max({V} - {low!r}, 0) / {high - low!r})"
            between = f"(1 / ((1 - {share}) / {curves[k]} + {share} / {curves[k + 1]}))"
            found = f"({V} < {high!r} ? {between} : {found})"
        least = max(float(sizes[0]) - self.within - _SLACK, self.inert)
        return f"({V} < {least!r} ? 0 : {found} / {width!r})"


@functools.lru_cache(maxsize=32)
def _tracks(states: Row, raises: tuple[Row, ...], lowers: tuple[Row, ...], ratio: float) -> Tracks:
    """Tracks of all rows, on which one pulse from each state ends where it was measured."""
    return _of_speeds(
        np.asarray(to_u(np.array(states), ratio)), _speeds_of(states, raises, lowers, ratio)
    )


@functools.lru_cache(maxsize=32)
def _speeds_of(states: Row, raises: tuple[Row, ...], lowers: tuple[Row, ...], ratio: float) -> Floats:
    """The speeds (rows, knots) that lead one pulse from each state to where it was measured."""
    omega = np.array(states)
    u = np.asarray(to_u(omega, ratio))
    rows = np.array([*raises, *(-np.array(row) for row in lowers)])
    signs = [1.0] * len(raises) + [-1.0] * len(lowers)
    after = np.asarray(to_u(np.clip(omega + rows, 0.0, 1.0), ratio))
    return np.array([_speed(u, end, sign) for end, sign in zip(after, signs, strict=True)])


def _cubics(u: Floats, speeds: Floats, state: str) -> str:
    """The curve of `speed_curves` through one row of speeds, as text in terms of the state."""
    pieces = Monotone.through(u, speeds[None]).pieces[:, 0].T
    found = ""
    for left, right, piece in list(zip(u[:-1], u[1:], pieces, strict=True))[::-1]:
        about_0 = np.polynomial.Polynomial(piece[::-1])(np.polynomial.Polynomial([-left, 1.0])).coef
        c0, c1, c2, c3 = map(float, np.append(about_0, np.zeros(4 - len(about_0))))
        cubic = f"((({c3!r}*{state} + {c2!r})*{state} + {c1!r})*{state} + {c0!r})"
        found = cubic if not found else f"({state} < {float(right)!r} ? {cubic} : {found})"
    return f"max({found}, {_SLOWEST!r})"


def speed_curves(u: Floats, speeds: Floats) -> Callable[[Floats], Floats]:
    """The speeds (rows, points) at states (points,), from those (rows, knots) at the knots u, monotone
    in between.
    """
    curves = Monotone.through(u, speeds)

    def at(points: Floats) -> Floats:
        found: Floats = np.maximum(curves(np.clip(points, 0.0, 1.0)), _SLOWEST)
        return found

    return at


def _of_speeds(u: Floats, speeds: Floats, nodes: int = NODES) -> Tracks:
    """Tracks of speeds (rows, knots) at the knots u."""
    return Tracks.of(speed_curves(u, speeds), nodes)


def _speed(u: Floats, after: Floats, sign: float) -> Floats:
    """du a pulse at the knots (knots,), whose flow over one pulse leads from each knot to `after`.

    A pulse that moves far averages over knots, so that speeds which differ in turns would do as well:
    the smoothest are taken.
    """
    from scipy.optimize import least_squares

    change = np.abs(after - u)
    moves = change > 0
    if not moves.any():
        return change
    slope = sign * np.gradient(change, u)  # a map with a constant one flows at ln(1 + slope) / slope
    slope = np.where(np.abs(slope) < 1e-6, 1e-6, np.maximum(slope, -0.99))
    first = change * np.log1p(slope) / slope

    def speeds(logs: Floats) -> Floats:
        found: Floats = first.copy()
        found[moves] *= np.exp(logs)
        return found

    def off(logs: Floats, nodes: int) -> Floats:
        made = _of_speeds(u, speeds(logs)[None], nodes).after(u, np.full_like(u, sign), Place(first=0))
        return np.asarray((np.asarray(made) - after)[moves])

    def misses(logs: Floats, nodes: int) -> Floats:
        return np.concatenate([off(logs, nodes), _SMOOTH * np.diff(logs, 2)])

    found, worst = np.zeros(moves.sum()), np.inf
    for nodes, most in ((_COARSE, 30), (NODES, 10)):
        how = {"x_scale": 1.0, "xtol": 1e-9, "ftol": 1e-9, "max_nfev": most, "args": (nodes,)}
        found = np.asarray(least_squares(misses, found, **how).x)
        worst = float(np.abs(off(found, NODES)).max())
        if worst <= _FAITHFUL:
            return speeds(found)
    raise InputError(
        f"no steady motion makes the table's changes: a pulse is off by {worst:.1g} of the range;"
        " smooth the table, or take more states"
    )


def _check_states(states: Row) -> None:
    knots = np.array(states)
    if (
        knots.ndim != 1
        or len(states) < 2
        or knots[0] != 0.0
        or knots[-1] != 1.0
        or not (np.diff(knots) > 0).all()
    ):
        raise InputError("state [-] must rise from 0 to 1, the ends of the measured range")


def _check_rows(what: str, amplitudes: Row, rows: tuple[Row, ...], sign: float, states: Row) -> None:
    """sign : of the amplitudes; pulses with one below 0 raise the state."""
    sizes = sign * np.array(amplitudes)
    if sizes.ndim != 1 or (sizes <= 0).any():
        raise InputError(f"{what} [V] must be amplitudes {'below' if sign < 0 else 'above'} 0")
    if len(set(amplitudes)) < len(amplitudes):
        raise InputError(f"{what} [V] repeats an amplitude")
    name, knots = "raises [-]" if sign < 0 else "lowers [-]", np.array(states)
    if len(rows) != len(amplitudes) or any(np.shape(row) != knots.shape for row in rows):
        raise InputError(f"{name} must have a row of {len(knots)} states for each {what} amplitude")
    for amplitude, row in zip(amplitudes, rows, strict=True):
        changes, here = np.array(row), f"{name} at {amplitude:g} V"
        if (changes < 0).any():
            raise InputError(f"{here} are sizes of changes, which must not be negative")
        after = knots - sign * changes
        if after.min() < -_SAME or after.max() > 1.0 + _SAME:
            raise InputError(f"{here} leave the range of states [0, 1]")
        if (np.diff(after) < -_ROUNDED).any():
            first = states[int(np.argmin(np.diff(after)))]
            raise InputError(
                f"{here}: a pulse from state {first:g} overtakes one from the next; smooth it"
            )


def _frozen(key: str, value: Any) -> Any:
    """Numbers, lists of numbers and lists of those, as tuples."""
    if isinstance(value, list):
        return tuple(_frozen(key, one) for one in value)
    return float(records.require_finite(key, value, key.partition("[")[2].rstrip("]")))


def _thawed(value: Any) -> Any:
    return [_thawed(one) for one in value] if isinstance(value, tuple) else value


def _plain(values: Any) -> Floats:
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    return np.asarray(values, dtype=np.float64)
