"""The page of a fit: it says what the fit says, for any data, and its figures show them."""

import dataclasses
import json

import numpy as np
import pytest

from fitting import fit_device, read_measurements
from fitting.judgement.advice import combinations, rank
from fitting.judgement.bands import constants_covariance, correlation, current_error, rate_error
from fitting.judgement.choice import Choice
from fitting.judgement.verdict import judge
from fitting.model.residuals import NAMES
from fitting.presentation import figures
from fitting.presentation.figures import drawings
from fitting.presentation.page import page
from fitting.presentation.report import document
from roa_circuit.basics.results import provenance
from roa_circuit.device.memristor import current, rate
from roa_circuit.device.parameters import load_device
from roa_circuit.presentation.drawing import RED, dots


def _products(m, f):
    return combinations(m, f.objective.form, f.solution.x, f.jacobian, f.noise)


@pytest.fixture
def whole_page():
    """The HTML of a fit's page."""

    def build(f, m, proposal=None, remarks=()):
        said = {
            "order": list(NAMES), **dataclasses.asdict(rank(f.jacobian, f.noise)), "proposal": proposal,
            "combinations": [
                dataclasses.asdict(c) for c in _products(m, f)
            ],
        }  # fmt: skip
        inputs = [{"file": "a.csv", "bytes": 1, "sha256": "0" * 64}]
        made = {
            "prior": "zhang2021", "known_before": "zhang2021", "pulses_beyond_data": None,
            "remarks": remarks,
            "provenance": provenance(command="roa-fit a.csv", inputs=inputs),
        }  # fmt: skip
        law = judge(f, load_device("zhang2021").memristor)
        choice = Choice(fit=f, judgement=law, contest=None)
        return page(f, m, drawings(f, m), said, choice, made).to_html()

    return build


@pytest.mark.long
def test_the_page_shows_constants_misfit_and_how_it_was_made(whole_page, shipped, shipped_fit):
    text = whole_page(shipped_fit, shipped)
    assert text.count("<figure") == 5
    assert all(f"19.{digits}" in text for digits in ("251", "222"))
    assert all(
        word in text
        for word in ("fitted</p>", "ramp 2", "0000", "exponential saturation", "not refuted")
    )


@pytest.mark.long
def test_what_is_open_is_said_and_drawn(whole_page, some_trains, prior):
    m = read_measurements(some_trains(lambda train: train.startswith("cycles")))
    proposal = {"measurement": "I-V sweeps", "settles": ["gamma", "delta"], "roughly": []}
    text = whole_page(fit_device(m, prior), m, proposal=proposal)
    assert "held at the prior: δ, β" in text
    assert "add I-V sweeps: settles γ, δ" in text
    assert "No sweep was measured" in text


@pytest.mark.long
def test_labels_from_files_stay_text_and_the_figures_are_the_same_each_time(
    whole_page, shipped, shipped_fit
):
    labels = tuple(f"$x_{i}^{{</td><script>" for i in range(7))
    odd = dataclasses.replace(shipped, labels=labels, source="<b>.csv")
    assert whole_page(shipped_fit, odd).count("<script") == whole_page(shipped_fit, shipped).count(
        "<script"
    )
    once, again = (
        [d.svg for d in drawings(shipped_fit, shipped)],
        [d.svg for d in drawings(shipped_fit, shipped)],
    )
    assert once == again
    json.dumps(document(shipped_fit, odd), allow_nan=False)


@pytest.mark.long
def test_single_pulses_are_shown_as_measured_against_fitted(table, prior):
    header = "V [V],width [s],read_voltage [V],R_before [Ohm],R_after [Ohm]"
    rows = [
        f"{V},3e-6,0.05,{R},{R * f}" for V, f in ((-1.0, 0.9), (1.2, 1.1)) for R in range(900, 1200, 8)
    ]
    m = read_measurements(table(*rows, header=header))
    names = [d.name for d in drawings(fit_device(m, prior), m)]
    assert names[0] == "parity"


@pytest.mark.long
def test_readings_that_would_cover_each_other_are_shown_as_measured_against_fitted(
    shipped, shipped_fit, monkeypatch
):
    """100 000 readings in order were a red wall."""
    monkeypatch.setattr("fitting.presentation.figures._MOST_READINGS", 1000)
    assert drawings(shipped_fit, shipped)[0].name == "parity"


def test_a_caption_names_a_band_only_where_it_is_seen(shipped, shipped_fit, monkeypatch):
    """Constants known to a percent have bands that hide behind their lines; captions named them."""
    hidden = {one.name: one.caption for one in drawings(shipped_fit, shipped)}
    assert "band is narrower than a line" in hidden["switching"]
    assert "band is narrower than a line" in hidden["current-voltage"]
    monkeypatch.setattr(figures, "rate_error", lambda f, V: np.full(len(V), 1.0))
    monkeypatch.setattr(figures, "current_error", lambda f, omega, V: np.full(len(V), 1e-3))
    seen = {one.name: one.caption for one in drawings(shipped_fit, shipped)}
    assert "with its 95 % band" in seen["switching"]
    assert "with its 95 % band" in seen["current-voltage"]


def test_every_colour_of_the_misfit_is_explained(shipped, shipped_fit):
    (trains,) = [one for one in drawings(shipped_fit, shipped) if one.name == "trains"]
    assert shipped.sweep.any()
    assert RED in trains.svg
    assert "orange: points of I–V sweeps" in trains.caption
    assert "in a band of twice the rms" in trains.caption


def test_too_many_dots_are_thinned_without_a_beat():
    """Every fifth of a train that repeats after 50 pulses showed 10 of its 50 states."""
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    dots(axes, np.arange(100_000) % 50, np.zeros(100_000), colour="black")
    (drawn,) = axes.patches
    assert len(drawn.get_path().vertices) == 2 * 20_000
    assert len(set(drawn.get_path().vertices[::2, 0])) == 50


@pytest.mark.long
def test_a_failed_fit_names_its_constants_by_symbols_too(whole_page, table, prior):
    rng = np.random.default_rng(0)
    rows = [f"a,-1,1e-6,0.05,{1e-3 * (1 + (n / 60) ** 2) * (1 + 1e-4 * rng.standard_normal())},"
            for n in range(60)]  # fmt: skip
    m = read_measurements(table(*rows))
    f = fit_device(m, prior)
    assert f.message == "gamma delta grows without end"
    text = whole_page(f, m)
    assert "(γ δ grows without end)" in text
    assert "gamma" not in text.split("How it was made")[0]


def test_bands_are_the_errors_that_redrawn_constants_would_show(shipped_fit):
    """Against moving each constant along the covariance, numerically."""
    f, V = shipped_fit, np.array([-1.3, -0.4, 0.3, 1.5])
    root = np.linalg.cholesky(constants_covariance(f))
    step = 1e-3
    for error, law in (
        (rate_error(f, V), lambda p: np.log(np.abs(rate(V, p)))),
        (current_error(f, 0.4, V), lambda p: current(0.4, V, p)),
    ):
        moved = []
        for column in step * root.T:
            ends = []
            for sign in (1, -1):
                values = {
                    n: getattr(f.memristor, n) * np.exp(sign * d)
                    for n, d in zip(NAMES, column, strict=True)
                }
                ends.append(law(dataclasses.replace(f.memristor, **values)))
            moved.append((ends[0] - ends[1]) / (2 * step))
        np.testing.assert_allclose(error, np.linalg.norm(moved, axis=0), rtol=1e-4)
    assert np.all(np.abs(correlation(f)) <= 1)
    np.testing.assert_allclose(np.diag(correlation(f)), 1.0)
