"""Fits of tables and of laws from files: slopes, round trips, what is refused."""

import dataclasses

import numpy as np
import pytest

from fitting import Measurements, fit_device
from fitting.judgement.choice import chosen
from fitting.judgement.laws import FORMS, forms_of
from fitting.model.form import FITTED
from fitting.model.formulaic import law_by_formulas
from fitting.model.residuals import Objective
from fitting.model.tabular import TableForm
from roa_circuit.basics.errors import InputError
from roa_circuit.device.laws.windows import Windows
from roa_circuit.device.parameters import load_device

V_READ, WIDTH = 0.05, 1e-6


def trains(law, volts=(-1.0, 1.0), pulses=60, starts=(0.1, 0.9), noise=0.0, width=WIDTH, seed=0):
    """A train of equal pulses for each voltage, from these states omega, as the law moves them."""
    rows = []
    for number, (V, start) in enumerate(zip(volts, starts, strict=True)):
        omega = np.array(start)
        for place in range(pulses + 1):
            if place:
                omega = law.after_dose(omega, law.dose(np.array(V), np.array(width)), V)
            read = float(law.current(omega, V_READ))
            rows.append((number, V * (place > 0), width * (place > 0), read))
    train, V, T, current = np.array(rows).T
    wobble = 1.0 + noise * np.random.default_rng(seed).standard_normal(len(rows))
    return Measurements(
        source="made", labels=tuple(map(str, range(len(volts)))), train=train.astype(np.int64),
        voltage=V, width=T, read_voltage=np.full(len(rows), V_READ), current=current * wobble,
        sweep=np.zeros(len(rows), dtype=bool),
    )  # fmt: skip


@pytest.fixture(scope="module")
def windows():
    return Windows(**load_device("zhang2021").memristor.constants, p=1.5, q=0.6, ratio=3.0)


@pytest.fixture(scope="module")
def slow():
    """VTEAM, whose thresholds lie below its pulses."""
    return load_device("vteam").memristor


@pytest.fixture(scope="module")
def of_vteam(slow):
    return trains(slow, volts=(-0.9, -1.1, 0.9, 1.1), starts=(0.1, 0.15, 0.9, 0.85), noise=0.003)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["table", "file"])
def test_slopes_are_those_of_differences(windows, of_vteam, prior, kind):
    if kind == "table":
        m = trains(windows, volts=(-1.0, 1.5, 1.6), starts=(0.1, 0.9, 0.8))
        form = TableForm.of(m, prior)
    else:
        m, form = of_vteam, law_by_formulas("vteam", prior.memristor)
    objective = Objective.of(m, form=form)
    x = next(form.guesses(m, prior.memristor))
    x = x + 0.05 * np.random.default_rng(1).standard_normal(len(x))
    residual, slopes, start = objective.slopes(x)
    np.testing.assert_allclose(residual, objective.residual(x), rtol=1e-9, atol=1e-12)
    h = 1e-5 * np.eye(len(x))
    both = [(objective.residual(x + one) - objective.residual(x - one)) / 2e-5 for one in h]
    n = form.count
    np.testing.assert_allclose(slopes.T, both[:n], rtol=1e-4, atol=2e-5 * np.abs(slopes).max())
    np.testing.assert_allclose(start, np.sum(both[n:], axis=0), atol=1e-6 * np.abs(start).max())


def test_nothing_moves_a_cell_that_has_arrived_at_an_end(windows, prior):
    """Its slopes were those of a cell on its way, so that searches of starts went astray."""
    m = trains(windows, volts=(-1.0, 1.5))
    form = TableForm.of(m, prior)
    objective, x = Objective.of(m, form=form), next(form.guesses(m, prior.memristor))
    x[: form.count] = np.log(0.2)
    omega = form.predict(x, m, objective.schedule)
    arrived = np.flatnonzero(np.isclose(omega, form.currents(x[None], m)[0], rtol=1e-9))
    assert 30 < len(arrived) < 60
    _, slopes, start = objective.slopes(x)
    assert np.abs(start[arrived]).max() < 1e-6 * np.abs(start).max()
    up = slopes[arrived][:, : len(form.knots) - 1]
    assert np.abs(up).max() < 1e-6 * np.abs(slopes).max()


def test_a_table_begins_with_the_changes_that_were_measured(windows, prior):
    """Far from the mean speed, so that no search has to find the valley by chance."""
    m = trains(windows, volts=(-1.0, 1.5))
    form = TableForm.of(m, prior)
    local, plain, _ = form.guesses(m, prior.memristor)
    objective = Objective.of(m, form=form)
    near, far = (float(np.sum(objective.residual(one) ** 2)) for one in (local, plain))
    assert near < 0.1 * far


def test_speeds_that_differ_by_decades_are_a_table_all_the_same(windows, prior):
    """64k cells at 2.5 V of the gate: one pulse seemed to overtake another by 1e-5 of the range."""
    made = TableForm.of(trains(windows, volts=(-1.0, 1.55)), prior)
    knots = (0.0, 0.22045515, 0.27217422, 0.3182559, 0.36383498, 0.40722802, 0.45369054, 0.50380675,
             0.56960894, 0.66202647, 0.78993264, 0.83249133, 0.87416224, 0.91220318, 0.94976115,
             1.0)  # fmt: skip
    speeds = (3.0, 1.83067806, 1e-7, 1e-7, 5.91696217e-3, 7.86426086e-1, 1e-7, 7.47524864e-2,
              1.07732737e-3, 2.05191961, 4.84737349e-4, 1.00003844e-7, 1.00009200e-7, 3.452008e-3,
              1.63411103e-3)  # fmt: skip
    form = dataclasses.replace(made, amplitudes=(-1.0,), knots=knots, ratio=500.0)
    table = form.law(np.log(speeds))
    ends = np.array(table.states) + np.array(table.raises[0])
    assert np.all(np.diff(ends) >= 0.0)
    assert ends.max() <= 1.0


@pytest.mark.long
def test_a_table_meets_a_device_of_another_law(windows, prior):
    m = trains(windows, volts=(-1.0, 1.55), pulses=80, noise=0.002)
    fit = fit_device(m, prior, form=TableForm.of(m, prior))
    assert fit.describes
    assert fit.relative_rmse < 0.003
    table = fit.memristor
    for V, states in ((-1.0, np.linspace(0.3, 0.6, 5)), (1.55, np.linspace(0.4, 0.7, 5))):
        G = windows.conductance(states, V_READ)
        low, high = table.conductance_range(V_READ)
        own = table.after_dose((G - low) / (high - low), -np.sign(V), V)
        true = windows.after_dose(states, windows.dose(np.array(V), np.array(WIDTH)), V)
        moved = table.conductance(own, V_READ) - G
        np.testing.assert_allclose(moved, windows.conductance(true, V_READ) - G, rtol=0.1)


@pytest.mark.long
def test_a_table_predicts_as_its_form_did(windows, prior):
    """What is written is a pulse's change at every state; the law makes speeds of it again."""
    m = trains(windows, volts=(-1.0, 1.55), noise=0.002)
    fit = fit_device(m, prior, form=TableForm.of(m, prior))
    for train, V in enumerate((-1.0, 1.55)):
        rows = np.flatnonzero(m.train == train)
        omega = fit.memristor.after_dose(fit.start[train], -np.sign(V) * np.arange(len(rows)), V)
        current = fit.memristor.current(omega, V_READ)
        np.testing.assert_allclose(current, fit.predicted[rows], rtol=2e-3)


@pytest.mark.long
def test_a_table_of_trains_that_end_at_full_speed_is_the_law_that_was_fitted(prior):
    """Written with a stop over its last stretch, where the fit had none, it missed 1.5 % for 0.05 %."""
    noise, pulses = np.random.default_rng(7), 40
    size = -0.85 / pulses * np.repeat([-1.0, 1.0], pulses)
    omega = [0.03]
    for one in size:
        omega.append(omega[-1] + one * (1.0 + 0.6 * np.sin(7.0 * omega[-1])))
    V = np.concatenate([[0.0], np.repeat([-1.0, 1.0], pulses)])
    G = (20e-6 + 40e-6 * np.array(omega)) * (1.0 + 5e-4 * noise.standard_normal(len(V)))
    m = Measurements(
        source="made", labels=("one",), train=np.zeros(len(V), dtype=np.int64), voltage=V,
        width=1e-6 * (V != 0), read_voltage=np.full(len(V), 0.1), current=0.1 * G,
        sweep=np.zeros(len(V), dtype=bool),
    )  # fmt: skip
    fit = fit_device(m, prior, form=TableForm.of(m, prior))
    assert fit.relative_rmse < 8e-4
    state, missed = fit.start[0], []
    for reading, one in zip(m.current, V, strict=True):
        if one:
            state = fit.memristor.after_dose(state, -np.sign(one), one)
        missed.append(float(fit.memristor.current(state, 0.1)) / reading - 1.0)
    assert np.sqrt(np.mean(np.square(missed))) < 1.1 * fit.relative_rmse


@pytest.mark.long
def test_a_law_from_a_file_is_found_again(slow, of_vteam, prior):
    """Two amplitudes a polarity tell rate and steepness, given the threshold that the file has."""
    changed = slow.changed(k_off=7e4, k_on=1.6e5, R_on=1.5e4, R_off=8e4)
    m = trains(changed, volts=(-0.9, -1.1, 0.9, 1.1), starts=(0.1, 0.15, 0.9, 0.85), noise=0.002)
    fit = fit_device(m, prior, form=law_by_formulas("vteam", prior.memristor))
    assert fit.describes
    assert fit.relative_rmse < 0.0025
    assert fit.memristor.name == "vteam"
    for V in (-1.0, 1.0):
        states = np.linspace(0.2, 0.8, 7)
        own, true = (law.state_derivative(states, V) for law in (fit.memristor, changed))
        np.testing.assert_allclose(own, true, rtol=0.15)


def test_a_form_that_keeps_to_its_law_is_the_same_form(prior):
    """A fit keeps to it; when the two differed, a choice did not find its own law in the contest."""
    form = law_by_formulas("vteam", prior.memristor)
    assert form.walled().walls
    assert form.walled() == form
    assert hash(form.walled()) == hash(form)


@pytest.mark.long
def test_the_law_that_was_asked_for_is_named(of_vteam, prior):
    choice = chosen(of_vteam, prior, "vteam", weighting="auto", loss="linear")
    assert choice.document()["law"] == "vteam"
    assert choice.document()["held_out_rmse"] < 0.01


def test_what_has_nothing_to_begin_with_is_refused(prior, tmp_path):
    path = tmp_path / "own.toml"
    formulas = load_device("vteam").memristor.definition.to_document()
    from roa_circuit.basics.toml import dumps

    path.write_text(dumps(formulas))
    with pytest.raises(InputError, match="no \\[memristor\\] with constants"):
        law_by_formulas(str(path), prior.memristor)
    with pytest.raises(InputError, match="give --law zhang2021"):
        law_by_formulas(str(_written(tmp_path, prior)), prior.memristor)
    with pytest.raises(InputError, match="unknown"):
        law_by_formulas("vteem", prior.memristor)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sluggish(Windows):
    """A law of one's own, a class that no fit knows."""

    NAME = "sluggish"


def test_a_law_that_no_fit_knows_is_not_advised(windows, prior, tmp_path, monkeypatch):
    """--law sluggish would be refused in its turn."""
    monkeypatch.setattr("fitting.model.formulaic.read_law", lambda _: Sluggish(**windows.constants))
    path = str(_written(tmp_path, prior))
    with pytest.raises(InputError, match="no fit knows; fit zhang2021, windows, table, or") as told:
        law_by_formulas(path, prior.memristor)
    assert "--law sluggish" not in str(told.value)


def test_every_law_that_can_be_fitted_has_its_forms(windows, prior):
    assert tuple(FORMS) == FITTED
    m = trains(windows, volts=(-1.0, 1.5, 1.6), starts=(0.1, 0.9, 0.8))
    for name in FITTED:
        assert {form.name for form in forms_of(m, (name,), prior)} == {name}


def _written(folder, device):
    path = folder / "device.toml"
    path.write_text(device.to_toml())
    return path


def test_many_amplitudes_are_no_table(windows, prior):
    m = trains(windows, volts=tuple(np.linspace(-1.0, -0.8, 7)), pulses=8, starts=(0.1,) * 7)
    with pytest.raises(InputError, match="7 amplitudes; a table takes 6 at most"):
        TableForm.of(m, prior)


@pytest.mark.long
def test_a_polarity_that_was_not_measured_is_the_priors(windows, prior):
    m = trains(windows, volts=(-1.0,), starts=(0.1,), noise=0.002)
    table = fit_device(m, prior, form=TableForm.of(m, prior)).memristor
    assert table.down == (1.4,)
    assert table.width_down == 3e-5
    states = np.array(table.states)
    moved = prior.memristor.after_dose(states, prior.memristor.dose(1.4, 3e-5))
    np.testing.assert_allclose(table.after_dose(states, -1.0, 1.4), moved, atol=2e-3)
