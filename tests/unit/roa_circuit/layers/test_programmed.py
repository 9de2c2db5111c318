"""Layer files: exact round trips, and nothing accepted that is not one."""

import json

import numpy as np
import pytest

from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.solver.read_model import ReadModel


def a_layer(**changes):
    rng = np.random.default_rng(0)
    fields = {
        "name": "fc",
        "device": default_device(),
        "crossbar": default_crossbar(5, 3),
        "initial_state": rng.random((5, 3)),
        "pulses": rng.integers(-3, 4, (5, 3)),
        "inputs": rng.random((4, 5)),
        "labels": np.array([0, 1, 0, 1]),
        "input_scale": 2.5,
        "read_model": ReadModel.weights,
        "provenance": {"seed": 0},
    }
    return ProgrammedLayer(**{**fields, **changes})


def test_round_trip_is_exact(tmp_path):
    layer = a_layer()
    layer.save(tmp_path / "fc.npz")
    back = ProgrammedLayer.load(tmp_path / "fc.npz")
    for name in ("initial_state", "pulses", "inputs", "labels"):
        assert (getattr(back, name) == getattr(layer, name)).all()
    for name in ("name", "device", "crossbar", "input_scale", "provenance", "reference_column"):
        assert getattr(back, name) == getattr(layer, name)
    assert back.read_model is ReadModel.weights
    assert "effective weights at the read voltage" in str(back)


def rewritten(path, change):
    """The layer file with another header."""
    with np.load(path) as archive:
        arrays = dict(archive)
    header = json.loads(str(arrays["header"]))
    change(header)
    np.savez(path, **{**arrays, "header": np.array(json.dumps(header))})
    return path


def test_files_without_a_read_model_mean_the_i_v_and_unknown_ones_are_refused(tmp_path):
    a_layer().save(tmp_path / "fc.npz")
    old = rewritten(tmp_path / "fc.npz", lambda header: header.pop("read_model"))
    assert ProgrammedLayer.load(old).read_model is ReadModel.cells
    other = rewritten(old, lambda header: header.update(read_model="weight"))
    with pytest.raises(InputError, match="did you mean 'weights'"):
        ProgrammedLayer.load(other)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"initial_state": np.full((5, 3), 1.5)}, "states must lie in .* row 0, column 0 is 1.5"),
        ({"inputs": np.full((4, 5), np.nan)}, "inputs"),
        ({"inputs": np.full((4, 5), 1.5)}, "inputs must lie in .* row 0 of read 0 is 1.5"),
        ({"pulses": np.zeros((3, 5), dtype=int)}, "pulses have shape"),
        ({"pulses": np.full((5, 3), 0.5)}, "pulses must be whole numbers"),
        ({"labels": np.zeros(3, dtype=int)}, "labels: 3 for 4"),
        ({"input_scale": 0.0}, "input_scale"),
    ],
)
def test_contents_out_of_range_are_refused(change, complaint):
    with pytest.raises(InputError, match=complaint):
        a_layer(**change)


@pytest.mark.parametrize("content", [b"", b"not a layer", b"PK\x03\x04broken"])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "other.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"other\.npz"):
        ProgrammedLayer.load(path)


def test_missing_files_folders_and_foreign_archives_are_refused(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        ProgrammedLayer.load(tmp_path / "none.npz")
    with pytest.raises(InputError, match="directory"):
        ProgrammedLayer.load(tmp_path)
    np.savez(tmp_path / "foreign.npz", header=np.array(json.dumps({"format": "x"})))
    with pytest.raises(InputError, match="not a layer file"):
        ProgrammedLayer.load(tmp_path / "foreign.npz")


def test_a_failed_save_leaves_nothing(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        a_layer().save(blocked / "fc.npz")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"]
