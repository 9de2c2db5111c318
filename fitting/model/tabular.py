"""Tables: what a pulse of each amplitude changes, at states between which it is interpolated in ln G."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fitting.model.noise import reading_noise, weighting
from fitting.model.residuals import seven
from fitting.model.tracked import Speeds, TrackedForm
from fitting.readers.measurements import FloatArray, Measurements
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.units import counted, engineering
from roa_circuit.device.laws import Law
from roa_circuit.device.laws.logarithmic import stretch, to_omega, to_u
from roa_circuit.device.laws.table import Table, speed_curves
from roa_circuit.device.laws.tracks import Place, Tracks
from roa_circuit.device.laws.zhang2021 import Memristor
from roa_circuit.device.memristor import current
from roa_circuit.device.parameters import Device

KNOTS = 16
"""States of a table, at most."""

MOST_AMPLITUDES = 6
"""With more, a table has more knots than most readings tell."""

_A_KNOT = 4  # readings, at least
_FEWEST = 5  # knots: both ends, the outermost readings, and one between them
_BEYOND = 0.01  # of the measured range of ln G, or of G: ends lie so far outside of it
_SLOWEST, _FASTEST = 1e-7, 3.0  # du a pulse
_BENT = 0.5  # of a logarithm, by which a speed may be off the line between its neighbours
_LEAST_NOISE = 1e-4
_BEGIN = (1e-4, 0.5)  # du a pulse, of a search's first guess


@dataclass(frozen=True, kw_only=True)
class TableForm(TrackedForm):
    """The speed of u, in pulses, at every knot for every amplitude, by its logarithm.

    u is ln G within the measured range, or omega where readings are normalised. The ends of the range
    are measured, not fitted: a table has no state outside of it. A cell stops at the end that pulses
    lead to, as in the table that is written; it slows down only beyond the outermost reading.

    knots : states u: 0, from the smallest reading to the largest, and 1
    ends : the law's currents, Eq. 2 from the smallest to the largest conductance
    first : the mean speed of each amplitude
    local : speeds as readings near each knot show them, a row an amplitude
    noise : of a reading, relative: readings count as much against smoothness as they are sure
    unmeasured : says how a polarity moves that has no pulses here
    """

    amplitudes: tuple[float, ...]
    widths: tuple[float, ...]
    knots: tuple[float, ...]
    ratio: float
    ends: Memristor
    first: tuple[float, ...]
    local: tuple[tuple[float, ...], ...]
    noise: float
    unmeasured: Device
    names: tuple[str, ...] = field(init=False)
    units: Mapping[str, str] = field(init=False)
    held_first: tuple[str, ...] = ()
    stiffness: FloatArray | None = field(init=False, default=None, compare=False)
    by_curvature: bool = True
    extrapolates: bool = False

    LAW = "table"

    @classmethod
    def of(cls, m: Measurements, prior: Device) -> TableForm:
        """The table that these readings can fill; a polarity without pulses moves as the prior says.

        Raises
        ------
        InputError : no pulses, too many amplitudes, several widths of a polarity, too few readings.
        """
        base, rows = seven(prior.memristor), ~m.sweep
        volts = np.unique(m.voltage[rows & (m.voltage != 0)])
        if not volts.size:
            raise InputError(f"{m.source}: no pulses, so no table of what they change")
        if len(volts) > MOST_AMPLITUDES:
            raise InputError(f"{m.source}: pulses of {len(volts)} amplitudes; a table takes "
                             f"{MOST_AMPLITUDES} at most: fit windows or zhang2021")  # fmt: skip
        widths = tuple(_width(m, sign) for sign in (-1.0, 1.0))
        count = int(np.clip((m.voltage[rows] != 0).sum() / len(volts) / _A_KNOT, _FEWEST, KNOTS))
        noise = max(reading_noise(m, weighting(m))[0] or 0.0, _LEAST_NOISE)
        low, high = _range(m)
        ends = _ends(base, m, low, high)
        ratio = 1.0 if m.normalised else float(high / low)
        u = np.asarray(to_u(np.clip((m.conductance[rows] - low) / (high - low), 0.0, 1.0), ratio))
        knots, changes = _knots(u, count), [_changes(m, rows, u, V, widths) for V in volts]
        return cls(
            amplitudes=tuple(map(float, volts)), widths=widths, knots=knots, ratio=ratio, ends=ends,
            first=tuple(_mean(*one[1:]) for one in changes),
            local=tuple(_local(*one, np.array(knots)) for one in changes), noise=noise,
            unmeasured=prior,
        )  # fmt: skip

    def __post_init__(self) -> None:
        names = [
            f"{'raise' if V < 0 else 'lower'}{_of(V, self.amplitudes)}_{knot}"
            for V in self.amplitudes
            for knot in range(len(self.knots))[_moving(V)]
        ]
        object.__setattr__(self, "names", tuple(names))
        object.__setattr__(self, "units", dict.fromkeys(names, "-"))
        object.__setattr__(self, "stiffness", self._stiffness())

    def _stiffness(self) -> FloatArray:
        """Second differences of the logarithms along the knots, over how far they may lie apart."""
        each = len(self.knots) - 1
        bent = np.zeros((len(self.amplitudes), each - 2, len(self.amplitudes), each))
        for index, V in enumerate(self.amplitudes):
            u = np.array(self.knots[_moving(V)])
            for row in range(each - 2):
                left, right = u[row + 1] - u[row], u[row + 2] - u[row + 1]
                parts = np.array((right, -(left + right), left)) / (0.5 * (left + right))
                bent[index, row, index, row : row + 3] = parts
        return np.asarray(bent.reshape(-1, len(self.names)) * (self.noise / _BENT), np.float64)

    @property
    def title(self) -> str:
        """The law in a report."""
        return f"table, {len(self.knots)} states"

    def __hash__(self) -> int:
        return hash((self.amplitudes, self.knots, self.ratio))

    def bounds(self, name: str) -> tuple[float, float]:
        """Of a constant in a search."""
        return _SLOWEST, _FASTEST

    def prior(self, law: Law) -> Law:
        """What a law known before says: nothing but the shape of the current."""
        return law

    def known(self, law: Law) -> dict[str, float]:
        """Every knot as fast as the mean of its amplitude."""
        return {n: self.first[i // (len(self.knots) - 1)] for i, n in enumerate(self.names)}

    def law(self, x: FloatArray) -> Table:
        """The table with the changes that a pulse of these speeds makes at every knot."""
        tracks = Tracks.of(self._curves(x[None, : self.count]))
        u = np.array(self.knots)
        omega = np.asarray(to_omega(u, self.ratio))
        rows = []
        for index, V in enumerate(self.amplitudes):
            dose = np.full_like(u, -np.sign(V))
            after = np.asarray(to_omega(tracks.after(u, dose, Place(first=index)), self.ratio))
            # One pulse never overtakes another, but where speeds differ by decades rounding says so.
            change = np.abs(np.maximum.accumulate(after) - omega)
            change[-1 if V < 0 else 0] = 0.0
            rows.append(tuple(map(float, change)))
        sides = [[i for i, V in enumerate(self.amplitudes) if V * sign > 0] for sign in (-1.0, 1.0)]
        up, down = (tuple(self.amplitudes[i] for i in side) for side in sides)
        raises, lowers = (tuple(rows[i] for i in side) for side in sides)
        known, states = self.ends.constants, (0.0, *map(float, omega[1:-1]), 1.0)
        widths = list(self.widths)
        if not up:
            up, widths[0], raises = self._from_prior("potentiation", states)
        if not down:
            down, widths[1], lowers = self._from_prior("depression", states)
        return Table(
            states=states, up=up, down=down, raises=raises, lowers=lowers, width_up=widths[0],
            width_down=widths[1], ratio=self.ratio,
            **{name: known[name] for name in ("gamma", "delta", "alpha", "beta")},
        )  # fmt: skip

    def _from_prior(
        self, kind: str, states: tuple[float, ...]
    ) -> tuple[tuple[float, ...], float, tuple[tuple[float, ...], ...]]:
        """(amplitude, width, changes at these states) of the prior's own pulse of this kind."""
        law, pulses = self.unmeasured.memristor, self.unmeasured.pulses
        V, width = (float(getattr(pulses, f"{kind}_{what}")) for what in ("voltage", "width"))
        omega = np.array(states)
        dose = law.dose(np.array(V), np.array(width))
        change = np.abs(np.asarray(law.after_dose(omega, dose + 0.0 * omega, V)) - omega)
        return (V,), width, (tuple(map(float, change)),)

    def vector(self, law: Law, start: FloatArray) -> FloatArray:
        """The search vector with the mean speed of every amplitude, and these states omega (trains,)."""
        u = np.clip(np.asarray(to_u(start, self.ratio)), 1e-6, 1.0 - 1e-6)
        return np.concatenate([np.log([*self.known(law).values()]), np.log(u) - np.log1p(-u)])

    def guesses(self, m: Measurements, prior: Law) -> Iterator[FloatArray]:
        """Search vectors with speeds as measured nearby, all alike, and falling towards the end."""
        first = np.searchsorted(m.train, np.arange(len(m.labels)))
        off, on = (np.asarray(current(w, m.read_voltage[first], self.ends)) for w in (0.0, 1.0))
        begin = self.vector(prior, np.clip((m.current[first] - off) / (on - off), 0.005, 0.995))
        near = begin.copy()
        pairs = zip(self.amplitudes, self.local, strict=True)
        near[: self.count] = np.log(np.concatenate([row[_moving(V)] for V, row in pairs]))
        yield near
        yield begin
        falling, knots = begin.copy(), np.array(self.knots)
        rooms = [(1.0 - knots if V < 0 else knots)[_moving(V)] for V in self.amplitudes]
        falling[: self.count] += np.log(np.maximum(2.0 * np.concatenate(rooms), 0.05))
        yield falling

    def start(self, x: FloatArray) -> FloatArray:
        """omega before each train, (trains,)."""
        return np.asarray(to_omega(super().start(x), self.ratio))

    def omega(self, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(omega, its slope by u)."""
        omega = np.asarray(to_omega(u, self.ratio))
        return omega, np.asarray(stretch(omega, self.ratio)) + 0.0 * u

    def speeds(self, places: FloatArray, V: FloatArray) -> Speeds:
        """The sizes of du per pulse, (sets * amplitudes, points)."""
        return self._curves(places)

    def _curves(self, places: FloatArray) -> Speeds:
        sets, each = len(places), len(self.knots)
        rows = np.zeros((sets, len(self.amplitudes), each))  # none leaves the end that it leads to
        moving = np.exp(places).reshape(sets, len(self.amplitudes), each - 1)
        for index, V in enumerate(self.amplitudes):
            rows[:, index, _moving(V)] = moving[:, index]
        return speed_curves(np.array(self.knots), rows.reshape(-1, each))

    def doses(self, m: Measurements) -> FloatArray:
        """Pulses of each row, (rows,)."""
        return m.width / np.where(m.voltage < 0, *self.widths)

    def currents(self, places: FloatArray, m: Measurements) -> tuple[FloatArray, FloatArray]:
        """The currents [A] at both ends of the range, (rows,)."""
        on, off = (np.asarray(current(w, m.read_voltage, self.ends)) for w in (1.0, 0.0))
        return on, off


def _moving(V: float) -> slice:
    """The knots at which a pulse may move a cell: all but the end that it leads to."""
    return slice(None, -1) if V < 0 else slice(1, None)


def _of(V: float, amplitudes: tuple[float, ...]) -> str:
    """A number for an amplitude that is not the only one of its sign."""
    alike = [one for one in amplitudes if one * V > 0]
    return "" if len(alike) == 1 else f"_{sorted(alike, key=abs).index(V) + 1}"


def _width(m: Measurements, sign: float) -> float:
    """The width [s] of one pulse of this sign; 1 us where there are none."""
    rows = (np.sign(m.voltage) == sign) & ~m.sweep
    if not rows.any():
        return 1e-6
    each = m.width[rows] / (1.0 if m.pulses is None else np.maximum(m.pulses[rows], 1e-12))
    found, counts = np.unique(np.round(np.log(each), 6), return_counts=True)
    if len(found) > 1 and m.pulses is not None:
        whole = m.width[rows] / np.exp(found[counts.argmax()])
        if np.allclose(whole, np.round(whole), atol=1e-3):
            found = found[[counts.argmax()]]
    if len(found) > 1:
        kind = "potentiation" if sign < 0 else "depression"
        raise InputError(
            f"{m.source}: pulses of {kind} of {counted(len(found), 'width')}, from"
            f" {engineering(float(each.min()), 's')}; a table has one: fit windows or zhang2021"
        )
    return float(np.median(each))


def _range(m: Measurements) -> tuple[float, float]:
    """The conductances [S] that a table's range ends at."""
    G = m.conductance[~m.sweep]
    low, high = float(G.min()), float(G.max())
    if high <= low:
        raise InputError(f"{m.source}: all readings are alike, so that no pulse changes anything")
    if m.normalised:
        return max(low - _BEYOND * (high - low), 0.5 * low), high + _BEYOND * (high - low)
    wider = np.exp(_BEYOND * np.log(high / low))
    return low / wider, high * wider


def _ends(base: Memristor, m: Measurements, low: float, high: float) -> Memristor:
    """Eq. 2 with these conductances at the usual read voltage, its curvature as it was known before."""
    volts, counts = np.unique(m.read_voltage[~m.sweep], return_counts=True)
    V = float(volts[counts.argmax()])
    off, on = base.conductance_range(V)
    return base.changed(gamma=base.gamma * high / float(on), alpha=base.alpha * low / float(off))


def _knots(u: FloatArray, count: int) -> tuple[float, ...]:
    """0 and 1, the outermost readings, and others between, half even and half where readings are."""
    shares = np.linspace(0.0, 1.0, count - 2)
    low, high = float(u.min()), float(u.max())
    inner = 0.5 * (low + (high - low) * shares + np.quantile(u, shares))
    return (0.0, *map(float, inner), 1.0)


def _changes(
    m: Measurements, rows: NDArray[np.bool_], u: FloatArray, V: float, widths: tuple[float, ...]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(u half-way, how far u went the way that V pushes it, pulses) between readings, (n,) each."""
    inner = np.flatnonzero(rows)
    follows = (np.diff(m.train[inner], prepend=-1) == 0) & (m.voltage[inner] == V)
    change = np.diff(u, prepend=u[:1])[follows]
    pulses = m.width[inner][follows] / widths[0 if V < 0 else 1]
    return u[follows] - 0.5 * change, -np.sign(V) * change, pulses


def _mean(change: FloatArray, pulses: FloatArray) -> float:
    """The mean speed, du a pulse."""
    mean = float(change.sum() / max(pulses.sum(), 1.0)) if change.size else 0.0
    return float(np.clip(mean, *_BEGIN))


def _local(
    middle: FloatArray, change: FloatArray, pulses: FloatArray, knots: FloatArray
) -> tuple[float, ...]:
    """The mean speed near each knot, where readings count less the nearer they are to the next one."""
    mean, found = _mean(change, pulses), []
    for one in np.eye(len(knots)):
        near = np.interp(middle, knots, one)
        weight = float(np.sum(near * pulses))
        found.append(float(np.clip(np.sum(near * change) / weight, *_BEGIN)) if weight > 0 else mean)
    return tuple(found)
