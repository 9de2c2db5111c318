"""The closed-form fit beside the same lmfit fit with Eq. 1 integrated by scipy; and its honesty.

python benchmarks/fit.py [--quick] --json FILE

Recovery rows: `seconds` is the median of one fit, `peer` says what is counted, `ratio` the share
(converged; 95 % intervals that hold the truth), `error` the worst relative error of a constant
that was called identifiable. Rich protocols tell all constants, poor ones some or none: too few
amplitudes, one polarity, few pulses that hardly move the state or saturate it, no sweep or a short
one, up to 5 % of noise. The row of the paper's ramps: `ratio` 1 if mu2 and both splits are
called open. The row of the command: all of `roa-fit data/pulses.csv`, imports and report too.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import lmfit
import numpy as np
from _table import Row, main, row, share, timed
from scipy.integrate import solve_ivp

from fitting import Estimate, Measurements, fit_device, read_measurements
from fitting.judgement.advice import proposal
from fitting.model.residuals import NAMES, Objective, from_search, predict, to_search
from fitting.model.schedule import schedule
from fitting.search.intervals import curvature, profile
from roa_circuit.device.laws.zhang2021 import Memristor
from roa_circuit.device.memristor import current, state_derivative
from roa_circuit.device.parameters import load_device

PRIOR = load_device("zhang2021")
DATA = Path(__file__).parents[1] / "data" / "pulses.csv"
NOISE = 0.01
SEED = 20210521

Reading = tuple[int, float, float, float, bool]  # train, V and T of its pulse, read V, in a sweep
Draw = Callable[[np.random.Generator], tuple[Memristor, Measurements]]
_FEWEST = 24  # readings of a poor protocol
_LEFT_OUT = 0.15  # of its trains


def protocol(rng: np.random.Generator, p: Memristor) -> Measurements:
    """Two or three amplitudes a polarity at doses of 0.1 to 0.5, I-V sweeps of both ends."""
    rows: list[Reading] = []
    train = 0
    for scale in rng.choice([0.5, 0.75, 1.0, 1.25], rng.integers(2, 4), replace=False):
        for V, mu in ((-scale * 20 / p.mu1, p.mu1), (scale * 20 / p.mu2, p.mu2)):
            width = rng.uniform(0.1, 0.5) / (p.k * np.exp(mu * abs(V)))
            rows += [(train, V, width, 0.05, False)] * int(rng.integers(15, 30))
        train += 1
    for sign in (-1.0, 1.0):
        rows.append((train, sign * 60 / min(p.mu1, p.mu2), 1.0, 0.05, False))
        rows += [(train, 0.0, 0.0, float(V), True) for V in sign * np.linspace(-0.3, 2.5, 25)]
        train += 1
    return numbered(rows)


def poor_protocol(rng: np.random.Generator, p: Memristor) -> Measurements:
    """One to three amplitudes, some of one polarity only, doses of 0.01 to 2, sweeps if any."""
    rows: list[Reading] = []
    train = 0
    while len(rows) < _FEWEST:
        for scale in rng.choice([0.5, 0.75, 1.0, 1.25], rng.integers(1, 4), replace=False):
            for V, mu in ((-scale * 20 / p.mu1, p.mu1), (scale * 20 / p.mu2, p.mu2)):
                if rng.random() > _LEFT_OUT:
                    width = 10.0 ** rng.uniform(-2, 0.3) / (p.k * np.exp(mu * abs(V)))
                    rows += [(train, V, width, 0.05, False)] * int(rng.integers(5, 30))
            train += 1
        reach = rng.uniform(0.1, 2.5)
        for sign in ((-1.0, 1.0), (-1.0,), (1.0,), ())[rng.integers(4)]:
            rows.append((train, sign * 60 / min(p.mu1, p.mu2), 1.0, 0.05, False))
            rows += [(train, 0.0, 0.0, float(V), True)
                     for V in sign * np.linspace(-min(0.3, reach), reach, 25)]  # fmt: skip
            train += 1
    return numbered(rows)


def numbered(rows: list[Reading]) -> Measurements:
    """The protocol as measurements whose currents are still to come; trains without rows left out."""
    number, V, T, read, sweep = np.array(rows).T
    present, train = np.unique(number, return_inverse=True)
    return Measurements(
        source="random", labels=tuple(map(str, range(len(present)))), train=train.astype(np.int64),
        voltage=V, width=T, read_voltage=read, current=np.ones(len(V)), sweep=sweep > 0,
    )  # fmt: skip


def measured(
    m: Measurements, p: Memristor, rng: np.random.Generator, noise: float = NOISE
) -> Measurements:
    """The same protocol with currents: exact ones of Eq. 1-2 and relative noise."""
    start = rng.uniform(0.1, 0.6, len(m.labels))
    exact = predict(p, start, m, schedule(m))
    return Measurements(**{**m.__dict__, "current": exact * (1 + noise * rng.standard_normal(len(m)))})


def rich_draw(rng: np.random.Generator) -> tuple[Memristor, Measurements]:
    """A random device, measured well."""
    p = random_device(rng)
    return p, measured(protocol(rng, p), p, rng)


def poor_draw(rng: np.random.Generator) -> tuple[Memristor, Measurements]:
    """A random device, measured badly, with 0.3 to 5 % of noise."""
    p = random_device(rng)
    return p, measured(poor_protocol(rng, p), p, rng, 10.0 ** rng.uniform(-2.5, -1.3))


def random_device(rng: np.random.Generator) -> Memristor:
    """Constants over decades (k), threefold (mu), fourfold (gamma), fivefold (delta, alpha, beta)."""
    return Memristor(
        k=10.0 ** rng.uniform(-6, -2), mu1=rng.uniform(8, 30), mu2=rng.uniform(8, 30),
        gamma=rng.uniform(2e-3, 8e-3), delta=rng.uniform(0.3, 1.5), alpha=rng.uniform(2e-4, 1e-3),
        beta=rng.uniform(0.2, 0.8),
    )  # fmt: skip


def integrated(x: np.ndarray, m: Measurements) -> np.ndarray:
    """The currents with every pulse integrated as an ODE: what a fit without the closed form does."""
    p, start = from_search(x)
    state, result = start.copy(), np.empty(len(m))
    for i, train in enumerate(m.train):
        V, T = m.voltage[i], m.width[i]
        if V != 0:
            end = solve_ivp(lambda t, w, V=V: state_derivative(w, V, p), (0.0, T), state[[train]],
                            method="LSODA", rtol=1e-6, atol=1e-9)  # fmt: skip
            state[train] = end.y[0, -1]
        result[i] = current(state[train], m.read_voltage[i], p)
    return result


def against_integration(budget: int) -> Row:
    """One whole closed-form fit, prior to intervals; the ODE fit from beside its answer.

    `budget` evaluations at most: a peer that was cut short makes the ratio a lower bound.
    """
    rng = np.random.default_rng(SEED)
    m = measured(protocol(rng, PRIOR.memristor), PRIOR.memristor, rng)
    fits = [fit_device(m, PRIOR) for _ in range(5)]
    own = statistics.median(f.seconds for f in fits)
    scale = Objective.of(m).scale
    inside = np.clip(fits[0].start, 1e-3, 1 - 1e-3)
    start = to_search(fits[0].memristor, inside) + 0.01
    names = [*NAMES, *(f"start_{i}" for i in range(len(m.labels)))]
    parameters = lmfit.Parameters()
    for name, value in zip(names, start, strict=True):
        parameters.add(name, value=value)
    calls: list[np.ndarray] = []

    def residual(q: lmfit.Parameters) -> np.ndarray:
        if len(calls) < budget:
            x = np.array([q[name].value for name in names])
            calls.append((integrated(x, m) - m.current) / scale)
        return calls[-1]  # past the budget nothing changes, so that the search ends

    began = time.perf_counter()
    lmfit.minimize(residual, parameters, method="leastsq", calc_covar=False)
    other = time.perf_counter() - began
    cut = ", cut short" if len(calls) == budget else ""
    error = np.abs(integrated(to_search(fits[0].memristor, inside), m) / fits[0].predicted - 1)
    peer = f"lmfit on solve_ivp, {len(calls)} calls{cut}"
    return row(f"seven constants, {len(m)} readings", own, peer, other, float(np.median(error)))


def against_conf_interval(names: tuple[str, ...]) -> Row:
    """Profile intervals of data/pulses.csv beside lmfit's, on the same closed-form residual."""
    f = fit_device(read_measurements(DATA), PRIOR)
    own, found = timed(lambda: profile(f))
    objective, x = f.objective, np.append(f.solution.x[:7], np.clip(f.solution.x[7:], -6.0, 6.0))
    keys = [*NAMES, *(f"start_{i}" for i in range(len(x) - 7))]
    parameters = lmfit.Parameters()
    for key, value in zip(keys, x, strict=True):
        parameters.add(key, value=value, vary=abs(value) < 6.0 or key in NAMES)
    minimizer = lmfit.Minimizer(
        lambda q: objective.residual(np.array([q[k].value for k in keys])), parameters
    )
    result = minimizer.minimize(method="leastsq")
    other, theirs = timed(lambda: lmfit.conf_interval(minimizer, result, p_names=names, sigmas=[0.95]))
    other *= len(NAMES) / len(names)
    error = 0.0
    for name in names:
        ends = np.log(np.array(found.ci95[name]) / f.estimates[name].value)
        reach = np.array([theirs[name][0][1], theirs[name][2][1]]) - x[NAMES.index(name)]
        error = max(error, float(np.abs(ends / reach - 1).max()))
    peer = f"lmfit.conf_interval, {len(names)} of 7 timed"
    return row("profile intervals of seven constants", own, peer, other, error)


def ramps_alone() -> Row:
    """The paper's own protocol with one read voltage: what is left open, and what to add."""
    m = read_measurements(DATA)
    m = m.of_trains([i for i, label in enumerate(m.labels) if label.startswith("ramp")])
    f = fit_device(m, PRIOR)
    left = [name for name, e in f.estimates.items() if not e.identifiable]
    added = proposal(m, f.memristor, f.start, f.noise, PRIOR)
    advice = "nothing" if added is None else added.measurement
    told = {"mu2", "gamma", "delta", "alpha", "beta"} <= set(left) and added is not None
    said = f"open: {', '.join(left)}; add {advice}"
    return share("the paper's ramps alone", f.seconds, said, float(told), None)


def whole_command() -> Row:
    """`roa-fit data/pulses.csv` as a newcomer runs it, median of three."""
    code = "from fitting.commands.cli import main; main()"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", code, str(DATA), "--output-dir", folder]
        seconds = [timed(lambda: subprocess.run(command, check=True, capture_output=True))[0]
                   for _ in range(3)]  # fmt: skip
    own = statistics.median(seconds)
    return row("roa-fit data/pulses.csv, whole", own, "limit", 2.0, None)


def recovery(name: str, draw: Draw, count: int, profiled: int) -> Iterator[Row]:
    """Random devices and protocols from a seed: shares that converge, and that intervals hold."""
    rng = np.random.default_rng(SEED)
    fits = [(p, fit_device(m, PRIOR)) for p, m in (draw(rng) for _ in range(count))]
    seconds = statistics.median(f.seconds for _, f in fits)
    ended = float(np.mean([f.describes for _, f in fits]))
    yield share(f"{count} random devices, {name} protocols", seconds, "share converged", ended, None)
    for find, some in ((curvature, fits), (profile, fits[:profiled])):
        found = [(p, *timed(lambda f=f, find=find: find(f).applied(f))) for p, f in some]
        taken = statistics.median(s for _, s, _ in found)
        told = [(getattr(p, n), e) for p, _, f in found for n, e in f.estimates.items() if e.told]
        for word, kept in (("identifiable", True), ("told roughly", False)):
            those = [(true, e) for true, e in told if e.identifiable == kept]
            if those:
                case = f"{name}: {len(those)} of {7 * len(some)} constants {word}"
                peer = f"share held by 95 % intervals, {find.__name__}"
                yield share(case, taken, peer, *held_and_worst(those))


def held_and_worst(told: list[tuple[float, Estimate]]) -> tuple[float, float]:
    """(share of intervals with the truth inside, worst relative error of a value)."""
    inside = [e.ci95 is not None and e.ci95[0] <= true <= e.ci95[1] for true, e in told]
    return float(np.mean(inside)), max(abs(e.value / true - 1) for true, e in told)


def measure(quick: bool) -> Iterator[Row]:
    """40 random devices in place of 200 if quick, five of them profiled."""
    yield against_integration(70 if quick else 2000)
    yield against_conf_interval(("mu1",) if quick else NAMES)
    yield ramps_alone()
    yield whole_command()
    for name, draw in (("rich", rich_draw), ("poor", poor_draw)):
        yield from recovery(name, draw, 40 if quick else 200, 5 if quick else 200)


if __name__ == "__main__":
    main(__doc__ or "", measure)
