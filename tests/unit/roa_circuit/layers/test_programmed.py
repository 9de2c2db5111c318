"""Layer files: exact round trips, and nothing accepted that is not one."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.circuit.scaling import mapping_constants
from roa_circuit.device.memristor import conductance_range, current
from roa_circuit.device.parameters import Device
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.recovery import ideal_currents
from roa_circuit.solver.read import read_currents
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
    for name in ("name", "device", "crossbar", "input_scale", "provenance", "mapping"):
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


STRAIGHT = """
[memristor]
"k [1/s]" = 1e-4
"mu1 [1/V]" = 19.25
"mu2 [1/V]" = 13.0
"gamma [A]" = 1.408927e-05
"delta [1/V]" = 5.0
"alpha [A]" = 3.861651e-06
"beta [1/V]" = 5.0
[pulses]
"read_voltage [V]" = 0.3
"potentiation_voltage [V]" = -1.1
"potentiation_width [s]" = 3e-6
"depression_voltage [V]" = 1.4
"depression_width [s]" = 30e-6
"""


@pytest.mark.parametrize("full_scale", [None, 0.1, 0.45])
@pytest.mark.parametrize("model", ReadModel)
def test_a_device_read_at_any_voltage_multiplies_by_its_weights(full_scale, model):
    """Outputs behind perfect wires against X @ W; reads of 0.1 V, whatever the device, gave 0.62."""
    rng = np.random.default_rng(0)
    device = Device.from_toml(STRAIGHT)
    device = replace(device, pulses=replace(device.pulses, full_scale_voltage=full_scale))
    W, X = np.diag(rng.uniform(-1, 1, 8)), rng.random((4000, 8))
    layer = replace(ProgrammedLayer.of_weights(W, X, device=device, start=None), read_model=model)
    y = layer.outputs(ideal_currents(layer, X))
    assert float((y * (X @ W)).sum() / ((X @ W) ** 2).sum()) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("read_voltage", [0.05, 0.3])
def test_a_column_s_gain_lies_where_the_curve_of_the_i_v_puts_it(read_voltage):
    """One number cannot straighten a curve: docs/physics.md says how far a column's gain may be from 1.

    An input x counts as f(x), the same curve for every cell. Over even inputs a column of weights w then
    has a gain between that of weights without a mean and that of equal ones, by |w|^2 and (sum w)^2.
    """
    device = default_device()
    device = replace(device, pulses=replace(device.pulses, read_voltage=read_voltage))
    p, x = device.memristor, (np.arange(4000) + 0.5) / 4000
    f = current(1.0, device.pulses.full_scale * x, p) - current(0.0, device.pulses.full_scale * x, p)
    f *= np.mean(x**2) / np.mean(f * x)  # what is promised: 1 by least squares over all inputs
    apart, equal = np.cov(f, x)[0, 1] / np.var(x, ddof=1), f.mean() / x.mean()
    rng = np.random.default_rng(0)
    W, X = rng.uniform(-1, 1, (8, 40)), rng.random((20_000, 8))
    W[:, 0], W[:, 1] = 0.5, np.tile([0.5, -0.5], 4)
    layer = ProgrammedLayer.of_weights(W, X, device=device, start=None)
    y, true = layer.outputs(ideal_currents(layer, X)), X @ W
    found = (y * true).sum(axis=0) / (true**2).sum(axis=0)
    spread, sums = (W**2).sum(axis=0) / 12, W.sum(axis=0) ** 2 / 4
    expected = (spread * apart + sums * equal) / (spread + sums)
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert found[0] == pytest.approx((apart / 12 + 2 * equal) / (1 / 12 + 2), abs=2e-3)
    assert found[1] == pytest.approx(apart, abs=2e-3)
    ends = {0.05: (1.007, 0.998), 0.3: (1.041, 0.986)}[read_voltage]
    assert (apart, equal) == pytest.approx(ends, abs=1e-3)


def test_inputs_that_undo_the_curve_have_gain_1_of_every_column():
    device = Device.from_toml(STRAIGHT)
    p, x = device.memristor, np.linspace(0, 1, 2001)
    f = current(1.0, device.pulses.full_scale * x, p) - current(0.0, device.pulses.full_scale * x, p)
    rng = np.random.default_rng(0)
    W, wanted = rng.uniform(-1, 1, (8, 5)), rng.random((50, 8))
    layer = ProgrammedLayer.of_weights(W, np.interp(wanted, f / f[-1], x), device=device, start=None)
    ratio = layer.outputs(ideal_currents(layer, layer.inputs)) / (wanted @ W)
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-4)


def test_full_scale_is_twice_the_read_voltage_unless_it_is_given(tmp_path):
    device = default_device()
    assert device.pulses.full_scale == 0.1
    assert replace(device.pulses, read_voltage=0.3).full_scale == 0.6
    text = STRAIGHT + '"full_scale_voltage [V]" = 0.45\n'
    given = Device.from_toml(text)
    assert given.pulses.full_scale == 0.45
    assert Device.from_toml(given.to_toml()) == given
    with pytest.raises(InputError, match="full_scale_voltage = -1 V must be greater than 0"):
        Device.from_toml(STRAIGHT + '"full_scale_voltage [V]" = -1\n')


def test_table_1_multiplies_by_its_weights_within_a_thousandth():
    rng = np.random.default_rng(1)
    W, X = np.diag(rng.uniform(-1, 1, 8)), rng.random((4000, 8))
    layer = ProgrammedLayer.of_weights(W, X, start=None)
    y = layer.outputs(ideal_currents(layer, X))
    assert float((y * (X @ W)).sum() / ((X @ W) ** 2).sum()) == pytest.approx(1.0, abs=1e-3)


def test_a_device_whose_extremes_coincide_holds_no_weights():
    device = Device.from_toml(STRAIGHT.replace("1.408927e-05", "1.41e-06"))
    said = r"Gmin = .* Gmax = .* by less than 1 %, and hold no weights; read at"
    with pytest.raises(InputError, match=said):
        ProgrammedLayer.of_weights(np.zeros((2, 2)), np.ones((1, 2)), device=device)
    of_cells = device.with_constants(current_scale=np.array([[1.0, 2.0]]))
    low, high = conductance_range(device.pulses.read_voltage, device.memristor)
    with pytest.raises(InputError, match=f"Gmin = {low:.4g} S and Gmax = {2 * high:.4g} S"):
        mapping_constants(of_cells)


@pytest.mark.parametrize(
    ("weights", "complaint"),
    [
        (np.array([[0.5, -1.6], [0.0, 1.2]]), "row 0, column 1 is -1.6; divide all by 1.6"),
        (torch.tensor([[2.0]]), "divide all by 2"),
        ([[0.1, np.nan]], "is nan; give finite numbers"),
        ([["a"]], "not list; use np.asarray"),
        (np.zeros((1, 1, 3, 3)), r"shape \(1, 1, 3, 3\)"),
    ],
)
def test_weights_that_cells_cannot_hold_are_refused_with_the_way_out(weights, complaint):
    with pytest.raises(InputError, match=complaint):
        ProgrammedLayer.of_weights(weights, np.ones((1, len(weights))))


def test_torch_tensors_are_the_numbers_that_they_hold():
    weights, inputs = torch.tensor([[0.5, -0.5]], requires_grad=True), torch.ones(2, 1)
    layer = ProgrammedLayer.of_weights(weights, inputs)
    same = ProgrammedLayer.of_weights(np.array([[0.5, -0.5]]), np.ones((2, 1)))
    np.testing.assert_array_equal(layer.pulses, same.pulses)
    np.testing.assert_array_equal(layer.inputs, same.inputs)


def test_weights_that_the_pulse_cap_clips_are_told():
    layer = ProgrammedLayer.of_weights(np.array([[1.0, 0.5], [-1.0, 0.0]]), np.ones((1, 2)))
    after = 1 - 1 / (1 / (1 - 0.5) + 64 * 0.4713)  # Eq. 1 in closed form: pulses add to 1 / (1 - omega)
    down = 1 / (1 / 0.5 + 64 * 0.2406)
    told = layer.provenance["capped"]
    assert (told["weights"], told["pulses"]) == (2, 64)
    assert told["short"] == pytest.approx(2 * max(1 - after, down), rel=1e-3)
    assert "2 weights at the cap of 64 pulses" in str(layer)
    assert "capped" not in ProgrammedLayer.of_weights(np.array([[0.5]]), np.ones((1, 1))).provenance


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


@pytest.mark.parametrize("labels", [[0, 3], [-1, 0], [0.5, 1.0], [[0, 1], [1, 0]], [0]])
def test_labels_are_outputs(labels):
    weights, inputs = np.full((2, 3), 0.5), np.ones((2, 2))
    with pytest.raises(InputError, match="labels"):
        ProgrammedLayer.of_weights(weights, inputs, labels=np.array(labels))
    assert ProgrammedLayer.of_weights(weights, inputs, labels=[2, 0]).labels.dtype == np.int64


def test_a_layer_is_saved_under_a_path_as_text(tmp_path):
    a_layer().save(str(tmp_path / "fc.npz"))
    assert ProgrammedLayer.load(tmp_path / "fc.npz").name == "fc"


def test_masked_tables_and_labels_of_no_numbers_are_refused():
    weights, x = np.full((2, 2), 0.5), np.full((2, 2), 0.5)
    hidden = np.ma.masked_array(weights, mask=np.eye(2, dtype=bool))
    for given in ((hidden, x), (weights, hidden)):
        with pytest.raises(InputError, match="masked array has hidden numbers"):
            ProgrammedLayer.of_weights(*given)
    with pytest.raises(InputError, match="masked array has hidden numbers"):
        read_currents(Crossbar(rows=2, columns=2), hidden, x, default_device())
    with pytest.raises(InputError, match="labels must be whole numbers, not an array of object"):
        ProgrammedLayer.of_weights(weights, x, labels=np.array([0, 1], dtype=object))
