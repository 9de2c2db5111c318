"""The evidence of a verdict by hand-made numbers, and the words that every case of it gives."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from fitting.judgement.comparison import Comparison, Verdict
from fitting.judgement.verdict import (
    DOUBTFUL,
    HOLDS,
    REJECTED,
    UNCHECKED,
    Judgement,
    _better,
    _repeated,
    _runs,
    _sweep_correlation,
    _sweep_limit,
    _word,
)
from fitting.readers.measurements import Measurements


def readings(trains, still=False, count=8, **changed):
    """Measurements of so many trains with the same pulses, or the same sweeps at rest."""
    V = np.tile(np.arange(count) % 3 - 1.0, trains)
    how = {
        "source": "made up", "labels": tuple(f"t{i}" for i in range(trains)),
        "train": np.repeat(np.arange(trains), count), "voltage": np.zeros_like(V) if still else V,
        "width": np.where(V != 0, 0.0 if still else 1e-6, 0.0), "current": np.ones(V.size),
        "read_voltage": np.tile(np.linspace(-1, 1, count), trains) if still else np.full(V.size, 0.1),
        "sweep": np.full(V.size, still),
    }  # fmt: skip
    return Measurements(**{**how, **changed})


def law(name, aic, rmse):
    return Verdict(law=name, rmse=rmse, held_out=None, unknowns=7, aic=aic)


OWN = law("Eq. 1-2", 0.0, 0.02)


def against(*others, trains=4):
    return Comparison(law="Eq. 1-2", verdicts=(*others, OWN), trains=trains)


BETTER = against(law("constant step", -50.0, 0.01))


def evidence(**changed):
    how = {
        "law": "Eq. 1-2", "word": "", "reason": "", "misfit": 0.01234, "noise": 0.01,
        "noise_from": "neighbours", "chi2": 1.0,
        "correlation": 0.0, "runs": 0.0, "sweep_correlation": None, "repeated": None,
        "repeated_limit": None, "laws": against(law("constant step", 50.0, 0.05)),
    }  # fmt: skip
    return Judgement(**{**how, **changed})


def said(describes=True, m=None, count=200, loss="linear", plain=None, converged=True, **changed):
    """The verdict and its reason; `plain` is the misfit if all readings count alike."""
    found = evidence(**changed)
    objective = SimpleNamespace(measurements=m or readings(2), loss=SimpleNamespace(name=loss))
    f = SimpleNamespace(objective=objective, describes=describes, converged=converged,
                        judged_rmse=found.misfit,
                        relative_rmse=found.misfit if plain is None else plain)  # fmt: skip
    return _word(found, f, count)


def test_runs_are_deviations_from_half_as_many_changes_of_sign_as_pairs():
    misfit = np.array([1.0, -1.0, -1.0, -1.0, 1.0, 1.0])
    assert _runs(misfit, np.ones(5, dtype=bool)) == pytest.approx((5 - 2 * 2) / np.sqrt(5))
    assert _runs(misfit, np.array([True, True, True, False, True])) == pytest.approx((4 - 2) / 2)
    assert _runs(misfit, np.zeros(5, dtype=bool)) == 0.0


def test_sweeps_need_ten_pairs_of_neighbours_in_voltage():
    assert _sweep_correlation(np.ones(10), readings(1, still=True, count=10)) is None
    eleven = readings(1, still=True, count=11)
    assert _sweep_correlation(np.ones(11), eleven) == pytest.approx(1.0)
    mixed = np.argsort(np.sin(np.arange(11)))
    shuffled = readings(1, still=True, count=11, read_voltage=np.linspace(-1, 1, 11)[mixed])
    assert _sweep_correlation(((-1.0) ** np.arange(11))[mixed], shuffled) == pytest.approx(-1.0)
    of_two = readings(2, still=True, count=6)
    apart = np.repeat([1.0, -1.0], 6)
    assert _sweep_correlation(apart, of_two) == pytest.approx(1.0)


def test_a_sweep_s_correlation_must_be_beyond_chance_and_large():
    assert _sweep_limit(readings(1, still=True, count=25)) == pytest.approx(3 / 5)
    assert _sweep_limit(readings(1, still=True, count=900)) == pytest.approx(0.3)


def test_lack_of_fit_is_the_mean_misfit_of_like_trains_over_their_scatter():
    rng = np.random.default_rng(0)
    misfit = rng.standard_normal((4, 8)) + np.linspace(-1, 1, 8)
    for rho in (0.0, 0.4, -0.5):
        F, limit = _repeated(misfit.ravel(), readings(4), rho)
        between = 4 * (misfit.mean(axis=0) ** 2).mean()
        assert pytest.approx(between / misfit.var(axis=0, ddof=1).mean()) == F
        freedom = 8 * (1 - max(rho, 0.0)) / (1 + max(rho, 0.0))
        assert limit == pytest.approx(1 + 3 * np.sqrt(2 / freedom * (1 + 1 / 3)))
    assert _repeated(misfit.ravel(), readings(4), 0.999)[1] == pytest.approx(
        1 + 3 * np.sqrt(2 * (1 + 1 / 3))  # at least one independent reading is left
    )


def test_lack_of_fit_needs_three_like_trains_of_six_readings():
    assert _repeated(np.ones(16), readings(2), 0.0) == (None, None)
    assert _repeated(np.ones(20), readings(4, count=5), 0.0) == (None, None)
    assert _repeated(np.ones(24), readings(3), 0.0) == (None, None)  # nothing scatters
    assert _repeated(np.arange(32.0), readings(4, still=True), 0.0) == (None, None)
    assert _repeated(np.arange(24.0), readings(3), 0.0)[0] is not None


def test_better_laws_are_named_with_what_they_miss():
    close, worse = law("close", -9.0, 0.01), law("worse", -50.0, 0.03)
    assert _better(against(close, worse)) == ""
    assert _better(against(law("windows", -11.0, 0.01234), close)) == (
        "windows does better by AIC (misfit 1.23 % on 4 trains, where Eq. 1-2 has 2.00 %)"
    )
    two = law("a", -50.0, 0.01), law("b", -40.0, 0.02)
    assert _better(against(*two, trains=1)) == (
        "a and b do better by AIC (misfit 1.00 % and 2.00 % on the train, where Eq. 1-2 has 2.00 %)"
    )
    assert "on 2 trains, where" in _better(against(*two, trains=2))


NOISE = "the noise of a reading (1.00 %, by neighbours)"
CASES = (
    ({}, HOLDS, f"misfit 1.23 % over all 16 readings, 1.2 times {NOISE}; without a pattern"),
    ({"misfit": 0.0104}, HOLDS, f"misfit 1.04 % over all 16 readings, no more than {NOISE}; without"),
    ({"laws": None}, HOLDS, "without a pattern"),
    ({"noise": None, "laws": None}, HOLDS, "readings, the noise of a reading unknown; without a"),
    ({"noise": 1e-15}, DOUBTFUL, "readings, though neighbouring readings show no noise; far more than"),
    ({"noise": 2.4e-4, "repeated": 1.0, "repeated_limit": 2.0}, HOLDS, "51 times the noise of a reading "
     "(0.024 %, by neighbours); without"),
    ({"loss": "huber", "plain": 0.2}, HOLDS, "misfit 20.00 % over all 16 readings, 1.23 % as outliers "
     f"count less (huber), 1.2 times {NOISE}; without a pattern"),
    ({"laws": Comparison(law="Eq. 1-2", verdicts=(OWN, law("x", 9.0, 0.1)), trains=1)}, HOLDS,
     "without a pattern, by AIC better than x"),
    ({"describes": False}, REJECTED, "it does not describe these readings"),
    ({"describes": False, "converged": False}, REJECTED, "the search for it found no end"),
    ({"describes": False, "laws": BETTER}, REJECTED,
     "does not describe these readings; constant step does better"),
    ({"laws": BETTER, "repeated": 4.0, "repeated_limit": 2.0}, REJECTED, "the same in like trains; con"),
    ({"laws": BETTER, "repeated": 2.0, "repeated_limit": 4.0}, DOUBTFUL, "constant step does better"),
    ({"laws": BETTER, "correlation": 0.5}, REJECTED, "successive misfits correlate 0.50; constant step"),
    ({"laws": BETTER}, DOUBTFUL, f"{NOISE}; constant step does better"),
    ({"repeated": 4.0, "repeated_limit": 2.0}, DOUBTFUL, "the same in like trains, though no simpler"),
    ({"correlation": 0.5}, DOUBTFUL, "successive misfits correlate 0.50: another law, or write noise"),
    ({"misfit": 0.051}, DOUBTFUL, f"5.1 times {NOISE}; far more than the noise of a reading"),
    ({"misfit": 0.05}, HOLDS, "without a pattern"),
    ({"misfit": 0.051, "repeated": 1.0, "repeated_limit": 2.0}, HOLDS, "without a pattern"),
    ({"correlation": 0.5, "repeated": 1.0, "repeated_limit": 2.0}, HOLDS, "in every like train: write"),
    ({"correlation": 0.5, "repeated": 1.0, "repeated_limit": 2.0,
      "laws": Comparison(law="Eq. 1-2", verdicts=(OWN, law("x", 9.0, 0.1)), trains=1)}, HOLDS,
     "in every like train: write noise, by AIC better than x"),
    ({"correlation": 0.5, "repeated": 1.0, "repeated_limit": 2.0, "laws": BETTER}, HOLDS,
     "another misfit in every like train: write noise"),
)  # fmt: skip


@pytest.mark.parametrize(("case", "word", "reason"), CASES)
def test_every_case_has_its_word_and_its_reason(case, word, reason):
    found = said(**case)
    assert (found[0], reason in found[1]) == (word, True), found
    assert f"{100 * case.get('misfit', 0.01234):.2f} %" in found[1]


def test_trains_too_short_to_judge_by_are_unchecked_and_sweeps_that_bend_doubted():
    assert said(m=readings(2, count=5))[0] == UNCHECKED
    assert said(m=readings(2, count=6))[0] == HOLDS
    assert said(m=readings(2, count=5), repeated=1.0, repeated_limit=2.0)[0] == HOLDS
    many = readings(1, still=True, count=900)
    bent = said(m=many, sweep_correlation=0.31)
    assert (bent[0], "correlate 0.31: Eq. 2 bends otherwise" in bent[1]) == (DOUBTFUL, True)
    assert said(m=many, sweep_correlation=0.29)[0] == UNCHECKED


def test_a_pattern_in_a_simulator_s_rounding_is_no_correlated_noise():
    """Responses of a simulator were doubtful, whatever the law: 'successive misfits correlate 0.79'."""
    exact = {"misfit": 4.6e-6, "noise": 1e-6, "correlation": 0.79, "laws": BETTER}
    assert said(**exact)[0] == HOLDS
    assert "less than instruments resolve, as simulators round" in said(**exact)[1]
    assert said(m=readings(2, count=5), **exact)[0] == UNCHECKED
    assert said(**exact | {"misfit": 5e-5})[0] == REJECTED


def test_devices_that_differ_are_a_reason_too():
    m = readings(2, devices=("one", "two"))
    noisy = {"correlation": 0.5, "repeated": 1.0, "repeated_limit": 2.0}
    assert "write noise, or devices that differ" in said(m=m, **noisy)[1]
    assert "differ" not in said(**noisy)[1]


def test_a_judgement_without_other_laws_has_an_empty_list_of_them():
    assert evidence(laws=None).document()["laws"] == []
    listed = json.loads(json.dumps(evidence().document()))["laws"]
    assert [one["law"] for one in listed] == ["constant step", "Eq. 1-2"]
