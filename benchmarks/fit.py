"""The closed-form fit beside the same lmfit fit with Eq. 1 integrated by scipy; and its honesty.

python benchmarks/fit.py [--quick] --json FILE

Recovery rows: `seconds` is the median of one fit, `peer` says what is counted, `ratio` the share
(converged; 95 % intervals that hold the truth), `error` the worst relative error of a constant
that was called identifiable.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import lmfit
import numpy as np
from scipy.integrate import solve_ivp

from fitting import Measurements, fit_device
from fitting.fit import Fit
from fitting.residuals import NAMES, Objective, from_search, predict, schedule, to_search
from roa_circuit.memristor import current, state_derivative
from roa_circuit.parameters import Memristor, load_device

PRIOR = load_device("zhang2021")
NOISE = 0.01
SEED = 20210521


def protocol(rng: np.random.Generator, p: Memristor) -> Measurements:
    """Two or three amplitudes a polarity at doses of 0.1 to 0.5, I-V sweeps of both ends."""
    rows: list[tuple[float, float, float, float, bool]] = []
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
    number, V, T, read, sweep = np.array(rows).T
    return Measurements(
        source="random", labels=tuple(map(str, range(train))), train=number.astype(np.int64),
        voltage=V, width=T, read_voltage=read, current=np.ones(len(V)), sweep=sweep > 0,
    )  # fmt: skip


def measured(m: Measurements, p: Memristor, rng: np.random.Generator) -> Measurements:
    """The same protocol with currents: exact ones of Eq. 1-2 and relative noise."""
    start = rng.uniform(0.1, 0.6, len(m.labels))
    exact = predict(p, start, m, schedule(m))
    return Measurements(**{**m.__dict__, "current": exact * (1 + NOISE * rng.standard_normal(len(m)))})


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
    for row, train in enumerate(m.train):
        V, T = m.voltage[row], m.width[row]
        if V != 0:
            end = solve_ivp(lambda t, w, V=V: state_derivative(w, V, p), (0.0, T), state[[train]],
                            method="LSODA", rtol=1e-6, atol=1e-9)  # fmt: skip
            state[train] = end.y[0, -1]
        result[row] = current(state[train], m.read_voltage[row], p)
    return result


def against_integration(budget: int) -> dict[str, object]:
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


def row(case: str, own: float, peer: str, other: float, error: float) -> dict[str, object]:
    """One line of the table."""
    return {"case": case, "seconds": own, "peer": peer, "peer_seconds": other, "ratio": other / own,
            "error": error}  # fmt: skip


def recovery(count: int) -> list[dict[str, object]]:
    """Random devices and protocols from a seed: shares that converge, and that intervals hold."""
    rng = np.random.default_rng(SEED)
    fits: list[tuple[Memristor, Fit]] = []
    for _ in range(count):
        p = random_device(rng)
        fits.append((p, fit_device(measured(protocol(rng, p), p, rng), PRIOR)))
    seconds = statistics.median(f.seconds for _, f in fits)
    known = [(getattr(p, n), e) for p, f in fits for n, e in f.estimates.items() if e.ci95 is not None]
    held = float(np.mean([e.ci95[0] <= true <= e.ci95[1] for true, e in known if e.ci95]))
    worst = max(abs(e.value / true - 1) for true, e in known)
    ended = float(np.mean([f.describes for _, f in fits]))
    common = {"seconds": seconds, "peer_seconds": None, "error": worst}
    return [
        {"case": f"{count} random devices", "peer": "share converged", "ratio": ended, **common},
        {"case": f"{len(known)} of {7 * count} constants called identifiable",
         "peer": "share of 95 % intervals with the truth", "ratio": held, **common},
    ]  # fmt: skip


def main() -> None:
    """Print the table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="40 random devices instead of 200")
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    rows = [
        against_integration(70 if arguments.quick else 2000),
        *recovery(40 if arguments.quick else 200),
    ]
    for r in rows:
        tail = f"{r['peer']:40} {r['ratio']:<9.4g} error {r['error']:.1e}"
        print(f"{r['case']:46} {r['seconds']:8.2e} s  {tail}")
    arguments.json.write_text(json.dumps({"rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
