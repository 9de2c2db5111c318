"""Which law is taken where two are near: pairs of readings and AIC decide before the last ones do."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from fitting.judgement.laws import Contender, contest, forms_of, ranked
from fitting.judgement.paired import difference
from fitting.model.noise import reading_noise, weighting
from fitting.readers.measurements import Measurements
from roa_circuit.device.laws.windows import Windows

BLOCKS = np.arange(240) // 4
NOISE = np.random.default_rng(0).standard_normal(240)


def test_a_difference_is_over_its_scatter_between_blocks():
    one, other = 1.1 * NOISE, NOISE.copy()
    apart = np.add.reduceat(one**2 - other**2, np.arange(0, 240, 4))
    error = np.sqrt(np.sum((apart - apart.mean()) ** 2))
    assert difference(one, other, BLOCKS) == pytest.approx(apart.sum() / error)
    assert difference(other, one, BLOCKS) == -difference(one, other, BLOCKS)
    assert difference(one, one, BLOCKS) == 0.0


def test_readings_that_were_not_held_out_say_nothing_and_few_blocks_neither():
    one, other = 1.1 * NOISE, NOISE.copy()
    seen = np.arange(240) < 40
    apart = difference(np.where(seen, np.nan, one), np.where(seen, np.nan, other), BLOCKS)
    assert apart == pytest.approx(difference(one[40:], other[40:], BLOCKS[40:]))
    assert difference(one, other, BLOCKS // 12) == 0.0


def contender(title, unseen, aic, last, ended=True):
    form = SimpleNamespace(title=title, extrapolates=True)
    return Contender(form=form, solution=SimpleNamespace(converged=ended), rmse=0.01,
                     unseen=unseen, extrapolation=last, aic=aic)  # fmt: skip


BETTER = contender("better", 0.010 * NOISE, -3338.0, 0.08)


@pytest.mark.parametrize(
    ("other", "first"),
    [
        (contender("worse", 0.0105 * NOISE, -3308.0, 0.01), "better"),
        (contender("alike by AIC", 0.0105 * NOISE, -3330.0, 0.01), "alike by AIC"),
        (contender("alike by pairs", 0.010001 * NOISE[::-1], -3308.0, 0.01), "alike by pairs"),
        (contender("worse at the end", 0.0105 * NOISE, -3330.0, 0.09), "better"),
        (contender("a tenth worse", 0.0115 * NOISE, -3338.0, 0.01), "better"),
    ],
    ids=lambda one: getattr(getattr(one, "form", None), "title", ""),
)
def test_the_last_readings_decide_only_where_pairs_and_aic_do_not(other, first):
    for found in ([BETTER, other], [other, BETTER]):
        assert ranked(found, BLOCKS, 0.01)[0].form.title == first


def test_a_law_whose_search_did_not_end_leads_no_comparison():
    broken = dataclasses.replace(BETTER, solution=SimpleNamespace(converged=False))
    other = contender("ended", 0.0105 * NOISE, -3308.0, 0.09)
    assert ranked([broken, other], BLOCKS, 0.01)[0].form.title == "ended"


def soft_bounds(prior, seed):
    """Three trains of 60 up and 60 down, by windows on omega with exponents of 1, with 1 % noise."""
    constants = prior.memristor.constants | {
        "k": 2e-3, "mu1": 9.0, "mu2": 7.0, "gamma": 4e-5, "delta": 1.4, "alpha": 2.8e-6, "beta": 0.9,
    }  # fmt: skip
    law = Windows(**constants, p=1.0, q=1.0)
    pulses = ((-1.0, 2.468e-3, 60), (1.2, 4.497e-3, 60))
    V = np.concatenate([[0.0], *[np.full(count, volts) for volts, _, count in pulses]])
    width = np.concatenate([[0.0], *[np.full(count, wide) for _, wide, count in pulses]])
    omega, G = 0.12, []
    for volts, wide in zip(V, width, strict=True):
        if volts:
            dose = law.dose(np.array(volts), np.array(wide))
            omega = float(law.after_dose(np.array(omega), dose, volts))
        G.append(float(law.conductance(omega, 0.1)))
    noise = 1.0 + 0.01 * np.random.default_rng(seed).standard_normal((3, len(V)))
    return Measurements(
        source="made", labels=("a", "b", "c"), train=np.repeat(np.arange(3), len(V)),
        voltage=np.tile(V, 3), width=np.tile(width, 3), current=(0.1 * np.array(G) * noise).ravel(),
        read_voltage=np.full(3 * len(V), 0.1), sweep=np.zeros(3 * len(V), dtype=bool),
    )  # fmt: skip


@pytest.mark.slow
def test_soft_bounds_are_found_as_windows_on_omega(prior):
    """'windows, ln G' was taken in five of six such draws, as the last 30 % are of depression alone."""
    found = []
    for seed in range(6):
        m = soft_bounds(prior, seed)
        w = weighting(m)
        forms = forms_of(m, ("windows",), prior)
        best = contest(m, w.scale, prior.memristor, forms, reading_noise(m, w)[0]).best
        found.append(best.form.title)
    assert found.count("windows, linear") >= 5
