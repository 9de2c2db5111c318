"""A Monte Carlo: chips of one setup, their quantiles and their yield."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from roa_circuit.basics.errors import ConvergenceError, InputError
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.sweeps import summary, tables
from roa_circuit.sweeps.api import sweep
from roa_circuit.sweeps.budgets import Target
from roa_circuit.sweeps.description import described
from roa_circuit.sweeps.distribution import Distribution, Yield, distributions
from roa_circuit.sweeps.findings import Question, find
from roa_circuit.sweeps.layer import METRICS, LayerSubject
from roa_circuit.sweeps.store import Store
from roa_circuit.sweeps.study import Study

ACCURACY, ERROR = METRICS[0], METRICS[2]


@pytest.fixture(scope="module")
def subject(make_layer):
    chips = Imperfections(stuck_on=0.1, sense_gain=0.05)
    return LayerSubject(layer=make_layer(rows=12, columns=4, reads=20), imperfections=chips)


def found(subject, *, chips=20, target=None):
    asked = described({"repeats": chips, "seed": 3}, subject.fields)
    with Store(None, subject.describe()) as store:
        study = Study(subject=subject, store=store, seeds=asked.seeds)
        return find(asked, study, Question(target=target))


@settings(max_examples=50)
@given(st.integers(1, 300), st.floats(0, 1))
def test_the_interval_of_a_yield_is_the_exact_one_of_scipy(chips, share):
    good = round(share * chips)
    ours = Yield.of(Target(metric=ACCURACY, limit=0.9), good, chips)
    theirs = stats.binomtest(good, chips).proportion_ci(0.95, "exact")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=200), st.sampled_from([0.01, 0.05, 0.5, 0.95]))
def test_a_quantile_is_a_chip_and_left_out_where_none_lies_beyond(values, share):
    ordered = tuple(sorted(values))
    seeds = tuple(range(len(values)))
    one = Distribution(metric=ACCURACY, values=ordered, seeds=seeds, failed=0)
    quantile = one.quantile(share)
    if len(values) * min(share, 1 - share) < 1 - 1e-9:
        assert quantile is None
    else:
        chip = np.quantile(ordered, share, method="inverted_cdf")
        assert quantile == (np.median(ordered) if share == 0.5 else chip)  # which may lie between two


def test_chips_are_those_of_a_sweep_whose_field_stays_as_it_is(subject):
    alone = sweep(subject, {}, repeats=6, seed=2)
    beside = sweep(subject, {"wire_resistance": [1.0]}, repeats=6, seed=2)
    assert alone.mac_error.dims == ("repeat",)
    np.testing.assert_array_equal(alone.mac_error, beside.mac_error[0])
    assert float(alone.mac_error.std()) > 0


@pytest.mark.long
def test_the_worst_chip_comes_again_from_its_seed(subject):
    error = next(one for one in distributions(found(subject)) if one.metric == ERROR)
    value, seed = error.worst
    assert value == max(error.values)
    again = sweep(subject, {}, repeats=2, seed=seed)
    assert float(again.mac_error[0]) == value


def test_the_yield_counts_chips_that_reach_the_target(subject):
    limit = float(np.median(distributions(found(subject))[0].values))
    first = distributions(found(subject, target=Target(metric=ACCURACY, limit=limit)))[0]
    assert first.goal.good == sum(value >= limit for value in first.values)
    title, _, rows = summary.tables(found(subject, target=Target(metric=ACCURACY, limit=limit)))[1]
    assert title.startswith("Yield: accuracy of at least")
    assert rows[0][1] == f"{first.goal.good} of 20"


def test_a_chip_that_fails_is_named_and_does_not_meet_the_target(subject, monkeypatch, tmp_path):
    whole = LayerSubject.evaluate

    def fails_for_seed_5(self, point, seeds):
        if 5 in seeds:
            raise ConvergenceError("no answer")
        return whole(self, point, seeds)

    monkeypatch.setattr(LayerSubject, "evaluate", fails_for_seed_5)
    result = found(subject, target=Target(metric=ACCURACY, limit=0.0))
    assert result.failed == [({"seed": 5}, "no answer")]
    first = distributions(result)[0]
    assert (len(first.values), first.failed, first.goal.good, first.goal.chips) == (19, 1, 19, 20)
    assert math.isfinite(first.mean)
    tables.write_csv(tmp_path / "chips.csv", result.sweep, result.study)
    lines = (tmp_path / "chips.csv").read_text().splitlines()
    assert lines[3] == "5,,,,,no answer"
    assert len(lines) == 21


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({}, "--chips 100"),
        ({"repeats": 1}, "nothing is varied"),
        ({"repeats": 5, "design": "random"}, "nothing is varied that it could draw"),
    ],
)
def test_what_is_no_monte_carlo_is_refused(subject, document, says):
    with pytest.raises(InputError, match=says):
        described(document, subject.fields)


def test_chips_that_are_all_alike_are_refused(make_layer):
    with pytest.raises(InputError, match="all chips are alike; say what they differ in"):
        sweep(make_layer(), {}, repeats=5)
    same = LayerSubject(layer=make_layer(), imperfections=Imperfections(read_disturb=1.0))
    with pytest.raises(InputError, match="all chips are alike"):
        sweep(same, {}, repeats=5)
