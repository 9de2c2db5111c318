"""Converted networks in the hands of their users: samples, modes, attributes, files, other hardware."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from meta import Hardware, convert
from roa_circuit.basics.errors import InputError
from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.components import Amplifier
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.mapping import PAIR, REFERENCE
from roa_circuit.circuit.wiring import Wiring
from roa_circuit.solver.read_model import ReadModel

PERFECT = Hardware(crossbar=Crossbar(rows=1, columns=2))
WIRED = Hardware(crossbar=Crossbar(rows=1, columns=2, r_word=10.0, r_bit=10.0))
IN_CODES = Imperfections(adc_bits=8, adc_range="layer")


@pytest.fixture(autouse=True)
def drawn_alike():
    torch.manual_seed(0)


def error(chips, network, x):
    """rms over rms of what comes out."""
    with torch.no_grad():
        ideal = network(x)
        return float((chips(x) - ideal).square().mean().sqrt() / ideal.square().mean().sqrt())


@pytest.mark.parametrize(
    "make", [lambda: nn.Conv2d(1, 8, 3), lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 8))]
)
def test_ranges_are_those_of_the_whole_sample_in_whatever_order(make):
    network, x = make().eval(), torch.rand(200, 1, 8, 8)
    x[:8] *= 0.05
    hardware = dataclasses.replace(PERFECT, imperfections=IN_CODES)
    errors = [
        error(convert(network, hardware, sample), network, x)
        for sample in (x, x.flip(0), x[torch.randperm(200)])
    ]
    assert max(errors) < 0.03
    assert max(errors) < 1.5 * min(errors)


def test_readings_beyond_the_range_are_counted_and_said():
    network = nn.Linear(16, 4, bias=False)
    hardware = dataclasses.replace(PERFECT, imperfections=IN_CODES)
    dim = torch.rand(50, 16) * torch.tensor([1.0] + [0.02] * 15)
    chips = convert(network, hardware, dim)
    assert chips.summary().notes == []
    with torch.no_grad():
        chips(torch.ones(20, 16))
    assert any("ADC saturates" in note for note in chips.summary().notes)
    chips.calibrate(torch.ones(20, 16))
    with torch.no_grad():
        chips(torch.ones(20, 16))
    assert not any("saturates" in note for note in chips.summary().notes)


def test_a_converted_network_comes_onto_other_hardware():
    network, x = nn.Sequential(nn.Linear(20, 8), nn.ReLU(), nn.LSTM(8, 4)), torch.rand(5, 20)
    first = convert(network, WIRED, x)
    far = Hardware(crossbar=Crossbar(rows=1, columns=2, r_word=500.0, r_bit=500.0))
    again, direct = convert(first, far, x), convert(network, far, x)
    assert dict(again.digital) == dict(direct.digital) == {}
    torch.testing.assert_close(again(x)[0], direct(x)[0])
    assert not torch.allclose(again(x)[0], first(x)[0], rtol=0.05)
    with pytest.raises(InputError, match="a part of the module is a converted network"):
        convert(nn.Sequential(first), far, x)


NOISY = dataclasses.replace(WIRED, imperfections=Imperfections(flicker=0.05))


@pytest.mark.parametrize("hardware", [WIRED, dataclasses.replace(WIRED, mapping=REFERENCE), NOISY])
def test_an_output_of_no_weights_is_nothing_and_learns(hardware):
    network = nn.Linear(64, 8, bias=False)
    with torch.no_grad():
        network.weight *= 1e-3
        network.weight[3] = 0
    x = torch.rand(20, 64)
    chips = convert(network, hardware, x)
    with torch.no_grad():
        assert chips(x)[:, 3].abs().max() < 1e-20
    chips(x)[:, 3].sum().backward()
    share = chips.weight.grad[3] / x.sum(0)
    assert 0.4 < share.min() < share.max() < 1.01  # wires take the rest
    nothing = nn.Linear(6, 2, bias=False)
    nn.init.zeros_(nothing.weight)
    silent = convert(nothing, hardware, torch.rand(5, 6))
    assert silent.summary().layers[0].mac_error == 0.0
    assert silent(torch.rand(4, 6)).abs().max() < 1e-20


def test_frozen_modules_stay_frozen():
    network = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.Linear(6, 2)).train()
    network[1].eval()
    chips = convert(network, PERFECT, torch.rand(20, 6))
    modes = [True, True, False, True]
    assert [one.training for one in chips.network.modules()] == modes
    chips.calibrate(torch.rand(20, 6))
    assert [one.training for one in chips.network.modules()] == modes
    assert chips.training


def test_a_layers_file_has_the_lines_of_its_circuit_and_names_what_it_has_not(tmp_path):
    circuitry = Circuitry(lines=Wiring(r_word=300.0, r_bit=200.0), amplifier=Amplifier(r_feedback=1e4))
    hardware = Hardware(circuitry=circuitry, imperfections=Imperfections(stuck_on=0.1))
    layer = convert(nn.Linear(8, 4), hardware, torch.rand(9, 8)).layers["Linear"]
    assert (layer.crossbar.r_word, layer.crossbar.r_bit) == (300.0, 200.0)
    assert layer.provenance["not_in_file"] == ["circuit", "imperfections"]


@pytest.mark.parametrize(
    ("network", "sample", "items", "reads"),
    [
        (nn.LSTM(5, 4), (torch.rand(12, 3, 5),), None, 12),
        (nn.LSTM(5, 4, batch_first=True), (torch.rand(3, 12, 5),), None, 12),
        (nn.LSTM(5, 4), (torch.rand(12, 5),), None, 12),
        (nn.Conv2d(3, 4, 3), (torch.rand(3, 8, 8),), 1, 36),
        (nn.Linear(5, 4), (torch.rand(6, 7, 5),), None, 7),
    ],
)
def test_reads_are_of_an_item(network, sample, items, reads):
    assert convert(network, PERFECT, sample, items=items).summary().layers[0].reads == reads


def test_attributes_that_are_set_reach_the_network():
    class Scaled(nn.Module):
        temperature = 1.0

        def __init__(self):
            super().__init__()
            self.a = nn.Linear(3, 2)

        def forward(self, x):
            return self.a(x) / self.temperature

    x = torch.rand(4, 3)
    chips = convert(Scaled(), PERFECT, x)
    before = chips(x)
    chips.temperature = 0.5
    torch.testing.assert_close(chips(x), 2 * before)
    assert chips.network.temperature == 0.5
    chips.a = nn.Linear(3, 2)
    assert chips(x).shape == (4, 2)
    assert len(chips.layers) == 0


class Two(nn.Module):
    """The second layer is reached where inputs are large."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 2)

    def forward(self, x):
        return self.b(self.a(x)) if x.max() > 0.5 else self.a(x)


def test_a_sample_that_does_not_calibrate_changes_nothing():
    chips = convert(Two(), PERFECT, torch.ones(4, 3))
    before = chips(torch.ones(2, 3))
    for sample, what in (
        (torch.full((4, 3), 0.1), "layer 'b' no inputs"),
        (torch.zeros(4, 3), "layer 'a' nothing but zeros"),
        (torch.full((4, 3), torch.nan), "layer 'a': the sample brings it inputs that are no finite"),
    ):
        with pytest.raises(InputError, match=what):
            chips.calibrate(sample)
    assert torch.equal(chips(torch.ones(2, 3)), before)
    assert len(chips.summary().layers) == 2


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
@pytest.mark.parametrize("make", [lambda: nn.Linear(8, 2), lambda: nn.Conv2d(1, 2, 3)])
def test_a_sample_with_what_is_no_number_is_named_with_its_layer(make, bad):
    network = make()
    x = torch.rand(2, 1, 8, 8) if isinstance(network, nn.Conv2d) else torch.rand(40, 8)
    x.view(-1)[17] = bad
    with pytest.raises(InputError, match=f"layer '{type(network).__name__}': .* no finite numbers"):
        convert(network, PERFECT, x)


def test_an_item_is_read_alike_whatever_else_is_in_the_batch():
    hardware = dataclasses.replace(PERFECT, imperfections=Imperfections(sense_offset=1e-8))
    chips = convert(nn.Linear(6, 3), hardware, torch.rand(9, 6))
    few = torch.rand(4, 6)
    with torch.no_grad():
        torch.testing.assert_close(chips(torch.cat([few, -few]))[:4], chips(few))


def test_a_summary_changes_no_noise():
    hardware = dataclasses.replace(PERFECT, imperfections=Imperfections(flicker=0.02))
    x = torch.rand(9, 6)
    one, other = (convert(nn.Linear(6, 3), hardware, x, seed=1) for _ in range(2))
    other.load_state_dict(one.state_dict())
    with torch.no_grad():
        one(x), other(x)
        one.summary()
        assert torch.equal(one(x), other(x))


class Stateful(nn.Module):
    """With a buffer that no file has, and a state of its own."""

    def __init__(self):
        super().__init__()
        self.a, self.count = nn.Linear(3, 2), 7
        self.register_buffer("pe", torch.ones(3), persistent=False)

    def get_extra_state(self):
        return {"count": self.count}

    def set_extra_state(self, state):
        self.count = state["count"]

    def forward(self, x):
        return self.a(x + self.pe)


def test_states_are_those_of_the_network_to_the_last_key():
    network, x = Stateful(), torch.rand(4, 3)
    chips = convert(network, PERFECT, x)
    chips.count = 9
    assert chips.state_dict().keys() == network.state_dict().keys()
    network.load_state_dict(chips.state_dict())
    assert network.count == 9


def test_submodules_may_be_called_what_they_like():
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(3, 3)])
            self.digital, self.network, self.summary = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 2)

        def forward(self, x):
            return self.summary(self.network(self.digital(self.layers[0](x))))

    network, x = Named(), torch.rand(4, 3)
    chips = convert(network, PERFECT, x)
    assert list(chips.layers) == ["layers.0", "digital", "network", "summary"]
    assert chips.get_submodule("layers.0") is chips.network.layers[0]
    assert chips.digital == {}
    torch.testing.assert_close(chips(x), network(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("network", [nn.Linear(5, 3), nn.Conv2d(5, 3, 3)])
@pytest.mark.parametrize("more", [{}, {"imperfections": IN_CODES}, {"read_model": ReadModel.cells}])
def test_empty_batches_give_empty_outputs(network, more):
    shape = (4, 5) if isinstance(network, nn.Linear) else (4, 5, 6, 6)
    chips = convert(network, dataclasses.replace(PERFECT, **more), torch.rand(shape))
    empty = torch.rand(0, *shape[1:])
    assert chips(empty).shape == network(empty).shape
    with pytest.raises(InputError, match="the sample is empty"):
        convert(network, PERFECT, empty)


def test_inference_mode_leaves_gradients_to_inputs():
    network, x = nn.Linear(4, 2).double(), torch.rand(3, 4, dtype=torch.float64)
    chips = convert(network, WIRED, x).requires_grad_(False)
    with torch.inference_mode():
        chips(x)
    leaf = x.clone().requires_grad_()
    chips(leaf).sum().backward()
    assert (leaf.grad != 0).all()


def test_weights_that_are_computed_stay_digital_or_say_what_to_do():
    network = nn.Sequential(nn.Linear(6, 4), nn.Linear(4, 2))
    prune.random_unstructured(network[0], "weight", 0.5)
    x = torch.rand(5, 6)
    network(x)
    with pytest.raises(InputError, match=r"cannot be copied, as .*prune\.remove"):
        convert(network, PERFECT, x)
    with torch.no_grad():
        network(x)
    assert "make them permanent" in convert(network, PERFECT, x).digital["0"]
    prune.remove(network[0], "weight")
    chips = convert(network, PERFECT, x)
    assert chips.digital == {}
    torch.testing.assert_close(chips(x), network(x), rtol=1e-4, atol=1e-5)
    bent = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(6, 4)), nn.Linear(4, 2))
    assert "parametrise the converted network" in convert(bent, PERFECT, x).digital["0"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"module": torch.jit.ScriptModule()}, "is scripted; give the torch.nn.Module"),
        ({"sample": np.ones((4, 3))}, "is a ndarray, not a tensor"),
        ({"sample": [torch.ones(3)]}, "is a list, not a tensor"),
        ({"seed": -1}, "seed = -1 must be a whole number"),
        ({"seed": 1.5}, "seed = 1.5 must be"),
        ({"items": 0}, "items = 0 must be at least 1"),
    ],
)
def test_what_is_no_argument_is_refused(given, said):
    arguments = {"module": nn.Linear(3, 2), "sample": torch.rand(4, 3)} | given
    with pytest.raises(InputError, match=said):
        convert(arguments.pop("module"), PERFECT, **arguments)


def test_a_root_goes_by_the_name_that_layers_have():
    x = torch.rand(4, 3)
    assert list(convert(nn.Linear(3, 2), {"Linear": PERFECT}, x, seed=np.int32(3)).layers) == ["Linear"]
    packed = nn.utils.rnn.pack_padded_sequence(torch.rand(4, 2, 5), [4, 3])
    with pytest.raises(InputError, match="packed sequences are not read on chips"):
        convert(nn.LSTM(5, 4), {"*": PERFECT}, packed)
    with pytest.raises(InputError, match=r"a text; give what .*imperfections\.load"):
        Hardware(imperfections="faults.toml")


def test_pairs_are_the_default():
    assert convert(nn.Linear(3, 2), None, torch.rand(4, 3)).layers["Linear"].mapping == PAIR
