"""The full cycle of an adaptation, item by item, against counts by hand and the layers' own reads."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from meta.circuits.adaptation import adapt_episode
from meta.data.tasks import Tasks
from meta.evaluation.cycle import ADAPTATION, NEXT, QUERY, full_cycle, gradient_macs
from meta.evaluation.image_reads import Stand, image_reads
from meta.learning.writing import Writing
from meta.network.architecture import Architecture
from meta.network.convolutional import Network
from meta.network.methods import METHODS
from roa_circuit.chips.consumption import published
from roa_circuit.circuit.design_point import default_device
from roa_circuit.circuit.mapping import Mapping
from roa_circuit.circuit.waveforms import READ_SLOT
from roa_circuit.layers.tiling import TileSize, split
from roa_circuit.solver.read import read_currents

FIGURES = published()


def drawn(bars, **how):
    return Tasks(dataset=bars, queries=2, **how)


def made(**how):
    torch.manual_seed(0)
    return Network(Architecture(filters=6, **how), torch.Generator().manual_seed(1)).eval()


def cycle_of(network, bars, method, figures=FIGURES):
    writing = Writing(method=METHODS[method], relative_rate=1.0)
    network = network.with_ways(5)
    task = drawn(bars).draw(np.random.default_rng(0), 5)
    return full_cycle(network, task, writing, figures), task, writing


def item(cycle, part, name):
    (found,) = [one for one in cycle.items if (one.part, one.name) == (part, name)]
    return found


def test_reads_of_an_image_are_those_of_the_programmed_layers_arrays(bars):
    """Energy of the cells from currents of the solver behind perfect wires, drive by drive."""
    network, tile = made().with_ways(5), TileSize(rows=20, columns=4)
    episode = adapt_episode(network, drawn(bars), Writing(method=METHODS["roa"], relative_rate=1.0))
    images = episode.task.query[:2]
    start = network.initial_weights()
    found = image_reads(network, images, start, Stand(device=default_device()), FIGURES, tile)
    windows = F.unfold(images, 3, padding=1).transpose(1, 2).flatten(0, 1).double().numpy()
    conv1 = dataclasses.replace(episode.layers["conv1"], inputs=windows, labels=np.empty(0, int))
    energy = 0.0
    for part in split(conv1, tile):
        layer = part.layer
        read, volts = layer.device.pulses.read_voltage, layer.device.pulses.full_scale * layer.inputs
        ideal, alone_on = layer.crossbar.ideal(), np.eye(layer.crossbar.rows)
        currents = read_currents(ideal, layer.initial_state, read * alone_on, layer.device, exact=False)
        energy += READ_SLOT * float((volts**2 @ (currents.sum(axis=1) / read)).sum())
    alone = image_reads(
        _only_first(network), images, start, Stand(device=default_device()), FIGURES, tile
    )
    assert alone.channels == 784 * (6 + 2)  # six filters on two tiles of up to four, a reference each
    assert alone.inputs == 784 * 9 * 2
    assert alone.cells * len(images) == pytest.approx(energy, rel=1e-6)
    assert found.cells > alone.cells
    assert found.seconds == pytest.approx(READ_SLOT * (784 + 196 + 49 + 9 + 1))


class _only_first:
    """The network with its first convolution alone."""

    def __init__(self, network):
        self.architecture = network.architecture
        self.convolved = self.stop

    def stop(self, *_):
        raise StopIteration


@pytest.fixture(autouse=True)
def first_layer_alone(monkeypatch):
    from meta.evaluation import image_reads as reads

    whole = reads._layer_inputs

    def inputs(network, images, weights):
        if isinstance(network, _only_first):
            yield "conv1", F.unfold(images, 3, padding=1).transpose(1, 2).flatten(0, 1)
        else:
            yield from whole(network, images, weights)

    monkeypatch.setattr(reads, "_layer_inputs", inputs)


def test_a_write_takes_what_its_pulses_take_and_is_undone(bars):
    cycle, task, writing = cycle_of(made(), bars, "roa")
    network = made().with_ways(5)
    episode = adapt_episode(network, drawn(bars), writing)
    assert episode.task.query.shape == task.query.shape
    written = item(cycle, ADAPTATION, "write, pulses in cells")
    undone = item(cycle, NEXT, "undo, pulses in cells")
    assert written.energy > 0
    assert 0.1 < undone.energy / written.energy < 10
    assert 0 < cycle.left < 0.2
    assert item(cycle, NEXT, "verify, reads of written cells").seconds > 0
    total = sum(one.energy for one in cycle.items if one.part != QUERY)
    assert cycle.total(ADAPTATION, NEXT)[0] == pytest.approx(total)


def test_five_steps_take_five_writes_and_reads_of_the_support_set(bars):
    one, task, _ = cycle_of(made(), bars, "roa")
    five, *_ = cycle_of(made(steps=5), bars, "five-step")
    for name in ("support, array reads", "support, DACs"):
        assert item(five, ADAPTATION, name).energy == pytest.approx(
            5 * item(one, ADAPTATION, name).energy
        )
    assert item(five, ADAPTATION, "gradient, digital").energy == pytest.approx(
        5 * item(one, ADAPTATION, "gradient, digital").energy
    )
    assert len(task.support) == 5


def test_an_erased_head_is_erased_and_its_gradient_is_an_outer_product(bars):
    network = made(erased=0.02)
    cycle, *_ = cycle_of(network, bars, "roa-robust")
    write, erase = (item(cycle, *of) for of in ((ADAPTATION, "write, pulses in cells"),
                                                (NEXT, "erase, pulses in cells")))  # fmt: skip
    assert erase.energy > 20 * write.energy > 0
    assert cycle.left is None
    head = int(np.prod(network.with_ways(5).architecture.weight_shapes["fc"]))
    macs = item(cycle, ADAPTATION, "gradient, digital").energy / FIGURES.digital_mac
    assert macs == pytest.approx(5 * head)


def test_pairs_have_two_cells_a_weight_and_one_conversion_an_output(bars):
    """The head of two erased cells a weight: both are read, raised, erased and read back."""
    network = made(erased=0.02).with_ways(5)
    task = drawn(bars).draw(np.random.default_rng(0), 5)
    found = {}
    for mapping in ("reference", "pair"):
        writing = Writing(
            method=METHODS["roa-robust"], relative_rate=1.0, mapping=Mapping.parse(mapping)
        )
        found[mapping] = full_cycle(network, task, writing, FIGURES)
    one, two = found["reference"], found["pair"]
    for name in ("write, pulses in cells", "write, lost in drivers"):
        assert item(two, ADAPTATION, name).energy >= item(one, ADAPTATION, name).energy
    erased = [item(cycle, NEXT, "erase, pulses in cells").energy for cycle in (one, two)]
    assert erased[1] > erased[0]
    outputs = 28**2 * 6 + 14**2 * 6 + 7**2 * 6 + 3**2 * 6 + 5  # 28, 14, 7, 3 pixels; one tile each
    assert item(two, QUERY, "ADCs").energy == pytest.approx(outputs * FIGURES.adc)


@pytest.mark.parametrize(
    ("views", "count"), [("shifts", 5), ("mirror", 2), ("turned", 4), ("turned-mirror", 8)]
)
def test_every_view_is_read(bars, views, count):
    network = made(erased=0.02)
    one, *_ = cycle_of(network, bars, "roa-robust")
    many, *_ = cycle_of(network.with_head(views=views), bars, "roa-robust")
    blocks = 28**2 * 9 + (14**2 + 7**2 + 3**2) * 54
    head = network.architecture.features + 1
    dac = [item(cycle, QUERY, "DACs").energy / FIGURES.dac for cycle in (one, many)]
    assert dac[0] == pytest.approx(blocks + head)
    wide = 4 * (head - 1) + 1 if views.startswith("turned") else head
    assert dac[1] == pytest.approx(count * blocks + wide)


def test_macs_of_backpropagation_are_counted_by_torch():
    """Twice the forward pass, less the inputs of the first layer; torch counts flops, two a MAC."""
    from torch.utils.flop_counter import FlopCounterMode

    network = made().with_ways(5)
    weights = {name: w.detach().requires_grad_() for name, w in network.initial_weights().items()}
    images, labels = torch.rand(3, 1, 28, 28), torch.tensor([0, 1, 2])
    x = images
    counter = FlopCounterMode(display=False)
    with counter:
        for name in network.architecture.convolutions:
            x = network.normed(name, F.conv2d(x, weights[name], padding=1), 0)
        logits = F.linear(x.flatten(1), weights["fc"], weights["fc.bias"])
        forward = counter.get_total_flops()
        torch.autograd.grad(F.cross_entropy(logits, labels), list(weights.values()))
    assert gradient_macs(network, 3) == pytest.approx((counter.get_total_flops() - forward) / 2)


def test_figures_scale_their_items_alone(bars):
    base, *_ = cycle_of(made(), bars, "roa")
    other, *_ = cycle_of(
        made(), bars, "roa", dataclasses.replace(FIGURES, adc_bits=6, driver_efficiency=0.5)
    )
    for one, two in zip(base.items, other.items, strict=True):
        if "ADC" in one.name:
            assert two.energy == pytest.approx(one.energy / 4)
        elif "lost in drivers" in one.name:
            assert one.energy == 0
            assert two.energy > 0
        elif "verify, converters" not in one.name:
            assert two == one


def test_nothing_written_leads_nowhere_back(bars):
    cycle, *_ = cycle_of(made(steps=5), bars, "maml++")
    assert all(one.energy == 0 for one in cycle.items if "write" in one.name)
    assert cycle.total(NEXT) == (0, 0)
