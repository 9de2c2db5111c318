"""Adapted heads behind wires: the surrogate alone, and with ngspice as the referee."""

import json
from functools import partial

import numpy as np
import pytest

from meta.circuits.behind_wires import behind_wires, ideal_predictions, predictions
from meta.circuits.validate import referee
from meta.commands import cli
from meta.network.architecture import Architecture
from meta.network.convolutional import Network
from roa_circuit.chips.imperfections import Imperfections


def test_perfect_wires_change_nothing(make_layer):
    layer = make_layer(6, 4, reads=8)
    perfect = type(layer)(**{**vars(layer), "crossbar": layer.crossbar.ideal()})
    assert (predictions(perfect) == ideal_predictions(layer)).all()


def test_wires_and_faults_cost_accuracy(make_layer):
    layer = make_layer(40, 4, reads=60)
    truth = ideal_predictions(layer)
    layer = type(layer)(**{**vars(layer), "labels": truth})
    free, wired = behind_wires([layer], [0.0, 3000.0])
    assert free.accuracy_ideal == wired.accuracy_ideal == 1.0
    assert wired.accuracy_surrogate < free.accuracy_surrogate
    faulty = behind_wires([layer], [0.0], imperfections=Imperfections(stuck_on=0.3))
    assert faulty[0].accuracy_surrogate < 1.0


def test_a_layer_larger_than_an_array_is_tiled(make_layer):
    layer = make_layer(130, 3, reads=10)
    assert np.mean(predictions(layer) == ideal_predictions(layer)) > 0.7


@pytest.mark.ngspice
def test_ngspice_predicts_what_the_surrogate_predicts(make_layer):
    (row,) = behind_wires([make_layer(5, 3, reads=4)], [1.0], referee=referee(writes=True))
    assert row.agreement == 1.0
    assert row.accuracy_spice == row.accuracy_surrogate
    assert row.current_error < 1e-6
    assert row.state_error < 5e-3


@pytest.mark.long
def test_the_command_reports_every_episode(command, tmp_path):
    Network(Architecture(filters=4)).save(tmp_path / "n.safetensors")
    roa_meta = partial(command, cli.main)
    code, out, _ = roa_meta(
        "wires", "--network", tmp_path / "n.safetensors", "--dataset", "glyphs", "--episodes", 2,
        "--wire-resistance", "0,1", "--json", tmp_path / "w.json",
    )  # fmt: skip
    assert code == 0
    assert "surrogate" in out
    rows = json.loads((tmp_path / "w.json").read_text())["rows"]
    assert [(row["episode"], row["wire_resistance"]) for row in rows] == [(0, 0), (1, 0), (0, 1), (1, 1)]
    code, _, err = roa_meta("wires", "--wire-resistance", "-1", "--dataset", "glyphs")
    assert code == 2
    assert "0 Ohm or more" in err
