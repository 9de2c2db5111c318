"""Windows in a fit: readings pulse by pulse, slopes by differences, known devices found again."""

import dataclasses

import numpy as np
import pytest

from fitting.judgement.choice import chosen
from fitting.judgement.laws import contest, forms_of, last, stretches
from fitting.model.residuals import Objective
from fitting.model.windowed import WindowsForm
from fitting.readers.measurements import Measurements
from fitting.search.fit import fit_device
from roa_circuit.basics.errors import InputError
from roa_circuit.device.parameters import load_device

SHAPES = [(2.0, 2.0), (1.0, 1.0), (0.3, -1.5), (5.0, 0.0)]
FORMS = [WindowsForm(), WindowsForm(0.1)]


def alternating(trains=2, pulses=40):
    """Trains that go up, down and up again; their currents are still to be filled in."""
    volts = np.concatenate([[0.0], np.full(pulses, -1.0), np.full(pulses, 1.3), np.full(9, -1.0)])
    one, rows = np.ones(len(volts) * trains), len(volts)
    return Measurements(
        source="made", labels=tuple(f"t{i}" for i in range(trains)),
        train=np.repeat(np.arange(trains), rows), voltage=np.tile(volts, trains),
        width=np.where(np.tile(volts, trains) != 0, 1e-6, 0.0),
        read_voltage=0.1 * one, current=1e-5 * one,
        sweep=one < 0,
    )  # fmt: skip


def made(form, prior, p, q, m, start, noise=0.0, seed=0):
    """(law, search vector, measurements with its currents)."""
    plain = form.prior(prior.memristor).changed(
        p=p, q=q, gamma=4e-4, alpha=2e-5, k=5e-4, mu1=19.25, mu2=13.0
    )  # fmt: skip
    law = form.completed(plain)
    x = form.vector(law, np.array(start))
    current = Objective.of(m, form=form).predict(x)
    error = 1.0 + noise * np.random.default_rng(seed).standard_normal(len(m))
    return law, x, dataclasses.replace(m, current=current * error)


@pytest.mark.parametrize("form", FORMS, ids=lambda f: f.coordinate)
@pytest.mark.parametrize(("p", "q"), SHAPES)
def test_readings_are_those_of_the_law_pulse_by_pulse(form, p, q, prior):
    law, x, m = made(form, prior, p, q, alternating(1), [0.3])
    omega, expected = form.start(x)[0], []
    for V, width, read in zip(m.voltage, m.width, m.read_voltage, strict=True):
        omega = float(law.after_dose(np.float64(omega), law.dose(np.float64(V), width)))
        expected.append(float(law.current(np.float64(omega), read)))
    assert m.current == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("form", FORMS, ids=lambda f: f.coordinate)
@pytest.mark.parametrize(("p", "q"), SHAPES)
def test_slopes_are_those_of_differences(form, p, q, prior):
    _, x, m = made(form, prior, p, q, alternating(), [0.3, 0.6])
    o = Objective.of(m, form=form)
    residual, constants, start = o.slopes(x)
    of_starts = np.stack([np.where(m.train == i, start, 0.0) for i in range(2)], axis=1)
    steps = 1e-6 * np.eye(len(x))
    numeric = np.stack([(o.residual(x + h) - o.residual(x - h)) / 2e-6 for h in steps], axis=1)
    assert residual == pytest.approx(o.residual(x), abs=1e-14)
    assert np.concatenate([constants, of_starts], axis=1) == pytest.approx(numeric, rel=1e-5, abs=2e-7)
    assert o.start_slope(x)[1] == pytest.approx(start, abs=1e-14)


@pytest.mark.long
@pytest.mark.parametrize("form", FORMS, ids=lambda f: f.coordinate)
def test_the_exponents_of_a_known_device_come_back(form, prior):
    *_, m = made(form, prior, 1.4, 0.8, alternating(), [0.03, 0.06], noise=0.005)
    fit = fit_device(m, prior, form=form)
    found = fit.estimates
    assert fit.relative_rmse == pytest.approx(0.005, rel=0.2)
    for name, true in (("p", 1.4), ("q", 0.8)):
        assert abs(found[name].value - true) < 4 * found[name].stderr


@pytest.mark.long
def test_one_amplitude_a_polarity_leaves_a_steepness_at_the_prior(prior):
    *_, m = made(WindowsForm(), prior, 1.4, 0.8, alternating(pulses=24), [0.03, 0.06], noise=0.005)
    found = fit_device(m, prior, form=WindowsForm()).estimates
    assert {name for name, e in found.items() if e.basis == "prior"} >= {"mu2", "delta", "beta"}
    assert found["mu2"].value == prior.memristor.mu2
    assert not found["k"].told


@pytest.mark.long
def test_nothing_of_a_held_out_reading_reaches_a_fit(prior):
    """Other readings in the held-out places change no prediction of them."""
    *_, m = made(WindowsForm(), prior, 1.4, 0.8, alternating(), [0.03, 0.06], noise=0.01)
    forms, mask = forms_of(m, ("windows",), load_device("zhang2021"))[:1], last(m)
    spoilt = dataclasses.replace(m, current=np.where(mask, 3.0 * m.current, m.current))
    one = contest(m, m.current, prior.memristor, forms).best.extrapolation
    other = contest(spoilt, m.current, prior.memristor, forms).best.extrapolation
    assert one < 0.05
    assert other == pytest.approx(
        2.0 * np.sqrt(np.mean(m.current[mask] ** 2 / m.current[mask] ** 2)), 0.1
    )


def test_a_first_stretch_is_never_held_out():
    m = alternating()
    first = np.searchsorted(m.train, [0, 1])
    assert not any(mask[first].any() for mask in stretches(m))
    assert not (stretches(m)[0] & stretches(m)[1]).any()


def test_a_law_that_cannot_be_fitted_is_refused(prior):
    with pytest.raises(InputError, match=r"--law 'window' is neither a file nor known; .*windows"):
        chosen(alternating(), prior, "window", weighting="auto", loss="linear")
