"""The plots of a fit's page: what pointing at a reading tells is what was measured and fitted."""

import dataclasses
from functools import partial

import numpy as np
import pytest
from embedded import data_of, table_of

from fitting import fit_device, read_measurements
from fitting.judgement import wording
from fitting.model.noise import weighting
from fitting.presentation import plots
from fitting.presentation.figures import contest_drawing, drawings
from roa_circuit.presentation.page import Page
from roa_circuit.presentation.plots import program, telling


def page_of(drawn):
    return Page(
        command="roa-fit", title="t", verdict="fitted", passed=True, lead="", numbers=[], sections=[],
        program=program(drawn),
    ).to_html()  # fmt: skip


@pytest.fixture(scope="module")
def page(shipped_fit, shipped):
    return page_of(drawings(shipped_fit, shipped))


def test_every_reading_says_its_train_its_pulse_and_how_far_off_the_fit_is(page, shipped_fit, shipped):
    told, m = table_of(page, "readings"), shipped
    assert told["train"] == [m.labels[index] for index in m.train]
    plain = ~m.sweep
    measured = m.current[plain] / m.read_voltage[plain]
    np.testing.assert_allclose(told["measured"][plain], measured, rtol=1e-6)
    fitted = shipped_fit.predicted[plain] / m.read_voltage[plain]
    np.testing.assert_allclose(told["fitted"][plain], fitted, rtol=1e-6)
    assert np.isnan(told["measured"][m.sweep]).all()
    np.testing.assert_allclose(told["measured current"][m.sweep], m.current[m.sweep], rtol=1e-6)
    np.testing.assert_allclose(
        told["fitted current"][m.sweep], shipped_fit.predicted[m.sweep], rtol=1e-6
    )
    np.testing.assert_allclose(told["misfit"], 100 * shipped_fit.residual, rtol=1e-6)
    np.testing.assert_array_equal(told["line of the file"], m.line)


def test_a_pulse_is_counted_in_its_own_train(page, shipped):
    told, m = table_of(page, "readings"), shipped
    for train in range(len(m.labels)):
        own = np.flatnonzero(m.train == train)
        np.testing.assert_array_equal(told["reading"][own], np.arange(1, len(own) + 1))
        np.testing.assert_array_equal(told["after pulse"][own], np.cumsum(m.width[own] > 0))
    pulsed = m.width > 0
    np.testing.assert_allclose(told["pulse voltage"][pulsed], m.voltage[pulsed], rtol=1e-6)
    assert np.isnan(told["pulse width"][~pulsed]).all()


def test_units_stand_where_numbers_have_them(page):
    columns = data_of(page)["tables"]["readings"]["columns"].values()
    units = {one["title"]: one["unit"] for one in columns}
    assert (units["measured"], units["fitted"], units["misfit"]) == ("S", "S", "%")
    assert (units["pulse voltage"], units["pulse width"], units["measured current"]) == ("V", "s", "A")


def test_normalised_readings_have_no_unit(shipped, shipped_fit):
    """Their axis said siemens."""
    m = dataclasses.replace(shipped, normalised=True)
    drawn = {one.name: one for one in drawings(shipped_fit, m)}
    assert "conductance [" not in drawn["trains"].svg
    assert drawn["trains"].caption.startswith("Normalised reading after each pulse")
    assert drawn["trains"].plot.panels[0].y.title == "normalised reading"
    columns = data_of(page_of(drawn.values()))["tables"]["readings"]["columns"]
    assert columns["measured"]["unit"] == ""
    shifted = dataclasses.replace(m, shift=0.25)
    assert plots.kind_of(shifted) == "normalised reading + 0.25"


def test_of_very_many_readings_a_page_has_those_with_the_largest_misfits_and_says_so(
    shipped, shipped_fit, monkeypatch
):
    monkeypatch.setattr("fitting.presentation.figures._MOST_READINGS", 1000)
    monkeypatch.setattr(plots, "telling", partial(telling, most=100))
    drawn = drawings(shipped_fit, shipped)
    assert drawn[0].name == "parity"
    assert "Of 1,131 readings 100 are drawn: the 10 with the largest misfits" in drawn[0].caption
    told = table_of(page_of(drawn), "readings")
    assert len(told["misfit"]) == 100
    worst = 100 * shipped_fit.residual[np.argmax(np.abs(shipped_fit.residual))]
    assert told["misfit"][np.argmax(np.abs(told["misfit"]))] == pytest.approx(worst, rel=1e-6)


def test_a_page_of_many_readings_stays_small(page, shipped_fit, shipped):
    numbers = page.split('id="data">')[1].split("</script>")[0]
    assert len(numbers) < 90 * len(shipped)
    assert len(page) < 2.2e6


def test_names_from_files_are_cut_and_stay_text(shipped, shipped_fit):
    labels = tuple(f"</script><b>{i}{'x' * 5000}" for i in range(7))
    text = page_of(drawings(shipped_fit, dataclasses.replace(shipped, labels=labels)))
    assert text.count("</script>") == 3
    assert len(text) < 2.2e6
    assert all(len(name) <= 60 for name in table_of(text, "readings")["train"])


def test_laws_side_by_side_say_each_one_s_value(shipped, shipped_fit):
    @dataclasses.dataclass
    class Contest:
        contenders: tuple

    @dataclasses.dataclass
    class Contender:
        form: object
        solution: object

    one = Contender(form=shipped_fit.objective.form, solution=shipped_fit.solution)
    text = page_of([contest_drawing(Contest(contenders=(one,)), shipped)])
    told, plain = table_of(text, "laws"), ~shipped.sweep
    fitted = shipped_fit.predicted[plain] / shipped.read_voltage[plain]
    np.testing.assert_allclose(told[one.form.title][plain], fitted, rtol=1e-5)


def test_the_page_says_what_a_misfit_is_over(shipped, shipped_fit):
    """It was said to be over each reading, whatever the weights."""
    as_weighed = {
        name: wording.misfit(
            dataclasses.replace(shipped_fit, weighting=weighting(shipped, name)), shipped
        )
        for name in ("relative", "absolute")
    }
    assert as_weighed["relative"].startswith("(fitted − measured) / measured; below a hundredth")
    assert as_weighed["absolute"] == "(fitted − measured) over the rms of all readings"


@pytest.mark.long
def test_misfits_over_the_noise_of_readings_are_said_to_be(table, prior):
    rng = np.random.default_rng(0)
    rows = []
    for n in range(40):
        for again in range(4):
            G = 1e-3 * (1 + 0.5 * n / 40) * (1 + 0.01 * rng.standard_normal())
            rows.append(f"a,{-1 if not again else 0},{1e-6 if not again else ''},0.05,{G},")
    m = read_measurements(table(*rows))
    f = fit_device(m, prior, weighting="reads")
    assert f.weighting.name == "reads"
    assert "over the noise of that reading, times the usual noise, 0.95 %" in wording.misfit(f, m)
