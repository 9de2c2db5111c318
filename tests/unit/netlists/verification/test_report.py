"""What a verification shows, and how its errors are counted."""

import dataclasses
import re

import numpy as np
import pytest

from netlists.decks.costs import prices, said
from netlists.decks.dialect import Dialect
from netlists.simulation.simulators import Engine
from netlists.verification.comparison import passed
from netlists.verification.engines import Analysis, Phase
from netlists.verification.figures import drawings
from netlists.verification.page import page
from netlists.verification.report import headline, summary_rows, totals
from netlists.verification.result import column_errors, relative_error, residual_limit, state_limit
from netlists.verification.verify import chosen_pulses, estimated_seconds
from roa_circuit.basics.errors import SimulatorError
from roa_circuit.basics.results import provenance
from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.chips.in_situ import write_in_situ
from roa_circuit.circuit.components import Transistor
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_device
from roa_circuit.circuit.mapping import Mapping
from roa_circuit.device.memristor import current
from roa_circuit.device.programming import after_pulses
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.tiling import TileSize, split
from roa_circuit.solver.dense import read_currents_dense


def test_agreement_passes(pretender):
    result = pretender()
    assert result.passed
    assert result.max_relative_current_error < 1e-12
    assert result.max_state_error == 0
    assert result.prediction_agreement == 1
    assert result.accuracy_spice == result.accuracy_surrogate
    assert result.ngspice_version == "ngspice-0"


@pytest.mark.parametrize(
    "fault",
    [
        {"current_error": 2e-5}, {"state_error": 0.02}, {"flip": True, "columns": 4},
        {"energy_error": 3e-3}, {"energy_error": np.nan},
    ],
)  # fmt: skip
def test_each_limit_fails_on_its_own(pretender, fault):
    assert not pretender(**fault).passed


def test_a_reading_that_is_no_number_is_an_error_in_whichever_tile(pretender):
    """The worst of two tiles, one of them NaN, was the other's."""
    with pytest.raises(SimulatorError, match="values of vsense0#branch that are no numbers"):
        pretender(current_error=np.nan, tile=TileSize(rows=3, columns=2))


def test_states_that_no_time_step_blurs_have_a_limit_of_their_own():
    """A state that is off by 1e-3 passed, as if operating points had errors of time steps."""
    limits = dict.fromkeys(
        (
            "max_relative_current_error", "max_difference_error", "max_state_error",
            "max_state_change", "max_transient_share",
            "max_transient_error", "residual_bound", "residual_limit", "write_energy_error",
            "prediction_agreement",
        )
    )  # fmt: skip
    assert passed(limits | {"max_transient_error": 1e-3, "residual_bound": 9e-5}, labelled=True)
    assert not passed(limits | {"residual_bound": 1e-3}, labelled=True)


def test_a_bound_that_many_pulses_add_up_to_may_be_more():
    """Right writes of 39 pulses came to 1.2e-4, of 390 to 4.1e-4, and failed; 1e-3 is always found."""
    assert residual_limit(1, 0.5) == residual_limit(10, None) == residual_limit(10, 1e-4) == 1e-4
    assert residual_limit(39, 0.5) == pytest.approx(3.9e-4)
    assert residual_limit(390, 0.5) == residual_limit(10_000, 0.5) == 8e-4
    assert residual_limit(10_000, 0.05) == state_limit(0.05)


def test_what_moves_little_is_held_to_a_share_of_it(pretender):
    """Cells that moved backwards passed, as 5e-3 of omega is more than many a write moves."""
    assert state_limit(None) == state_limit(1.0) == 5e-3
    assert state_limit(1.8e-3) == pytest.approx(9e-6)
    few = {"rows": 4, "columns": 3, "density": 0.1, "labels": False}
    whole = pretender(**few)
    assert whole.passed
    assert not pretender(state_error=0.01 * whole.max_state_change, **few).passed
    alike = dict.fromkeys(vars(whole)) | {"max_transient_share": 2.0, "max_transient_error": 2e-3}
    assert not passed(alike, labelled=False)


def test_current_error_is_elementwise_and_relative(pretender):
    assert pretender(current_error=1e-6).max_relative_current_error == pytest.approx(1e-6, rel=1e-6)
    assert relative_error(np.array([[1.0, 1.001e-3]]), np.array([[1.0, 1e-3]])) == pytest.approx(1e-3)
    assert relative_error(np.zeros((2, 2)), np.zeros((2, 2))) == 0.0
    assert relative_error(np.array([[1e-19]]), np.zeros((1, 1)), least=1e-13) == pytest.approx(1e-6)
    assert relative_error(np.array([[1.1e-12]]), np.array([[1e-12]]), least=1e-13) == pytest.approx(0.1)


def test_the_state_error_does_not_leak_into_the_current_error(pretender):
    result = pretender(state_error=2e-4)
    assert result.max_relative_current_error < 1e-12
    assert result.end_to_end_current_error > 1e-6
    assert result.passed


@pytest.mark.long
@pytest.mark.parametrize("labels", [True, False])
def test_the_ideal_is_beside_the_engines_and_out_of_the_verdict(pretender, make_layer, labels):
    """Wires that make a layer useless: the engines agree, and that says nothing of the answers."""
    lines = Crossbar(rows=20, columns=5, r_word=600.0, r_bit=600.0)
    how = {"rows": 20, "columns": 5, "reads": 20, "crossbar": lines}
    result, layer = pretender(labels=labels, phase=Phase.read, **how), make_layer(**how)
    assert result.passed
    assert result.prediction_agreement == 1.0
    intended = after_pulses(layer.initial_state, layer.pulses, layer.device)
    volts = 0.1 * layer.inputs
    cells = current(intended[None], volts[:, :, None], layer.device.memristor)  # perfect wires
    written = write_in_situ(lines, layer.initial_state, layer.pulses, layer.device).state
    sensed = read_currents_dense(lines, written, volts, layer.device)
    ideal, real = (i[:, :-1] - i[:, -1:] for i in (cells.sum(axis=1), sensed))
    same = np.mean(ideal.argmax(axis=1) == real.argmax(axis=1))
    assert result.ideal_agreement == same < 0.9
    error = np.sqrt(np.mean((real - ideal) ** 2) / np.mean(ideal**2))
    assert result.ideal_mac_error == pytest.approx(error, rel=1e-6)
    shown = {row[0]: row[3] for row in summary_rows(result)}
    assert shown["same prediction" if labels else "same largest output"] == f"{100 * same:.1f} %"
    assert shown["outputs, rms error over their rms"] == f"{100 * error:.1f} %"
    assert "perfect wires without imperfections" in whole_page([result])
    assert {"ideal_mac_error", "ideal_agreement", "converters"} <= set(result.to_dict())


@pytest.mark.parametrize("tile", [None, TileSize(rows=3, columns=2)])
def test_disturb_and_energy_are_those_of_the_write(pretender, tile):
    result = pretender(state_error=1e-3, tile=tile)
    assert result.write_energy_spice == pytest.approx(result.write_energy_surrogate, rel=1e-12)
    assert 0 < result.wire_energy < result.write_energy_surrogate
    assert result.max_disturb_spice == pytest.approx(1e-3, rel=0.1)
    assert 0 < result.max_disturb_surrogate < 1e-4
    shown = dict(row[:2] for row in summary_rows(result))
    assert "J / " in shown["energy of the write, surrogate / ngspice"]
    assert shown["of it lost in wires and terminals"].endswith(" %")
    assert pretender(phase=Phase.read).write_energy_surrogate is None


def test_the_json_document_has_every_number_and_no_array(pretender):
    fields = set(pretender().to_dict())
    wanted = (
        "layer rows columns reads pulses max_relative_current_error max_state_error"
        " max_disturb_surrogate max_disturb_spice write_energy_surrogate write_energy_spice wire_energy"
        " prediction_agreement accuracy_ideal accuracy_surrogate accuracy_spice spice_seconds"
        " surrogate_seconds speedup ngspice_version passed"
    )
    assert set(wanted.split()) <= fields
    assert not any(name.endswith(("_state", "_currents")) for name in fields)


OPTIONS = {
    "phase": "both", "analysis": "transient", "tile": "64x64", "tiles": None, "reads": None, "seed": 0,
    "mapping": Mapping.parse("pair"),
}  # fmt: skip


def layer_of(result, device):
    """A layer on lines of 1.5 Ohm, as large as that of a result."""
    shape = result.rows, result.columns
    return ProgrammedLayer(
        name=result.layer, device=device, crossbar=Crossbar(rows=shape[0], columns=shape[1], r_word=1.5),
        initial_state=np.full(shape, 0.5), pulses=np.zeros(shape, dtype=np.int64),
        inputs=np.zeros((0, shape[0])), labels=np.empty(0, dtype=np.int64),
    )  # fmt: skip


def whole_page(results, device=None):
    layers = [layer_of(one, device or default_device()) for one in results]
    made = provenance(command="roa-spice verify --layer fc", inputs=[])
    return page(results, layers, OPTIONS, [drawings(r) for r in results], made).to_html()


@pytest.mark.long
@pytest.mark.parametrize(
    ("rows", "columns"), [pytest.param(20, 3, marks=pytest.mark.slow), (3, 5), (2, 14)]
)
def test_headline_rows_and_figures(pretender, rows, columns):
    result = pretender(rows=rows, columns=columns)
    assert f"{rows} x {columns} cells" in headline(result)
    assert len(summary_rows(result)) == 13
    assert not any("faster" in row[0] for row in summary_rows(result))  # it wanders by a factor of ten
    figures = {one.name.removeprefix("synthetic--"): one for one in drawings(result)}
    *engines, maps, array = figures
    assert engines == ["currents", "current-error", "states", "state-scatter", "state-error"]
    assert maps.startswith("maps-of-read-")
    assert array.startswith("array-of-read-")
    assert figures["states"].wide
    assert figures["states"].svg.count("<image") == 2 * 3  # maps and their colour bars


def test_column_errors_are_each_column_s_own(pretender):
    result = pretender(columns=4)
    result.spice_currents[1, 2] *= 1 + 1e-3
    np.testing.assert_allclose(column_errors(result), [0, 0, 1e-3, 0], atol=1e-12)


@pytest.mark.long
def test_the_page_shows_figures_wires_versions_and_the_command(pretender):
    text = whole_page([pretender(columns=5)])
    assert text.count("<figure") == 7
    assert all(
        words in text
        for words in ("word line 1.5 Ω", "ngspice-0", ">passed</p>", "roa-spice verify --layer fc")
    )


@pytest.mark.long
def test_several_layers_share_a_page_and_one_failure_fails_it(pretender, make_layer):
    good, bad = pretender(), pretender(current_error=1e-3)
    text = whole_page([good, bad])
    assert '<p class="verdict bad">failed</p>' in text
    assert '<span class="bad">FAILED</span>' in text
    numbers = totals([good, dataclasses.replace(bad, layer="other")], [make_layer()] * 2)
    assert numbers["passed"] is False
    assert set(numbers["layers"]) == {"synthetic", "other"}


@pytest.mark.long
def test_names_from_files_cannot_become_markup(pretender):
    result = dataclasses.replace(pretender(), layer="<script>alert(1)</script>")
    assert whole_page([result]).count("<script") == 3  # numbers, plotly, and what draws them
    assert "two columns an output, written by raise" in whole_page([result])


def test_a_layer_without_labels_has_no_accuracy_and_may_differ_in_its_largest_output(pretender):
    result = pretender(labels=False, flip=True, columns=4)
    assert result.accuracy_spice is None
    assert not any("accuracy" in row[0] for row in summary_rows(result))


@pytest.mark.long
@pytest.mark.parametrize(("phase", "rows"), [("write", 7), ("read", 9)])
def test_one_phase_alone_leaves_the_other_open(pretender, phase, rows):
    result = pretender(phase=Phase(phase))
    assert result.passed
    assert (result.max_state_error is None) == (phase == "read")
    assert (result.max_relative_current_error is None) == (phase == "write")
    assert len(summary_rows(result)) == rows
    assert whole_page([result]).count("<figure") == (3 if phase == "write" else 5)


def test_a_write_without_pulses_names_no_simulator(pretender):
    tile = TileSize(rows=4, columns=2)  # the one that is drawn has no pulses
    result = pretender(rows=9, columns=6, density=0.0, phase=Phase.write, tile=tile, tiles=1)
    assert (result.passed, result.pulses) == (True, 0)
    shown = [row[0] for row in summary_rows(result)]
    assert "final states, worst error" in shown
    assert not any("runs" in name for name in shown)


@pytest.mark.long
@pytest.mark.parametrize("phase", list(Phase))
def test_a_tiled_layer_is_verified_tile_by_tile(pretender, phase):
    """Faults of one part in a million on every tile come out as that."""
    result = pretender(
        rows=9, columns=6, phase=phase, tile=TileSize(rows=4, columns=2), current_error=1e-6
    )
    assert result.tiles == 6
    assert result.spice_state.shape == (9, 8)  # each of three tiles across has its reference
    if phase is not Phase.write:
        assert result.max_relative_current_error == pytest.approx(1e-6, rel=1e-6)
        assert result.spice_currents.shape == (8, 8)  # two bands of four reads


@pytest.mark.long
@pytest.mark.parametrize("phase", list(Phase))
def test_a_sample_of_tiles_says_what_it_is(pretender, phase):
    """Errors of the tiles that were drawn, no outputs; where tiles were left out the maps are empty."""
    layer = {"rows": 9, "columns": 6, "phase": phase, "tile": TileSize(rows=4, columns=2)}
    result = pretender(**layer, tiles=5, current_error=1e-6)
    assert (result.tiles, result.tiles_in_layer) == (5, 6)
    assert result.passed
    assert result.prediction_agreement is result.accuracy_spice is result.max_output_error is None
    assert "5 of 6 tiles" in headline(result)
    left_out = np.isnan(result.spice_state)
    assert 0 < left_out.sum() < left_out.size
    if phase is not Phase.write:
        assert result.max_relative_current_error == pytest.approx(1e-6, rel=1e-6)
    if phase is not Phase.read:
        assert 0 < result.pulses < pretender(**layer).pulses
        assert result.max_state_error == 0.0
    text = whole_page([result])
    assert text.count("<figure") == {Phase.both: 7, Phase.read: 5, Phase.write: 3}[phase]
    assert "nan" not in re.sub(r"<(svg|script).*?</\1>", "", text, flags=re.S)


def test_time_is_said_as_exactly_as_it_is_known():
    assert [said(s) for s in (0.2, 42.4, 100, 3000, 9000)] == ["1 s", "42 s", "2 min", "50 min", "2.5 h"]


def test_the_estimate_grows_with_everything(make_layer):
    def seconds(rows=10, columns=5, reads=4, **how):
        arguments = {"phase": Phase.read, "analysis": Analysis.sweep, "workers": 1, **how}
        arguments["prices"] = prices(Engine.ngspice)
        return estimated_seconds(split(make_layer(rows=rows, columns=columns, reads=reads)), **arguments)

    assert seconds() < min(seconds(rows=40), seconds(columns=40), seconds(reads=400))
    assert seconds() < seconds(analysis=Analysis.transient) < seconds(phase=Phase.both)
    assert seconds(rows=640, workers=2) < 0.7 * seconds(rows=640)


@pytest.mark.parametrize(("pulses", "transients"), [(1, 1), (4, 2)])
def test_transients_beside_a_collocation_are_jobs_that_no_cores_share(make_layer, pulses, transients):
    """Three transients on two cores take two after each other; it said the time of one and a half."""
    tiles, price = split(make_layer(rows=64, columns=40)), prices(Engine.ngspice)
    chosen = chosen_pulses(tiles, pulses, 0)
    said = estimated_seconds(tiles, Phase.write, Analysis.collocation, price, 2, chosen)
    assert said >= transients * price.lone_pulse_seconds(tiles[0].layer.crossbar)


def test_the_estimate_knows_what_a_deck_has_and_uses(make_layer):
    tiles = split(make_layer(rows=64, columns=40))
    charged, gated = Circuitry(c_bit=1e-15), Circuitry(transistor=Transistor())

    def seconds(**how):
        return estimated_seconds(tiles, Phase.both, Analysis.transient, prices(Engine.ngspice, **how), 1)

    assert seconds(dialect=Dialect(klu=True, osdi=True)) < seconds(dialect=Dialect(klu=True)) < seconds()
    assert seconds() < min(seconds(circuitry=charged), seconds(circuitry=gated))
