"""Sensitivities and budgets against functions whose answers are known in closed form."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from roa_circuit.basics.errors import InputError
from roa_circuit.sweeps import Metric, Store, Study, described
from roa_circuit.sweeps.axes import parse
from roa_circuit.sweeps.budgets import Target, budget, share
from roa_circuit.sweeps.fields import shared_fields
from roa_circuit.sweeps.findings import Question, find
from roa_circuit.sweeps.presentation.figures import drawings
from roa_circuit.sweeps.sensitivity import Swing, sobol_indices, tornado

QUALITY = Metric(name="quality", meaning="what is left", more_is_better=True)
ERROR = Metric(name="error", meaning="what is lost", more_is_better=False)
FIELDS = {
    name: shared_fields()[name] for name in ("sigma_wn", "stuck_on", "wire_resistance", "adc_bits")
}


@dataclass(frozen=True, kw_only=True)
class Formula:
    """A subject whose numbers are a formula of the point, the seed adding to it evenly."""

    formula: object
    per_seed: float = 0.0
    bases: dict = field(default_factory=dict)

    name = "formula"
    metrics = (QUALITY, ERROR)
    fields = FIELDS

    def base(self, one):
        return self.bases.get(one.name, 0.0)

    def describe(self):
        return {"formula": "of a test"}

    def require(self, point):
        pass

    def evaluate(self, point, seeds):
        value = self.formula(point)
        return {
            "quality": [value + self.per_seed * seed for seed in seeds],
            "error": [1.0 - value - self.per_seed * seed for seed in seeds],
        }


@pytest.fixture
def ask():
    """A study of a formula, and the axes of a sweep of it."""

    def make(formula, vary, seeds=(0,), **how):
        sweep = described({"vary": vary, "design": "sobol", "points": 4}, FIELDS)
        store = Store(None, {})
        return sweep, Study(subject=Formula(formula=formula, **how), store=store, seeds=seeds)

    return make


def linear(point):
    return 1.0 - 0.1 * point["sigma_wn"] - 4.0 * point["stuck_on"]


BOTH = {"sigma_wn": "0:4", "stuck_on": "0:0.2"}


@pytest.mark.parametrize(
    ("low", "high", "covers"), [(0.9, 0.2, True), (0.2, 0.9, False), (1.2, 0.2, False), (1.1, 1.4, True)]
)
def test_a_bar_to_the_high_end_may_cover_the_other(low, high, covers):
    ends = {"at_base": 1.0, "at_low": low, "at_high": high, "low_half": 0.0, "high_half": 0.0}
    assert Swing(axis=parse(FIELDS["sigma_wn"], "0:4"), base=1.0, **ends).covers is covers


def test_a_linear_budget_alone_and_together(ask):
    sweep, study = ask(linear, BOTH)
    found = budget(sweep.axes, study, Target(metric=QUALITY, limit=0.8))
    noise, stuck = found.alone
    assert noise.allowed == pytest.approx(2.0, abs=4 / 512)
    assert stuck.allowed == pytest.approx(0.05, abs=0.2 / 512)
    assert noise.allowed <= 2.0
    assert found.at_base == 1.0
    # Together, each half of the way: half of the loss from either.
    assert found.share == pytest.approx(0.5, abs=0.01)
    assert found.reached >= 0.8
    assert linear(found.together) == pytest.approx(0.8, abs=0.01)


def test_a_budget_of_an_error_is_the_same_one(ask):
    sweep, study = ask(linear, BOTH)
    quality = budget(sweep.axes, study, Target(metric=QUALITY, limit=0.8))
    error = budget(sweep.axes, study, Target(metric=ERROR, limit=0.2 + 1e-12))
    assert [one.allowed for one in error.alone] == [one.allowed for one in quality.alone]


def test_more_bits_are_better_and_the_fewest_are_found(ask):
    sweep, study = ask(lambda p: 1.0 - 2.0 ** -p["adc_bits"], {"adc_bits": "1:12"})
    (bits,) = budget(sweep.axes, study, Target(metric=QUALITY, limit=0.95)).alone
    assert (bits.best, bits.worst, bits.allowed) == (12, 1, 5)


def test_a_logarithmic_range_is_searched_by_its_decades(ask):
    sweep, study = ask(lambda p: float(p["wire_resistance"] <= 3.0), {"wire_resistance": "1m:1k:log"})
    (wires,) = budget(sweep.axes, study, Target(metric=QUALITY, limit=0.5)).alone
    assert 2.9 < wires.allowed <= 3.0


def test_what_is_always_or_never_allowed_is_said(ask):
    sweep, study = ask(linear, BOTH)
    free = budget(sweep.axes, study, Target(metric=QUALITY, limit=0.0))
    assert all(one.unlimited for one in free.alone)
    none = budget(sweep.axes, study, Target(metric=QUALITY, limit=1.01))
    assert [one.allowed for one in none.alone] == [None, None]
    assert none.together is None


def test_a_target_is_met_by_the_mean_and_the_worst_chip_is_told(ask):
    sweep, study = ask(linear, BOTH, seeds=(0, 1), per_seed=-0.1)
    noise, _ = budget(sweep.axes, study, Target(metric=QUALITY, limit=0.8)).alone
    assert noise.allowed == pytest.approx(1.5, abs=4 / 512)
    assert noise.lowest == pytest.approx(noise.reached - 0.05)


def test_the_tornado_of_a_linear_function(ask):
    sweep, study = ask(linear, BOTH, bases={"sigma_wn": 1.0})
    stuck, noise = tornado(sweep.axes, study, "quality")
    assert (stuck.axis.name, noise.axis.name) == ("stuck_on", "sigma_wn")
    assert (noise.at_low, noise.at_base, noise.at_high) == pytest.approx((1.0, 0.9, 0.6))
    assert stuck.size == pytest.approx(0.8)
    assert np.isnan(stuck.low_half)  # one chip has no interval


def test_sobol_indices_of_a_sum_and_of_a_product(ask):
    """A sum splits its variance by the squares of its ranges; a centred product has none alone."""
    sweep, study = ask(lambda p: p["sigma_wn"] + 20 * p["stuck_on"] / 2, BOTH)
    found = {
        one.axis.name: one for one in sobol_indices(sweep.axes, study, "quality", samples=512, seed=1)
    }
    assert found["sigma_wn"].first == pytest.approx(0.8, abs=0.03)
    assert found["stuck_on"].total == pytest.approx(0.2, abs=0.03)
    sweep, study = ask(lambda p: (p["sigma_wn"] - 2) * (p["stuck_on"] - 0.1), BOTH)
    for one in sobol_indices(sweep.axes, study, "quality", samples=512, seed=1):
        assert one.first == pytest.approx(0.0, abs=0.1)
        assert one.total == pytest.approx(1.0, abs=0.1)


def test_a_constant_has_no_variance_to_share(ask):
    sweep, study = ask(lambda p: 0.5, BOTH)
    assert [one.total for one in sobol_indices(sweep.axes, study, "quality", samples=8, seed=0)] == [
        0,
        0,
    ]
    with pytest.raises(InputError, match="power of two"):
        sobol_indices(sweep.axes, study, "quality", samples=12, seed=0)


@pytest.mark.long
def test_figures_show_what_there_is(ask):
    vary = {"wire_resistance": "0.1:100:4log", "sigma_wn": [0, 1, 2], "stuck_on": [0, 0.1]}
    grid = described({"vary": vary}, FIELDS)
    _, study = ask(lambda p: linear(p) - 1e-3 * p["wire_resistance"], BOTH, seeds=(0, 1), per_seed=0.01)
    found = find(grid, study, Question(sensitivity="sobol", samples=8))
    drawn = {one.name: one for one in drawings(found)}
    assert set(drawn) == {"curves", "map", "tornado", "sobol"}
    assert "at stuck on 0" in drawn["map"].caption
    assert "σ_WN 2" in drawn["curves"].svg
    assert all(one.png().startswith(b"\x89PNG") for one in drawn.values())


@pytest.mark.parametrize(("text", "value"), [("5%", 0.05), ("0.95", 0.95), (" 100 % ", 1.0), ("0", 0.0)])
def test_a_share_is_read_as_a_fraction_or_in_per_cent(text, value):
    assert share(text, what="x") == value


@pytest.mark.parametrize("text", ["", "95", "-1%", "half", "nan"])
def test_what_is_no_share_is_refused(text):
    with pytest.raises(InputError, match="is no share"):
        share(text, what="x")
