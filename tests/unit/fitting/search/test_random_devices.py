"""Random devices of every law: fits converge, and intervals hold the truth as often as they say."""

import numpy as np
import pytest

from fitting import Measurements, fit_device
from fitting.model.formulaic import law_by_formulas
from fitting.model.residuals import EQUATIONS
from fitting.model.tabular import TableForm, _moving
from fitting.model.windowed import WindowsForm
from roa_circuit.basics.errors import InputError
from roa_circuit.device.laws.table import Table
from roa_circuit.device.laws.windows import Windows
from roa_circuit.device.laws.zhang2021 import Memristor
from roa_circuit.device.parameters import load_device

PRIOR = load_device("zhang2021")
NOISE = 0.01
READ = 0.05  # [V]


def branches(rng):
    return {
        "gamma": 10 ** rng.uniform(-2.7, -2.1), "delta": rng.uniform(0.3, 1.5),
        "alpha": 10 ** rng.uniform(-3.7, -3.0), "beta": rng.uniform(0.2, 0.8),
    }  # fmt: skip


def rates(rng):
    return {"k": 10 ** rng.uniform(-6, -2), "mu1": rng.uniform(8, 30), "mu2": rng.uniform(8, 30)}


def windows(rng):
    exponents = {"p": rng.uniform(-0.5, 5.0), "q": rng.uniform(-0.5, 5.0)}
    return Windows(**rates(rng), **exponents, **branches(rng))


def in_ln_g(rng):
    law = windows(rng)
    low, high = law.conductance_range(READ)
    return law.changed(ratio=float(high / low))


def vteam(rng):
    R = 10 ** rng.uniform(3.5, 5.0)
    return load_device("vteam").memristor.changed(
        k_off=1e5 * 10 ** rng.uniform(-0.5, 0.5), k_on=1e5 * 10 ** rng.uniform(-0.5, 0.5),
        v_off=rng.uniform(0.4, 0.8), v_on=rng.uniform(0.4, 0.8), a_off=rng.uniform(1.5, 4.0),
        a_on=rng.uniform(1.5, 4.0), p_off=rng.uniform(0.5, 2.0), p_on=rng.uniform(0.5, 2.0),
        R_on=R, R_off=R * rng.uniform(3.0, 10.0),
    )  # fmt: skip


def yakopcic(rng):
    a = 10 ** rng.uniform(-4.0, -3.0)
    return load_device("yakopcic").memristor.changed(
        A_p=1e5 * 10 ** rng.uniform(-0.5, 0.5), A_n=1e5 * 10 ** rng.uniform(-0.5, 0.5),
        V_p=rng.uniform(0.4, 0.8), V_n=rng.uniform(0.4, 0.8), x_p=rng.uniform(0.2, 0.5),
        x_n=rng.uniform(0.2, 0.5), alpha_p=rng.uniform(1.0, 5.0), alpha_n=rng.uniform(1.0, 5.0),
        a_1=a, a_2=a * rng.uniform(0.7, 1.4), b=rng.uniform(0.5, 3.0), x_min=rng.uniform(0.02, 0.1),
        x_max=rng.uniform(0.9, 0.99),
    )  # fmt: skip


def table(rng):
    states, shared = np.linspace(0.0, 1.0, 6), branches(rng)
    low, high = Memristor(k=1e-4, mu1=19.0, mu2=13.0, **shared).conductance_range(READ)
    while True:
        fast = [np.exp(np.cumsum(rng.normal(0.0, 0.2, 6))) * rng.uniform(0.03, 0.08) for _ in "ud"]
        try:
            return Table(
                states=tuple(states), up=(-1.2, -1.0), down=(1.2, 1.0), width_up=1e-6, width_down=1e-6,
                raises=tuple(tuple(share * fast[0] * (1.0 - states)) for share in (1.0, 0.6)),
                lowers=tuple(tuple(share * fast[1] * states) for share in (1.0, 0.6)),
                ratio=float(high / low), **shared,
            )  # fmt: skip
        except InputError:  # a pulse overtakes another
            continue


def protocol(law):
    """(train, V, width, read voltage, is a sweep): trains of several amplitudes, sweeps behind them."""
    rows = []
    if law.name in ("zhang2021", "windows"):
        for train, scale in enumerate((0.6, 1.0, 1.4)):
            for V, mu in ((-scale * 20 / law.mu1, law.mu1), (scale * 20 / law.mu2, law.mu2)):
                rows += [(train, V, 0.1 / (law.k * np.exp(mu * abs(V))), READ, 0)] * 15
        for train, sign in ((3, -1.0), (4, 1.0)):
            rows.append((train, sign * 60 / min(law.mu1, law.mu2), 1.0, READ, 0))
            rows += [(train, 0.0, 0.0, V, 1) for V in sign * np.linspace(-0.2, 2.5, 12)]
    elif law.name == "table":
        for train, V in enumerate((1.0, 1.2)):
            rows += ([(train, -V, 1e-6, READ, 0)] * 25 + [(train, V, 1e-6, READ, 0)] * 25) * 2
    else:
        for train, V in enumerate((0.95, 1.1, 1.3)):
            for sign in (-1.0, 1.0):
                speed = abs(float(law.state_derivative(np.array(0.5), np.array(sign * V))))
                rows += [(train, sign * V, 0.06 / speed, READ, 0)] * 20
        for train, sign in ((3, -1.0), (4, 1.0)):
            rows += [(train, 0.0, 0.0, V, 1) for V in sign * np.linspace(0.02, 0.3, 12)]
    return np.array(rows, dtype=np.float64)


def measured(law, rng):
    train, V, width, read_voltage, sweep = protocol(law).T
    omega, current = rng.uniform(0.05, 0.6, int(train.max()) + 1), np.empty(len(train))
    for row, which in enumerate(train.astype(int)):
        if V[row]:
            dose = law.dose(np.array(V[row]), np.array(width[row]))
            omega[which] = law.after_dose(np.array(omega[which]), dose, np.array(V[row]))
        current[row] = law.current(np.array(omega[which]), np.array(read_voltage[row]))
    return Measurements(
        source="made up", labels=tuple("abcde"[: len(omega)]), train=train.astype(np.int64), voltage=V,
        width=width, read_voltage=read_voltage, sweep=sweep > 0,
        current=current * (1.0 + NOISE * rng.standard_normal(len(current))),
    )  # fmt: skip


def true_speeds(law, form):
    """What a table's constants should be: du a pulse at its knots, in the range that it measured."""
    (low, high), (least, most) = (
        [float(G) for G in one.conductance_range(READ)] for one in (law, form.ends)
    )
    found, pairs = {}, [(V, knot) for V in form.amplitudes for knot in form.knots[_moving(V)]]
    for name, (V, knot) in zip(form.names, pairs, strict=True):
        G = least * (most / least) ** knot
        omega = (G - low) / (high - low)
        speed = abs(float(law.state_derivative(np.array(np.clip(omega, 0.0, 1.0)), np.array(V)))) * 1e-6
        if 0 < omega < 1:
            found[name] = speed * (high - low) / G / np.log(most / least)
    return found


LAWS = {
    "zhang2021": (lambda rng: Memristor(**rates(rng), **branches(rng)), lambda m: EQUATIONS),
    "linear": (windows, lambda m: WindowsForm()),
    "ln G": (in_ln_g, lambda m: WindowsForm(READ)),
    "vteam": (vteam, lambda m: law_by_formulas("vteam", PRIOR.memristor)),
    "yakopcic": (yakopcic, lambda m: law_by_formulas("yakopcic", PRIOR.memristor)),
    "table": (table, lambda m: TableForm.of(m, PRIOR)),
}


def held_of(name, seeds, met=1.0):
    """(how often an interval of a constant held the truth, how many there were).

    All fits must converge, and this share of them meet the readings.
    """
    draw, form_of = LAWS[name]
    held = count = missed = 0
    for seed in seeds:
        rng = np.random.default_rng(seed)
        law = draw(rng)
        m = measured(law, rng)
        form = form_of(m)
        f = fit_device(m, PRIOR, form=form)
        assert f.converged, (seed, f.message)
        missed += f.relative_rmse >= 1.5 * NOISE
        truth = true_speeds(law, form) if name == "table" else law.constants
        for constant, e in f.estimates.items():
            if (e.identifiable or (name == "table" and e.told)) and constant in truth:
                count += 1
                held += e.ci95[0] <= truth[constant] <= e.ci95[1]
    assert missed <= (1.0 - met) * len(seeds), missed
    return held, count


@pytest.mark.long
def test_a_few_devices_come_back_within_their_intervals():
    held, count = held_of("zhang2021", range(1000, 1012))
    assert count > 72
    assert held > 0.85 * count


@pytest.mark.long
def test_a_table_whose_cost_has_kinks_comes_to_an_end():
    """A hundred steps crept along one, and the search was given up."""
    held, count = held_of("table", [75])
    assert held > 0.85 * count


@pytest.mark.long
def test_constants_that_are_not_felt_where_a_search_begins_are_fitted_where_they_are():
    """Steps in one that no reading felt ended the search, and two kept the values of the file."""
    held, count = held_of("yakopcic", [0])
    assert count
    assert held == count


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "devices"),
    [("zhang2021", 200), ("linear", 200), ("ln G", 200), ("vteam", 40), ("table", 16)],
)
def test_intervals_hold_the_truth_as_often_as_they_say(name, devices):
    """Of Eq. 1-2 and windows 90 to 99 %; fewer devices of the others leave room for chance."""
    held, count = held_of(name, range(devices))
    print(f"{name}: {held} of {count}")
    many = devices >= 100
    assert count > devices
    assert held >= (0.90 if many else 0.85) * count
    assert held <= 0.99 * count or not many


@pytest.mark.slow
def test_intervals_hold_by_yakopcic_s_law_though_a_third_ends_in_another_valley():
    """Its constants move one another's kinks: searches find a valley, and not always the deepest."""
    held, count = held_of("yakopcic", range(20), met=0.55)
    print(f"yakopcic: {held} of {count}")
    assert count > 20
    assert held >= 0.85 * count
