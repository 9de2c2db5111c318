"""The plots of a verification: pointing at a current or a state tells what both engines found."""

import dataclasses
from functools import partial

import numpy as np
import pytest
from embedded import data_of, table_of

from netlists.simulation.recordings import Quantity, Recording
from netlists.verification import figures, plots
from netlists.verification.figures import drawings
from netlists.verification.result import column_errors, relative_errors
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.layers.tiling import TileSize
from roa_circuit.presentation.page import Page
from roa_circuit.presentation.plots import program, telling


def page_of(drawn):
    return Page(
        command="roa-spice", title="t", verdict="passed", passed=True, lead="", numbers=[], sections=[],
        program=program(drawn),
    ).to_html()  # fmt: skip


@pytest.fixture
def result(pretender):
    return pretender(rows=9, columns=6, current_error=1e-9, state_error=1e-4)


def test_a_current_says_both_engines_values_and_their_difference_to_its_last_digits(result):
    told = table_of(page_of(drawings(result)), "synthetic--currents")
    theirs, ours = result.spice_currents, result.surrogate_currents
    places = told["read"], told["column"]
    assert len(told["read"]) == theirs.size
    np.testing.assert_allclose(told["surrogate"], ours[places], rtol=1e-6)
    np.testing.assert_allclose(told["ngspice"], theirs[places], rtol=1e-6)
    np.testing.assert_allclose(told["difference"], (theirs - ours)[places], rtol=1e-6)
    assert np.abs(told["difference"]).max() > 0
    np.testing.assert_allclose(told["relative error"], relative_errors(result)[places], rtol=1e-6)


def test_currents_of_several_bands_of_tiles_say_whose_they_are(pretender):
    """A band's currents follow those of the band above: its reads are the same ones."""
    result = pretender(rows=9, columns=6, tile=TileSize(rows=4, columns=2), current_error=1e-6)
    told = table_of(page_of(drawings(result)), "synthetic--currents")
    assert result.spice_currents.shape == (8, 8)
    rows = 4 * told["band of tiles"].astype(int) + told["read"]
    np.testing.assert_allclose(told["ngspice"], result.spice_currents[rows, told["column"]], rtol=1e-6)
    assert set(told["read"]) == {0, 1, 2, 3}
    caption = next(one.caption for one in drawings(result) if one.name.endswith("currents"))
    assert "4 reads of 8 columns in 2 bands of tiles: ngspice" in caption


def test_slices_of_an_input_are_told_apart(pretender):
    result = pretender(rows=9, columns=6)
    sliced = {"imperfections": Imperfections(dac_bits=4, dac_slices=2).to_dict()}
    twice = {
        name: np.repeat(getattr(result, name), 2, axis=0)
        for name in ("spice_currents", "surrogate_currents")
    }
    told = table_of(
        page_of(drawings(dataclasses.replace(result, drawn=sliced, **twice))), "synthetic--currents"
    )
    assert set(zip(told["read"], told["slice of the input"], strict=True)) == {
        (read, part) for read in range(4) for part in range(2)
    }
    rows = 2 * told["read"].astype(int) + told["slice of the input"]
    np.testing.assert_allclose(told["surrogate"], twice["surrogate_currents"][rows, told["column"]])


def test_a_column_says_its_worst_read(result):
    told = table_of(page_of(drawings(result)), "synthetic--columns")
    np.testing.assert_allclose(told["relative error"], column_errors(result), rtol=1e-6)
    errors = relative_errors(result)
    np.testing.assert_array_equal(told["read"], errors.argmax(axis=0))


def test_a_state_says_where_it_is_and_what_it_was_before(result):
    told = table_of(page_of(drawings(result)), "synthetic--states")
    places = told["row"], told["column"]
    for title, values in (
        ("ω before", result.initial_state),
        ("ω, surrogate", result.surrogate_state),
        ("ω, ngspice", result.spice_state),
        ("difference", result.spice_state - result.surrogate_state),
    ):
        np.testing.assert_allclose(told[title], values[places], rtol=1e-6)
    assert len(told["row"]) == result.spice_state.size


def test_cells_that_were_not_simulated_say_nothing(pretender):
    result = pretender(rows=9, columns=6, tile=TileSize(rows=4, columns=2), tiles=5, current_error=1e-6)
    data = data_of(page_of(drawings(result)))
    told = table_of(page_of(drawings(result)), "synthetic--states")
    left_out = np.isnan(result.spice_state[told["row"], told["column"]])
    assert left_out.any()
    assert np.isnan(told["difference"]).tolist() == left_out.tolist()
    assert len(data["plots"]) == 5


def test_of_very_many_currents_and_cells_the_worst_are_drawn_and_captions_say_so(result, monkeypatch):
    monkeypatch.setattr(plots, "telling", partial(telling, most=20))
    monkeypatch.setattr(plots, "MOST_CELLS", 10)
    monkeypatch.setattr(figures, "MOST_CELLS", 10)
    drawn = {one.name.rpartition("--")[2]: one for one in drawings(result)}
    assert "24 currents 20 are drawn: the 2 with the largest errors" in drawn["currents"].caption
    assert "54 cells 20 are drawn: the 2 with the largest differ" in drawn["state-scatter"].caption
    assert drawn["states"].plot is None
    assert "Pointing tells cells of arrays up to 10 cells" in drawn["states"].caption
    told = table_of(page_of(drawn.values()), "synthetic--states")
    assert len(told["row"]) == 20
    apart = np.abs(result.spice_state - result.surrogate_state)
    assert np.abs(told["difference"]).max() == pytest.approx(apart.max(), rel=1e-6)


def test_captions_name_no_reference_where_columns_are_pairs(result):
    """Every tile's last column was said to be its reference, of pairs too."""
    drawn = {one.name.rpartition("--")[2]: one for one in drawings(result)}
    assert "reference" not in drawn["current-error"].caption
    assert drawn["currents"].caption.startswith("Sensed currents of 4 reads of 6 columns: ngspice")


def test_errors_too_small_for_their_axis_are_said_to_be_drawn_at_its_end(pretender):
    exact = {one.name.rpartition("--")[2]: one for one in drawings(pretender())}
    assert "below 1e-17 are drawn there" in exact["current-error"].caption
    assert "below 1e-12 are drawn there" in exact["state-error"].caption
    off = {one.name.rpartition("--")[2]: one
           for one in drawings(pretender(current_error=1e-6, state_error=1e-3))}  # fmt: skip
    assert "drawn there" not in off["current-error"].caption


def test_a_waveform_of_many_steps_keeps_its_peaks_and_says_how_many_there_were(result):
    count = 30_000
    time = np.linspace(0, 1e-3, count)
    volts = np.zeros(count)
    volts[12_345] = -2.5
    state = np.linspace(0.4, 0.6, count)
    names = ("te", "be", "w")
    vectors = dict(zip(names, (volts, np.zeros(count), state), strict=True))
    one = ("row", "column")
    quantities = tuple(
        Quantity(name=name, unit="V", dims=one, expressions=(expression,))
        for name, expression in zip(("te_voltage", "be_voltage", "state"), names, strict=True)
    )
    recording = Recording(
        name="write", shape=(1, 1), scale=("time", "s", time), quantities=quantities, vectors=vectors,
        pulses=np.array([[1]]),
    )  # fmt: skip
    written = dataclasses.replace(result, recordings=(recording,))
    (drawn,) = [one for one in drawings(written) if one.name.endswith("waveforms")]
    told = table_of(page_of([drawn]), "synthetic--most-potentiated")
    assert told["voltage across"].min() == -2.5
    assert told["time"][np.argmin(told["voltage across"])] == pytest.approx(time[12_345], rel=1e-6)
    assert 1000 < len(told["time"]) <= 2002
    assert drawn.plot.note.startswith("Of 30,000 time steps it has some ")
