"""Networks of one's own on chips: torch's results behind perfect wires, the solver's behind others."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from meta import Hardware, convert
from netlists.verification.engines import Phase
from netlists.verification.testbench import Testbench
from netlists.verification.verify import verify
from roa_circuit.basics.errors import InputError
from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.chips.consumption import published
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.components import Amplifier, Transistor
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.mapping import PAIR, REFERENCE, Mapping
from roa_circuit.circuit.scaling import voltage_from_input
from roa_circuit.circuit.waveforms import READ_SLOT
from roa_circuit.device.parameters import load_device
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.recovery import Compensation
from roa_circuit.layers.tiling import TileSize
from roa_circuit.solver.read import read_currents
from roa_circuit.solver.read_model import ReadModel

PERFECT = Hardware(crossbar=Crossbar(rows=1, columns=2))
WIRED = Hardware(crossbar=Crossbar(rows=1, columns=2, r_word=40.0, r_bit=30.0, r_source=100.0))
ONE_ROW = Crossbar(rows=1, columns=2, r_word=(3.0,))
MAPPINGS = [PAIR, REFERENCE, Mapping(every=2)]


@pytest.fixture(autouse=True)
def drawn_alike():
    torch.manual_seed(0)


def flat(outputs):
    if isinstance(outputs, tuple):
        return torch.cat([flat(one) for one in outputs])
    return outputs.flatten()


def images(*shape):
    return torch.randn(2, *shape)


SEQUENCE = torch.randn(3, 6, 8, generator=torch.Generator().manual_seed(0))
MODULES = [
    (lambda: nn.Linear(9, 4), lambda: (torch.randn(5, 3, 9),)),
    (lambda: nn.Conv2d(4, 6, 3, stride=2, padding=1), lambda: (images(4, 8, 9),)),
    (lambda: nn.Conv2d(4, 6, 3, padding="same", dilation=2, bias=False), lambda: (images(4, 8, 9),)),
    (
        lambda: nn.Conv2d(4, 6, (3, 1), padding=(2, 0), padding_mode="reflect"),
        lambda: (images(4, 8, 9),),
    ),
    (lambda: nn.Conv2d(4, 4, 3, groups=4, padding=1), lambda: (torch.randn(4, 8, 9),)),
    (lambda: nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2), lambda: (images(4, 9),)),
    (lambda: nn.ConvTranspose2d(4, 6, 3, 2, 1, 1), lambda: (images(4, 5, 6),)),
    (lambda: nn.ConvTranspose2d(4, 6, 3, dilation=2, groups=2), lambda: (images(4, 5, 6),)),
    (lambda: nn.ConvTranspose2d(4, 6, 3, 1, 1, 1, dilation=2), lambda: (images(4, 5, 6),)),
    (lambda: nn.ConvTranspose2d(4, 6, 3, 2, 1, (2, 1), dilation=3), lambda: (images(4, 5, 6),)),
    (lambda: nn.LSTM(5, 4, 2, batch_first=True, bidirectional=True), lambda: (torch.randn(3, 6, 5),)),
    (lambda: nn.LSTM(5, 6, 2, bidirectional=True, proj_size=3), lambda: (torch.randn(4, 2, 5),)),
    (lambda: nn.GRU(5, 4, 2, bias=False), lambda: (torch.randn(6, 5),)),
    (lambda: nn.MultiheadAttention(8, 2, batch_first=True), lambda: (SEQUENCE,) * 3),
    (
        lambda: nn.MultiheadAttention(8, 2, kdim=5, vdim=7, add_bias_kv=True),
        lambda: (torch.randn(4, 3, 8), torch.randn(6, 3, 5), torch.randn(6, 3, 7)),
    ),
    (
        lambda: nn.TransformerEncoder(
            nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2, enable_nested_tensor=False
        ),
        lambda: (SEQUENCE,),
    ),
]  # fmt: skip


def ids(value):
    return type(value()).__name__ if isinstance(value(), nn.Module) else ""


@pytest.mark.long
@pytest.mark.parametrize(("make", "inputs"), MODULES, ids=ids)
def test_a_module_behind_perfect_wires_is_torchs(make, inputs):
    network, x = make().eval(), inputs()
    chips = convert(network, PERFECT, x)
    assert list(chips.state_dict()) == list(network.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(flat(chips(*x)), flat(network(*x)), rtol=1e-5, atol=2e-6)


@pytest.mark.long
@pytest.mark.parametrize(("make", "inputs"), MODULES, ids=ids)
def test_reads_of_tiles_one_by_one_give_what_effective_weights_give(make, inputs):
    """Converters of 24 bits change next to nothing, but take the long way."""
    network, x = make().eval(), inputs()
    fine = Imperfections(adc_bits=24, adc_range=1e-5)
    hardware = Hardware(crossbar=WIRED.crossbar, imperfections=fine, tile=TileSize(rows=5, columns=3))
    by_weights = Hardware(crossbar=WIRED.crossbar, tile=TileSize(rows=5, columns=3))
    long, short = (convert(network, one, x) for one in (hardware, by_weights))
    with torch.no_grad():
        wired, perfect = flat(short(*x)), flat(network(*x))
        torch.testing.assert_close(flat(long(*x)), wired, rtol=1e-3, atol=1e-4)
    assert float((wired - perfect).abs().max()) > 1e-3  # wires are felt


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
@pytest.mark.parametrize("model", ReadModel)
def test_a_linear_layer_reads_as_the_solver_reads_its_programmed_layer(mapping, model):
    hardware = Hardware(crossbar=WIRED.crossbar, mapping=mapping, read_model=model)
    chips = convert(nn.Linear(6, 4, bias=False).double(), hardware, torch.randn(7, 6).double())
    layer = chips.layers["Linear"]
    scale, half = np.array(layer.provenance["column_scale"]), len(layer.inputs) // 2
    x = torch.from_numpy((layer.inputs[:half] - layer.inputs[half:]) * layer.input_scale)
    volts = voltage_from_input(layer.inputs, layer.device)
    exact = model is ReadModel.cells
    y = layer.outputs(
        read_currents(layer.crossbar, layer.initial_state, volts, layer.device, exact=exact)
    )
    with torch.no_grad():
        assert chips(x).numpy() == pytest.approx((y[:half] - y[half:]) * scale, rel=1e-8, abs=1e-10)


@pytest.mark.ngspice
def test_a_layer_of_a_network_is_saved_and_verified(tmp_path):
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3))
    chips = convert(network, Hardware(), torch.rand(3, 1, 4, 4))
    path = tmp_path / "conv.npz"
    chips.layers["0"].save(path)
    result = verify(ProgrammedLayer.load(path), bench=Testbench(phase=Phase.read))
    assert result.passed
    assert result.max_relative_current_error < 1e-5


@pytest.mark.long
def test_gradients_through_wires_are_finite_differences():
    """Of weights and inputs, to first and second order, in float64."""
    network = nn.Sequential(nn.Conv1d(1, 2, 2), nn.Tanh(), nn.Flatten(), nn.Linear(4, 1)).double()
    x = torch.randn(1, 1, 3, dtype=torch.float64)
    some = Hardware(crossbar=WIRED.crossbar, tile=TileSize(rows=3, columns=2))
    chips = convert(network, some, 2 * x)
    names = ["0.weight", "3.weight"]
    given = [dict(chips.named_parameters())[name].detach().clone().requires_grad_() for name in names]

    def run(x, *weights):
        return torch.func.functional_call(chips, dict(zip(names, weights, strict=True)), (x,))

    inputs = (x.requires_grad_(), *given)
    assert torch.autograd.gradcheck(run, inputs, eps=1e-5, atol=1e-7, rtol=1e-5)
    assert torch.autograd.gradgradcheck(run, inputs, eps=1e-5, atol=1e-6, rtol=1e-5)


@pytest.mark.long
def test_a_network_learns_through_wires_what_it_cannot_without():
    network, x = nn.Linear(8, 3, bias=False), torch.rand(32, 8)
    wanted = network(x).detach()
    chips = convert(network, WIRED, x)
    optimizer = torch.optim.Adam(chips.parameters(), lr=1e-2)
    errors = []
    for _ in range(60):
        loss = (chips(x) - wanted).pow(2).mean()
        errors.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert errors[-1] < 0.05 * errors[0]


def test_weights_that_change_are_written_anew_even_behind_torchs_back():
    chips = convert(nn.Linear(4, 3), WIRED, torch.randn(5, 4))
    x = torch.randn(2, 4)
    with torch.no_grad():
        before = chips(x)
        chips.weight.data *= 2.0
        torch.testing.assert_close(chips(x) - chips.bias, 2 * (before - chips.bias))


def test_seeds_draw_chips_and_names_tell_layers_apart():
    spread = Imperfections(stuck_on=0.2, sense_gain=0.1)
    hardware = Hardware(imperfections=spread)
    network, x = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6)), torch.randn(4, 6)
    one, same, other = (convert(network, hardware, x, seed=seed)(x) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    layers = convert(network, hardware, x)
    fixed = [layers.network[k].matrices[""].tiles[0].chip.fixed for k in (0, 1)]
    assert not np.array_equal(*fixed, equal_nan=True)


@pytest.mark.parametrize(
    "what",
    [
        {"imperfections": Imperfections(stuck_off=0.1, driver_offset=1e-3, bandwidth=1e6)},
        {"imperfections": Imperfections(dac_bits=6, adc_bits=8, adc_range=2e-6)},
        {"imperfections": Imperfections(subtractor_mismatch=0.1, subtractor_offset=1e-8)},
        {"imperfections": Imperfections(age=1e5, drift_exponent=0.05)},
        {"imperfections": Imperfections(read_disturb=1e4, open=0.1, broken_word=0.2)},
        {"circuitry": Circuitry(amplifier=Amplifier(r_feedback=1e4, gain=1e3, offset=1e-4))},
        {"circuitry": Circuitry(transistor=Transistor()), "read_model": ReadModel.cells},
        {"read_model": ReadModel.cells, "device": load_device("yakopcic").scaled(0.1)},
    ],
)
def test_gradients_reach_weights_and_inputs_through_imperfect_readouts(what):
    chips = convert(nn.Linear(6, 4), Hardware(**what), torch.rand(7, 6))
    x = torch.rand(3, 6, requires_grad=True)
    y = chips(x)
    assert not torch.equal(y, nn.functional.linear(x, chips.weight, chips.bias))
    y.sum().backward()
    for gradient in (x.grad, chips.weight.grad):
        assert torch.isfinite(gradient).all()
        assert (gradient != 0).any()


def test_inputs_beyond_the_sample_are_clipped_counted_and_said():
    chips = convert(nn.Linear(2, 2), PERFECT, torch.tensor([[1.0, -0.5]]))
    assert chips.summary().notes == []
    with torch.no_grad():
        beyond, at_the_end = chips(torch.tensor([[3.0, 0.5]])), chips(torch.tensor([[1.0, 0.5]]))
    assert torch.equal(beyond, at_the_end)
    assert "25 % of inputs lay beyond +-1" in chips.summary().notes[0]


def test_a_summary_counts_cells_tiles_codes_and_joules():
    hardware = Hardware(
        tile=TileSize(rows=4, columns=2), imperfections=Imperfections(adc_bits=6, adc_range=1e-6)
    )
    found = convert(nn.Linear(8, 4), hardware, torch.rand(5, 8)).summary(energy=True)
    [layer] = found.layers
    assert (layer.tiles, layer.cells, layer.utilisation, layer.reads) == (4, 64, 1.0, 1.0)
    assert 0 < layer.mac_error < 0.5
    assert 1e-15 < layer.joules < 1e-9
    assert layer.converters[0].codes == 63
    assert "4 tiles" in str(found)


def test_an_inference_takes_its_reads_one_after_another():
    """Two groups at once, negative inputs once more; eight channels share a converter."""
    network = nn.Sequential(
        nn.Conv2d(2, 6, 3, groups=2), nn.Tanh(), nn.Flatten(), nn.Linear(24, 10), nn.Sigmoid(),
        nn.Linear(10, 2),
    )  # fmt: skip
    chips = convert(network, WIRED, torch.rand(5, 2, 4, 4))
    slow = replace(published(), adc_rate=2e6)
    found = chips.summary(consumption=slow)
    by_hand = {
        "0[0]": 4 * 3 / 2e6,  # windows, 3 channels a read
        "0[1]": 4 * 3 / 2e6,
        "3": 2 * 8 / 2e6,  # 10 channels: 8 of them wait for one converter
        "5": READ_SLOT,  # 2 channels are converted while the read lasts
    }
    assert {one.name: one.seconds for one in found.layers} == pytest.approx(by_hand)
    assert found.seconds == pytest.approx(sum(by_hand.values()) - by_hand["0[1]"])
    assert found.to_dict()["seconds"] == found.seconds
    assert "15.1 µs of reads an item" in str(found)
    at_rest = chips.summary().seconds  # the published rate: 8 channels in 0.8 us
    assert at_rest == pytest.approx((4 + 2 + 1) * READ_SLOT)
    chips.calibrate(torch.rand(2, 2, 4, 4))
    assert chips.summary().seconds == pytest.approx(at_rest)  # an item, whatever the sample


@pytest.mark.parametrize("size", [{}, {"proj_size": 3}])
def test_kept_reads_of_a_state_are_from_all_steps_of_a_sequence(size):
    """Not of the first alone, whose state is zero: errors and converters are judged by them."""
    chips = convert(nn.LSTM(5, 8, **size), WIRED, torch.rand(70, 4, 5))
    [state] = [layer for name, layer in chips.layers.items() if name.endswith("weight_hh_l0")]
    half = len(state.inputs) // 2
    assert half == 64
    assert np.count_nonzero(np.abs(state.inputs[:half] - state.inputs[half:]).sum(axis=1)) > 60
    [row] = [one for one in chips.summary().layers if one.name.endswith("weight_hh_l0")]
    assert row.mac_error > 1e-3


def test_patterns_choose_layers_and_hardware():
    network = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 3), nn.Linear(3, 2))
    chips = convert(network, {"0": None, "2": WIRED}, torch.randn(2, 4))
    assert list(chips.layers) == ["2"]
    assert chips.layers["2"].crossbar.r_word == 40.0
    assert chips.digital == {
        "0": "left digital",
        "1": "LayerNorm has no form on crossbars here",
        "3": "no pattern fits its name",
    }


class Partly(nn.Module):
    """One layer that it uses, one that it does not, and one that meets zeros alone."""

    def __init__(self):
        super().__init__()
        self.used, self.idle, self.dark = nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2)
        self.layers = 3  # a name of ours, too

    def forward(self, x):
        return self.used(x) + self.dark(torch.zeros_like(x))


def test_layers_without_a_range_stay_digital_and_say_why():
    chips = convert(Partly(), WIRED, torch.randn(3, 2))
    assert chips.digital == {
        "idle": "the sample does not reach it", "dark": "the sample gives it zeros alone"
    }  # fmt: skip
    assert type(chips.idle) is nn.Linear
    assert list(chips.layers) == ["used"]
    assert chips.network.layers == 3


def test_copies_hooks_modes_and_states_are_those_of_a_module():
    network = nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5), nn.Linear(3, 2))
    x, seen = torch.randn(6, 4), []
    chips = convert(network, WIRED, x).eval()
    assert not chips.network.training
    assert chips.train().network[1].training
    chips.eval().network[0].register_forward_hook(lambda module, inputs, y: seen.append(y.shape))
    twin = copy.deepcopy(chips)
    with torch.no_grad():
        twin.network[0].weight.zero_()
        assert (twin.layers["0"].initial_state == 0.5).all()
        assert (chips.layers["0"].initial_state != 0.5).any()
        twin.load_state_dict(network.state_dict())
        torch.testing.assert_close(twin(x), chips(x))
        double = copy.deepcopy(chips).to(torch.float64)
        torch.testing.assert_close(double(x.double()).float(), chips(x), rtol=1e-4, atol=1e-5)
    assert seen == [(6, 3)] * 4  # of a copy, of the network, and of each once more
    assert len(list(chips.parameters())) == 4


@pytest.mark.parametrize(
    ("hardware", "sample", "said"),
    [
        (Hardware(in_situ=True), torch.ones(1, 2), "in_situ: the cells of a converted network"),
        (Hardware(compensation=Compensation(placed=True)), torch.ones(1, 2), "train it"),
        (Hardware(imperfections=Imperfections(sigma_wn=2)), torch.ones(1, 2), "sigma_wn = 2"),
        ({"Lin": Hardware()}, torch.ones(1, 2), r"hardware\['Lin'\] fits no layer"),
        ({"*": 3}, torch.ones(1, 2), "must be a Hardware or None"),
        (3, torch.ones(1, 2), "must be a Hardware, or a dictionary"),
        ({"*": None}, torch.ones(1, 2), "nothing of Linear comes onto chips"),
        (Hardware(), None, "sample is missing"),
        (Hardware(), torch.zeros(1, 2), "anything but zeros"),
        (Hardware(crossbar=ONE_ROW), torch.ones(1, 2), "layer 'Linear' of 2 x 4 cells: r_word"),
    ],
)  # fmt: skip
def test_what_would_change_nothing_or_cannot_be_is_refused(hardware, sample, said):
    with pytest.raises(InputError, match=said):
        convert(nn.Linear(2, 2), hardware, sample)


def test_weights_that_are_no_numbers_are_refused():
    chips = convert(nn.Linear(2, 2), WIRED, torch.ones(1, 2))
    with torch.no_grad():
        chips.weight[0, 0] = float("nan")
    with pytest.raises(InputError, match="'Linear' has weights that are no finite numbers"):
        chips(torch.ones(1, 2))


@pytest.mark.parametrize("given", [{"mapping": "pair"}, {"tile": "64x64"}, {"compensation": "placed"}])
def test_hardware_takes_no_text_for_what_it_is_made_of(given):
    with pytest.raises(InputError, match="parse"):
        Hardware(**given)


@pytest.mark.parametrize("found_for", ["layer", "column"])
def test_converters_find_their_ranges_from_the_sample_and_again_when_calibrated(found_for):
    """The largest difference of currents that the sample gives is the largest code."""
    x = Imperfections(adc_bits=8, adc_range=found_for, adc_percentile=100.0)
    hardware = replace(WIRED, imperfections=x, tile=TileSize(rows=8, columns=8))
    network, sample = nn.Linear(12, 5, bias=False), torch.rand(40, 12)
    chips = convert(network, hardware, sample)
    without = convert(network, replace(hardware, imperfections=Imperfections()), sample)(sample)
    assert (chips(sample) - without).norm() < 0.01 * without.norm()
    [(_, _, matrix)] = chips._matrices()
    assert "0" not in chips.layers
    layer, largest = chips.layers["Linear"], []
    volts = np.asarray(voltage_from_input(layer.inputs, layer.device))
    for tile in matrix.tiles:
        states = layer.initial_state[tile.tile.rows]
        crossbar = replace(layer.crossbar, rows=len(states))
        currents = read_currents(crossbar, states, volts[:, tile.tile.rows], layer.device, exact=False)
        largest.append(np.abs(layer.mapping.joined(currents)).max(axis=0))
    for tile, own in zip(matrix.tiles, largest, strict=True):
        full = tile.chip.adc.full
        np.testing.assert_allclose(full, np.max(largest) if found_for == "layer" else own, rtol=1e-6)
    before = [tile.chip.adc.full for tile in matrix.tiles]
    with torch.no_grad():
        chips.weight[0] = 0.1  # of one sign, and alike: more current than before
    chips.calibrate(sample)
    assert max(np.max(tile.chip.adc.full) for tile in matrix.tiles) > 1.05 * np.max(before)


@pytest.mark.parametrize("mapping", [PAIR, Mapping(every=2)], ids=str)
def test_subtractors_are_in_values_and_gradients_with_and_without_converters(mapping):
    """A product with one matrix, and reads one by one, of fine converters, are the same layer."""
    exact, uneven = Imperfections(), Imperfections(subtractor_mismatch=0.1)
    fine = {"adc_bits": 30, "adc_range": 1e-4}
    found = []
    for x in (exact, uneven, replace(uneven, **fine), replace(uneven, subtractor_offset=1e-7, **fine)):
        torch.manual_seed(0)
        chips = convert(
            nn.Linear(6, 4), replace(WIRED, mapping=mapping, imperfections=x), torch.rand(7, 6)
        )
        seen = torch.rand(5, 6, requires_grad=True)
        y = chips(seen)
        y.square().sum().backward()
        found.append((y.detach(), seen.grad, chips.weight.grad))
    plain, matrix, converted, shifted = found
    assert (matrix[0] - plain[0]).abs().max() > 0.01 * plain[0].abs().max()
    for one, other in zip(matrix, converted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    apart = shifted[0] - converted[0]
    assert apart.abs().max() > 1e-3
    torch.testing.assert_close(apart, apart[:1].expand_as(apart), rtol=1e-3, atol=1e-5)
