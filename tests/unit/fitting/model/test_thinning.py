"""Thinned readings: what a law predicts for those that are left is what it predicts among all."""

import dataclasses

import numpy as np
import pytest

from fitting.model.residuals import EQUATIONS, Objective
from fitting.model.thinning import thinned
from fitting.model.windowed import WindowsForm
from fitting.readers.measurements import Measurements


@pytest.fixture
def long_trains():
    """Two trains that begin with a reading alone, go up and then down, and a sweep behind them."""
    V = np.concatenate([[0.0], np.full(150, -1.0), np.full(149, 1.3)])
    rng = np.random.default_rng(3)
    volts, read = (
        np.append(np.tile(V, 2), np.zeros(5)),
        np.append(np.full(600, 0.1), np.linspace(0.02, 0.2, 5)),
    )
    return Measurements(
        source="made", labels=("a", "b", "iv"), train=np.repeat([0, 1, 2], [300, 300, 5]),
        voltage=volts, width=np.where(volts != 0, rng.uniform(0.5e-6, 2e-6, 605), 0.0),
        read_voltage=read, current=1e-5 * (1.0 + rng.uniform(size=605)), sweep=np.arange(605) >= 600,
        pulses=np.where(volts != 0, 1.0, 0.0),
    )  # fmt: skip


@pytest.mark.parametrize("form", [EQUATIONS, WindowsForm(), WindowsForm(0.1)], ids=lambda f: f.title)
def test_what_is_left_is_predicted_as_among_all(long_trains, form, prior):
    few, rows = thinned(long_trains, 60)
    assert len(few) < 0.2 * len(long_trains)
    law = form.prior(prior.memristor)
    x = form.vector(law, np.array([0.1, 0.2, 0.5]))
    every = Objective.of(long_trains, form=form).predict(x)
    assert Objective.of(few, form=form).predict(x) == pytest.approx(every[rows], rel=1e-12)
    assert few.current.tolist() == long_trains.current[rows].tolist()
    assert (few.pulses.sum(), few.width.sum()) == (598, pytest.approx(long_trains.width.sum()))


def test_readings_where_pulses_change_are_kept(long_trains):
    _, rows = thinned(long_trains, 60)
    edges = {0, 1, 150, 151, 299, 300, 301, 450, 451, 599, *range(600, 605)}
    assert edges <= set(rows.tolist())


def test_what_cannot_be_thinned_stays_as_it_is(long_trains):
    assert thinned(long_trains, 605)[0] is long_trains
    turns = np.where(np.arange(605) % 2, -1.0, 1.0)
    alternating = dataclasses.replace(long_trains, voltage=turns)
    few, rows = thinned(alternating, 60)
    assert few is alternating
    assert rows.tolist() == list(range(605))
