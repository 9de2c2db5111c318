"""Sweeps of a layer: right numbers, once each, whatever kills, orders or spreads them."""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import dask
import numpy as np
import pytest
import xarray as xr

from roa_circuit.basics.errors import InputError
from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.chips.in_situ import write_in_situ
from roa_circuit.circuit.components import Amplifier
from roa_circuit.circuit.scaling import voltage_from_input
from roa_circuit.device.programming import after_pulses
from roa_circuit.layers import deployed
from roa_circuit.layers.recovery import CHOICES, Compensation, recover
from roa_circuit.layers.tiling import TileSize, chip_of, outputs, split
from roa_circuit.solver.dense import read_currents_dense
from roa_circuit.sweeps import LayerSubject, Store, Study, Workers, sweep
from roa_circuit.sweeps.tables import netcdf
from roa_circuit.sweeps.workers import evaluated

pytestmark = pytest.mark.xdist_group("processes")

PROGRAM = Path(__file__).with_name("counted_sweep.py")
POINTS = 30


def started(folder, how):
    command = [sys.executable, str(PROGRAM), str(folder), str(how)]
    return subprocess.Popen(command, start_new_session=True)


def finished(folder, how, seconds=120):
    process = started(folder, how)
    assert process.wait(seconds) == 0
    return notes(folder), (folder / "sweep.nc").read_bytes()


def notes(folder):
    file = folder / "notes"
    return file.read_text().splitlines() if file.exists() else []


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    asked, content = finished(folder, 1)
    assert len(asked) == len(set(asked)) == POINTS
    return content


@pytest.mark.long
@pytest.mark.parametrize(
    ("workers", "thresholds"), [(1, (10,)), pytest.param(2, (4, 15), marks=pytest.mark.slow)]
)
def test_killed_and_resumed_is_the_same_file_and_no_finished_point_is_computed_twice(
    tmp_path, uninterrupted, workers, thresholds
):
    for threshold in thresholds:
        (tmp_path / "hold").write_text(str(threshold))
        process = started(tmp_path, workers)
        while len(stored(tmp_path)) < threshold:
            assert process.poll() is None
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with contextlib.suppress(ProcessLookupError):  # its workers, which would go on for nobody
            os.killpg(process.pid, signal.SIGKILL)
        (tmp_path / "hold").unlink()
        kept, noted = stored(tmp_path), len(notes(tmp_path))
        assert threshold <= len(kept) < POINTS
    asked, content = finished(tmp_path, workers)
    assert content == uninterrupted
    assert len(set(asked)) == POINTS
    assert not kept & set(asked[noted:])
    # What was being computed, or on its way to the store, at each death.
    assert len(asked) - POINTS <= len(thresholds) * 3 * workers


def stored(folder):
    """The points in the store, as they are noted."""
    file = folder / "points.jsonl"
    lines = [json.loads(line) for line in file.read_bytes().split(b"\n")[1:-1]] if file.exists() else []
    return {f"{sorted(one['point'].items())} {one['seeds']}" for one in lines}


@pytest.mark.slow
def test_a_cluster_gives_the_same_file_and_bears_the_loss_of_a_worker(tmp_path, uninterrupted):
    asked, content = finished(tmp_path, "dask")
    assert content == uninterrupted
    assert len(set(asked)) == POINTS


def test_a_finished_sweep_computes_nothing_and_a_larger_one_only_what_is_new(tmp_path, make_layer):
    calls = []

    class Counting(LayerSubject):
        def evaluate(self, point, seeds):
            calls.append((dict(point), list(seeds)))
            return super().evaluate(point, seeds)

    subject = Counting(layer=make_layer())
    store = tmp_path / "points.jsonl"
    how = {"vary": {"sigma_wn": [0, 1]}, "repeats": 2, "store": store}
    once = sweep(subject, **how)
    assert len(calls) == 2
    assert netcdf(sweep(subject, **how)) == netcdf(once)
    assert len(calls) == 2
    more = sweep(subject, **{**how, "vary": {"sigma_wn": [1, 0, 2]}, "repeats": 3})
    assert calls[2:] == [
        ({"sigma_wn": 1.0}, [2]),
        ({"sigma_wn": 0.0}, [2]),
        ({"sigma_wn": 2.0}, [0, 1, 2]),
    ]
    assert (more.mac_error.sel(sigma_wn=1, repeat=[0, 1]) == once.mac_error.sel(sigma_wn=1)).all()


def test_a_torn_last_line_is_dropped_and_a_foreign_store_is_refused(tmp_path, make_layer):
    store, layer = tmp_path / "points.jsonl", make_layer()
    how = {"vary": {"wire_resistance": [0, 1, 2]}, "store": store}
    whole = netcdf(sweep(layer, **how))
    content = store.read_bytes()
    for cut in (len(content) - 1, len(content) - 40, content.index(b"\n") + 1, 10):
        store.write_bytes(content[:cut])
        assert netcdf(sweep(layer, **how)) == whole
        points = [json.loads(line)["point"] for line in store.read_bytes().splitlines()[1:]]
        assert sorted(point["wire_resistance"] for point in points) == [0, 1, 2]
    with pytest.raises(InputError, match="points of another arrays"):
        sweep(make_layer(seed=1), **how)
    store.write_text("not a store\n")
    with pytest.raises(InputError, match="damaged, or no store"):
        sweep(layer, **how)


def test_two_sweeps_do_not_write_one_store(tmp_path, make_layer):
    with Store(tmp_path / "s", {}), pytest.raises(InputError, match="another sweep is writing"):
        sweep(make_layer(), {"sigma_wn": [0]}, store=tmp_path / "s")


def test_a_point_that_cannot_be_says_why_beside_those_that_can(make_layer):
    found = sweep(make_layer(), {"stuck_on": [0, 0.7], "stuck_off": [0, 0.7]}, repeats=2)
    assert np.isnan(found.mac_error.sel(stuck_on=0.7, stuck_off=0.7)).all()
    assert "more than 1" in str(found.failed.sel(stuck_on=0.7, stuck_off=0.7).item())
    assert int(np.isfinite(found.mac_error).sum()) == 6
    assert (found.failed == "").sum() == 3


def test_a_sweep_of_nothing_but_impossible_points_is_refused_at_once(make_layer):
    with pytest.raises(InputError, match="must be finite and not negative"):
        sweep(make_layer(), {"wire_resistance": [-1, -2]})


def scores(layer, imperfections, seed):
    """The metrics in plain steps, on the dense twin."""
    tile = split(layer)[0]
    chip = chip_of(tile, imperfections, seed)
    start = chip.start(layer.initial_state)
    after = write_in_situ(chip.crossbar, start, layer.pulses, chip.device).state
    state = chip.written(start, after, layer.pulses)
    volts = chip.drive(np.asarray(voltage_from_input(layer.inputs, layer.device)))
    currents = read_currents_dense(chip.crossbar, state, volts, chip.device)
    return outputs([tile], [chip.sense(currents, state, volts)])


@pytest.mark.long
def test_numbers_are_those_of_the_plain_steps(make_layer):
    layer = make_layer(rows=8, columns=4, reads=12)
    x = Imperfections(sigma_wn=1.0, stuck_on=0.1, sense_gain=0.05)
    found = sweep(
        LayerSubject(layer=layer, imperfections=x), {"wire_resistance": [0, 20]}, repeats=3, seed=5
    )
    intended = after_pulses(layer.initial_state, layer.pulses, layer.device)
    volts = np.asarray(voltage_from_input(layer.inputs, layer.device))
    ideal = read_currents_dense(layer.crossbar.ideal(), intended, volts, layer.device)
    y_ideal = outputs(split(layer), [ideal])
    for ohms in (0, 20):
        circuit = dataclasses.replace(layer.crossbar, r_word=float(ohms), r_bit=float(ohms))
        for seed in (5, 6, 7):
            y = scores(dataclasses.replace(layer, crossbar=circuit), x, seed)
            at = found.sel(wire_resistance=ohms, repeat=seed)
            error = np.sqrt(np.mean((y - y_ideal) ** 2) / np.mean(y_ideal**2))
            assert at.mac_error.item() == pytest.approx(error, rel=1e-6)
            assert at.accuracy.item() == np.mean(y.argmax(1) == layer.labels)
            assert at.agreement.item() == np.mean(y.argmax(1) == y_ideal.argmax(1))


def test_compensations_do_what_recovery_measures(make_layer):
    layer = make_layer(rows=20, columns=6, reads=30, density=0.0)
    layer = dataclasses.replace(layer, pulses=np.zeros_like(layer.pulses))  # both map the same states
    names = [choice.name for choice in CHOICES]
    found = sweep(layer, {"compensation": names, "wire_resistance": [5.0]})
    circuit = dataclasses.replace(layer.crossbar, r_word=5.0, r_bit=5.0)
    for one in recover(dataclasses.replace(layer, crossbar=circuit)):
        at = found.sel(compensation=one.compensation.name, wire_resistance=5.0, repeat=0)
        assert at.mac_error.item() == pytest.approx(one.mac_error, rel=1e-6)
        assert at.agreement.item() == one.agreement
    with pytest.raises(InputError, match="did you mean 'calibrated'"):
        sweep(layer, {"compensation": ["calibratd"]})
    assert Compensation.parse("nothing") == Compensation()


def test_points_that_differ_in_noise_and_readout_share_the_write_of_each_chip(make_layer, monkeypatch):
    writes = []

    def counted(*arguments, **how):
        writes.append(arguments)
        return write_in_situ(*arguments, **how)

    monkeypatch.setattr(deployed, "write_in_situ", counted)
    noise = {"sigma_wn": [0, 1], "sense_offset": [0, 1e-7], "amplifier_mismatch": [0, 1e-3]}
    amplified = Circuitry(amplifier=Amplifier(r_feedback=1e4))
    subject = LayerSubject(layer=make_layer(seed=7), circuitry=amplified)
    found = sweep(subject, {"stuck_on": [0, 0.4], "spread_k": [0.2], **noise}, repeats=3)
    assert len(writes) == 2 * 3
    for other in ("stuck_on", *noise):
        assert float(found.mac_error.std(other).min()) > 0


def test_an_ideal_circuit_makes_no_error_and_wires_make_it_grow(make_layer):
    still = {"source_resistance": [0.0], "sense_resistance": [0.0]}
    found = sweep(make_layer(), {"wire_resistance": [0, 1, 10, 100], **still}).squeeze()
    assert found.mac_error[0] < 1e-3  # pulse edges alone
    assert (np.diff(found.current_error) > 0).all()


def test_tiled_layers_and_those_without_labels(make_layer):
    layer = dataclasses.replace(make_layer(rows=9, columns=5), labels=np.zeros(0, np.int64))
    subject = LayerSubject(layer=layer, tile=TileSize(rows=4, columns=2))
    found = sweep(subject, {"wire_resistance": [0, 5], "sigma_wn": [0, 1]}, repeats=2)
    assert "accuracy" not in found
    assert (found.mac_error.sel(wire_resistance=5) > 0).all()


def test_another_device_is_written_with_the_pulses_counted_for_the_nominal_one(make_layer):
    found = sweep(make_layer(), {"k": [1e-4, 2e-4], "wire_resistance": [0.0]})
    assert found.mac_error.sel(k=2e-4).item() > 2 * found.mac_error.sel(k=1e-4).item()


def test_the_dataset_has_units_and_says_what_made_it(make_layer, tmp_path):
    found = sweep(make_layer(), {"wire_resistance": "0.1,10", "sigma_wn": "0,1"}, repeats=2, seed=3)
    (tmp_path / "s.nc").write_bytes(netcdf(found))
    with xr.open_dataset(tmp_path / "s.nc") as read:
        assert read.wire_resistance.units == "Ohm"
        assert list(read.repeat.values) == [3, 4]
        assert read.mac_error.dims == ("wire_resistance", "sigma_wn", "repeat")
        assert json.loads(read.attrs["sweep"])["vary"]["sigma_wn"] == [0.0, 1.0]
        assert json.loads(read.attrs["subject"])["layer"] == "synthetic"
        np.testing.assert_array_equal(read.mac_error, found.mac_error)
    drawn = sweep(make_layer(), {"sigma_wn": "0:2"}, design="sobol", points=4)
    assert drawn.mac_error.dims == ("point", "repeat")


def test_only_foreseen_errors_are_a_point_s_own(make_layer):
    class Broken(LayerSubject):
        def evaluate(self, point, seeds):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        evaluated(Broken(layer=make_layer()), [({"sigma_wn": 1.0}, (0,))])


def test_no_dask_scheduler_is_one_line(make_layer):
    layer = make_layer()
    subject = LayerSubject(layer=layer)
    with Store(None, {}) as store:
        study = Study(subject=subject, store=store, seeds=[0], workers=Workers(scheduler="nonsense://x"))
        with pytest.raises(InputError, match="no Dask scheduler answers"):
            study.compute([{"sigma_wn": 1.0}])
    assert dask.config.get("scheduler", None) is None  # it was left behind, and later tables failed


def test_the_name_of_a_layer_is_no_layer():
    with pytest.raises(InputError, match=r"'fc' is a name: .* load_layer\('fc'\)"):
        sweep("fc", {"wire_resistance": [1.0]})
