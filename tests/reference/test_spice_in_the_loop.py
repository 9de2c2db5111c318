"""SPICE in the loop: ngspice beside a training, and what happens when the two do not agree."""

from dataclasses import replace

import pytest

from meta.circuits.validate import Schedule, SpiceValidation, trained_writing, validation_tasks
from meta.data.datasets import load_dataset
from meta.training.configuration import Training
from meta.training.spice_log import Divergence, SpiceRow, Tolerances, picture, read_rows
from meta.training.train import train
from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.design_point import default_crossbar, default_device

HOW = Training(
    dataset="glyphs", filters=4, epochs=2, iterations=2, batch=2, pulses_from=1, relative_rate=3.0,
    validation_tasks=2,
)  # fmt: skip
WRONG = replace(default_crossbar(1, 2), r_word=300.0, r_bit=300.0)


def run(folder, how=HOW, **options):
    """Train with ngspice beside it; the rows as they were reported."""
    glyphs, seen = load_dataset("glyphs"), []
    tasks, writing = validation_tasks(glyphs, how), trained_writing(how, default_device())
    with SpiceValidation(
        tasks, writing, folder, Schedule(episodes=1), on_row=seen.append, **options
    ) as spice:
        train(glyphs, how, folder, callbacks=[spice], resume=(folder / "config.toml").exists())
    return seen


@pytest.mark.ngspice
def test_ngspice_agrees_with_the_surrogate_beside_the_training(tmp_path):
    seen = run(tmp_path, tolerances=Tolerances(action="stop"))
    assert sorted((row.epoch, row.episode) for row in seen) == [(0, 0), (1, 0)]
    assert not any(row.diverged for row in seen)
    assert all(row.accuracy_spice == row.accuracy_surrogate for row in seen)
    assert all(row.current_error < 1e-6 and 0 < row.state_error < 5e-3 for row in seen)
    assert read_rows(tmp_path) == seen
    assert (tmp_path / "spice.png").read_bytes()[1:4] == b"PNG"


@pytest.mark.ngspice
def test_hardware_with_other_wires_than_the_surrogates_stops_the_training(tmp_path):
    """300 Ohm a segment where the surrogate has 1: states and currents are truly apart."""
    with pytest.raises(Divergence, match=r"diverge in epoch 1, episode 0.*--resume") as caught:
        run(tmp_path, circuit=WRONG, tolerances=Tolerances(action="stop"))
    assert caught.value.exit_code == 1
    (row, *_) = read_rows(tmp_path)
    assert row.diverged
    assert row.current_error > 1e-2
    assert row.state_error > 5e-3
    seen = run(tmp_path, replace(HOW), circuit=WRONG)  # goes on, and only marks the rows
    assert all(row.diverged for row in seen)
    assert (tmp_path / "last.safetensors").exists()


def test_tolerances_are_checked():
    assert Tolerances(current=1.0, state=1e-3).exceeded(0.5, 2e-3)
    assert not Tolerances(current=1.0, state=1e-2).exceeded(0.5, 2e-3)
    with pytest.raises(InputError, match="did you mean 'stop'"):
        Tolerances(action="stopp")
    with pytest.raises(InputError, match="above 0"):
        Tolerances(current=0.0)


def test_the_picture_of_one_epoch_and_of_errors_that_are_zero():
    row = SpiceRow(
        epoch=0, episode=0, accuracy_ideal=1.0, accuracy_surrogate=1.0, accuracy_spice=1.0,
        prediction_agreement=1.0, current_error=0.0, state_error=0.0, spice_seconds=1.0, diverged=False,
    )  # fmt: skip
    assert "ngspice" in picture([row], Tolerances()).svg
