"""Design: the measurement that a budget of pulses is best spent on, before anything is measured.

Every train begins with a pulse that resets or sets the device. So trains do not depend on each other,
and their information adds up (J^T J / noise^2, with J the exact Jacobian of the prediction). Which
trains to measure is then a choice from a list, for the smallest Cramer-Rao bound.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from fitting.model.residuals import NAMES, Objective, predict, to_search
from fitting.model.schedule import schedule
from fitting.planning._exchange import Shop, exchange
from fitting.planning.generator import Generator
from fitting.planning.protocol import Train, measurements
from fitting.readers.measurements import FloatArray, Measurements
from fitting.search.elimination import projected
from fitting.search.fit import as_printed
from fitting.search.identifiability import WIDE, log_errors
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.units import engineering
from roa_circuit.device.laws.zhang2021 import Memristor
from roa_circuit.device.parameters import Device
from roa_circuit.device.spread import Spread

_DRAWS, _SEED = 8, 20210521
_BLOCKS = 10  # points of sweeps are dealt out in so many blocks
_CHECK = 0.1  # of the pulses: what a train that only checks the law may cost

Point = tuple[int, int, int]  # sweep, its level, how many


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What may be spent, and how exact a reading is.

    `pulses` counts all pulses, also those that reset or set; `points` counts those of I-V sweeps.
    `noise` is relative, of one reading. A train stops before omega leaves `window`.
    """

    pulses: int = 100
    points: int = 40
    noise: float = 0.01
    window: tuple[float, float] = (0.1, 0.9)

    def __post_init__(self) -> None:
        if self.pulses < 30:
            raise InputError(f"{self.pulses} pulses are too few for seven constants; give 30 or more")
        if self.points < 4:
            raise InputError(f"{self.points} points of I-V sweeps cannot tell gamma from delta, alpha "
                             "from beta; give 4 or more")  # fmt: skip
        if not 0 < self.noise < 1:
            raise InputError(f"noise = {self.noise:g} must lie between 0 and 1; 1 % is 0.01")
        low, high = self.window
        if not 0 < low < high < 1:
            raise InputError(f"window from {low:g} to {high:g} must lie inside 0 and 1, in order")


@dataclass(frozen=True, kw_only=True)
class Design:
    """A protocol, and the relative standard error that it promises for each constant.

    `worst_draw` has each constant's largest error over the devices that the protocol was made robust
    against; it equals `errors` where the parameter set was trusted.
    """

    trains: tuple[Train, ...]
    errors: dict[str, float]
    worst_draw: dict[str, float]
    seconds: float = field(compare=False)


def design(device: Device, generator: Generator, budget: Budget, *, uncertainty: float = 0.05) -> Design:
    """The protocol whose worst known constant is known best, for a device more or less like `device`.

    It is an average over devices drawn from the spread of `device` or, without one, with all constants
    off by `uncertainty` (standard deviation of each logarithm), since e^(mu V) is only a guess.

    Raises
    ------
    InputError : the generator cannot make a pulse that moves this device within the window.
    """
    began = time.perf_counter()
    p, V_r = as_printed(device.memristor), device.pulses.read_voltage
    draws = [p, *_draws(p, device.spread, uncertainty)]
    listed = [t for t in generator.trains(p, budget.window, V_r) if t.pulses <= budget.pulses - 2]
    if len({np.sign(train.steps[1].voltage) for train in listed}) < 2:
        raise InputError(f"{device.name}: no pulse from {generator.lowest_voltage:g} V to "
                         f"{generator.highest_voltage:g} V, {engineering(generator.shortest, 's')} to "
                         f"{engineering(generator.longest, 's')} moves it in small steps both ways; "
                         "widen the limits")  # fmt: skip
    sweeps = generator.sweeps(p, budget.points, V_r)
    points = _points(sweeps, budget)
    shop = _shop(listed, sweeps, points, draws, budget)
    chosen = exchange(shop, _checks(shop, listed))
    trains = _protocol(listed, sweeps, points, chosen)
    each = [errors_of(trains, q, budget.noise) for q in draws]
    worst = {name: max(errors[name] for errors in each) for name in NAMES}
    return Design(trains=trains, errors=each[0], worst_draw=worst, seconds=time.perf_counter() - began)


def errors_of(trains: Sequence[Train], p: Memristor, noise: float) -> dict[str, float]:
    """The Cramer-Rao bound of every constant's relative error from a protocol, for device `p`."""
    return log_errors(_jacobian(measurements(trains), p), noise)


def _jacobian(m: Measurements, p: Memristor) -> FloatArray:
    """d log current / d log constant of every reading (rows, 7), without what the starts can absorb."""
    start = np.full(len(m.labels), 0.5)
    exact = predict(p, start, m, schedule(m))
    return projected(Objective.of(dataclasses.replace(m, current=exact)), to_search(p, start))


def _draws(p: Memristor, spread: Spread | None, uncertainty: float) -> list[Memristor]:
    """Devices that the real one may turn out to be; none if the parameter set is trusted."""
    if spread is None or not spread.names:
        variances = np.diag(np.full(len(NAMES), uncertainty**2)).tolist()
        spread = Spread(names=NAMES, log_covariance=tuple(map(tuple, variances)))
    if not spread.covariance.any():
        return []
    factors = spread.draw(np.random.default_rng(_SEED), _DRAWS)
    return [
        Memristor(**{name: float(getattr(p, name) * factors[name][i]) for name in NAMES})
        for i in range(_DRAWS)
    ]


def _points(sweeps: Sequence[Train], budget: Budget) -> list[Point]:
    """Further points of each level of the sweeps that can be bought, in blocks and one by one."""
    levels = [(s, level) for s, sweep in enumerate(sweeps) for level in range(1, len(sweep.steps))]
    left = budget.points - len(levels)
    blocks = sorted({left // _BLOCKS, 1} - {0}) if left > 0 else []
    return [(sweep, level, block) for sweep, level in levels for block in blocks]


def _shop(
    listed: Sequence[Train], sweeps: Sequence[Train], points: Sequence[Point],
    draws: Sequence[Memristor], budget: Budget,
) -> Shop:  # fmt: skip
    """Trains and points to choose from. Every level of a sweep is given once, to test the law itself."""
    m = measurements([*listed, *sweeps])
    J = np.stack([_jacobian(m, p) for p in draws], axis=1) / budget.noise
    outer = J[..., None] * J[..., None, :]  # (rows, draws, 7, 7)
    first = np.searchsorted(m.train, np.arange(len(m.labels)))
    by_train = np.add.reduceat(outer, first, axis=0)
    place = first[len(listed) :]
    by_point = [block * outer[place[sweep] + level] for sweep, level, block in points]
    given = sum(sweep.points for sweep in sweeps)
    return Shop(
        information=np.concatenate([by_train[: len(listed)], *(one[None] for one in by_point)]),
        cost=np.array(
            [(train.pulses / (budget.pulses - len(sweeps)), 0.0) for train in listed]
            + [(0.0, block / (budget.points - given)) for _, _, block in points]
        ),
        given=by_train[len(listed) :].sum(axis=0) + np.eye(len(NAMES)) / WIDE**2,
    )


def _checks(shop: Shop, listed: Sequence[Train]) -> list[int]:
    """A short train of medium voltage for each polarity, as two amplitudes fit any exponential."""
    V = np.array([train.steps[1].voltage for train in listed])
    cheap = shop.cost[: len(listed), 0] <= _CHECK
    chosen: list[int] = []
    for size in (-V, V):
        low, high = size[size > 0].min(), size[size > 0].max()
        third = (high - low) / 3.0
        middling = np.flatnonzero((size >= low + third) & (size <= high - third) & cheap)
        if middling.size:
            chosen.append(shop.best(chosen, middling))
    return chosen


def _protocol(
    listed: Sequence[Train], sweeps: Sequence[Train], points: Sequence[Point], chosen: Sequence[int]
) -> tuple[Train, ...]:
    """The choice, numbered: pulse trains from low to high voltage of each polarity, then sweeps."""
    trains = [listed[item] for item in sorted(chosen) if item < len(listed)]
    more = [points[item - len(listed)] for item in chosen if item >= len(listed)]
    for place, sweep in enumerate(sweeps):
        steps = list(sweep.steps)
        for _, level, block in (point for point in more if point[0] == place):
            steps[level] = dataclasses.replace(steps[level], count=steps[level].count + block)
        trains.append(Train(steps=tuple(steps)))
    return tuple(dataclasses.replace(t, number=number) for number, t in enumerate(trains, start=1))
