"""Circuit-aware learning: responses against the solver's own derivatives, and training through wires."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from meta.circuits.aware.circuit import Circuit
from meta.circuits.aware.layer import joined
from meta.circuits.aware.reads import matrix_of, tensors_of
from meta.circuits.aware.response import response_of
from meta.circuits.behind_circuit import Hardware
from meta.circuits.conversion.tiles import empty_layer, tiles_on_chips
from meta.data.tasks import sample_task, stack
from meta.learning.hardware import WriteModel
from meta.learning.learners import adapt, inner_steps, outer_loss, query_loss
from meta.learning.reads import Passage, plain
from meta.learning.writing import Writing
from meta.network.architecture import HEAD, Architecture
from meta.network.convolutional import Network
from meta.training.configuration import Training
from meta.training.objective import Phase
from meta.training.outer_step import OuterStep
from meta.training.train import Platform, train
from roa_circuit.basics.errors import InputError
from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.components import Transistor
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.circuit.mapping import PAIR, REFERENCE, Mapping
from roa_circuit.device.programming import Programming

WRITE = WriteModel(device=default_device(), how=Programming())
HOW = {"relative_rate": 3.0, "passage": Passage(dtype=torch.float64)}


def lines(ohms, **more):
    crossbar = replace(default_crossbar(1, 2), r_word=ohms, r_bit=ohms)
    return Hardware(crossbar=crossbar, **{"mapping": REFERENCE, **more})


def network(filters=3):
    found = Network(Architecture(ways=3, filters=filters), torch.Generator().manual_seed(0))
    found.clip_weights(0.5)
    return found


def task(data, seed=0, queries=3):
    return sample_task(
        data.split("train"), np.random.default_rng(seed), ways=3, shots=1, queries=queries
    )


class Exactly:
    """The obvious twin: every effective weight by the solver, every derivative by its adjoint."""

    def __init__(self, hardware):
        self.hardware = hardware

    def __call__(self, network, images, weights, step):
        seen = {}
        for name in network.architecture.layers:
            g = matrix_of(name, weights).double()
            W = torch.empty_like(g)
            for tile in tiles_on_chips(empty_layer(name, *g.shape, self.hardware), self.hardware, 0):
                part = g[tile.tile.rows, tile.tile.columns]
                W[tile.tile.rows, tile.tile.columns] = tile.signals(tile.matrix(tile.states(part)))
            seen |= tensors_of(name, W.to(weights[name].dtype), weights)
        return network(images, seen, step)


FAULTS = Imperfections(stuck_on=0.05, stuck_off=0.05, driver_gain=0.05, sense_gain=0.05, broken_bit=0.05)
CASES = [
    (lines(20.0), 2e-4),
    (lines(20.0, mapping=PAIR), 2e-4),
    (lines(20.0, mapping=Mapping(every=4)), 2e-4),
    (lines(20.0, imperfections=FAULTS), 5e-4),
    (lines(20.0, mapping=PAIR, imperfections=Imperfections(subtractor_mismatch=0.1)), 2e-4),
    (lines(20.0, circuitry=Circuitry(transistor=Transistor())), 2e-4),
    (Hardware(crossbar=Crossbar(rows=1, columns=2), mapping=REFERENCE), 1e-6),
]


@pytest.mark.parametrize(("hardware", "limit"), CASES)
def test_a_response_is_the_derivative_of_effective_weights(hardware, limit):
    [tile] = tiles_on_chips(empty_layer("x", 24, 9, hardware), hardware, 3)
    rng = np.random.default_rng(0)
    g, gradient = rng.uniform(-0.8, 0.8, (24, 9)), 0.3 + rng.standard_normal((24, 9))
    found = response_of(tile, g, gains=True)
    exact = torch.tensor(g, requires_grad=True)
    W = tile.signals(tile.matrix(tile.states(exact)))
    np.testing.assert_allclose(found.weights, W.detach().numpy(), rtol=1e-9, atol=1e-12)
    (wanted,) = torch.autograd.grad(W, exact, torch.from_numpy(gradient))
    own = np.einsum("rjk,rj->rk", found.in_rows, gradient)
    own += np.einsum("kir,ik->rk", found.in_columns, gradient)
    own += np.einsum("pqrk,pq->rk", found.modes, found.words.T @ gradient @ found.bits)
    assert np.linalg.norm(own - wanted.numpy()) < limit * np.linalg.norm(wanted.numpy())


@pytest.mark.parametrize("mapping", [REFERENCE, PAIR])
def test_a_response_follows_weights_that_have_moved(mapping):
    hardware = lines(50.0, mapping=mapping)
    [tile] = tiles_on_chips(empty_layer("x", 24, 9, hardware), hardware, 0)
    rng = np.random.default_rng(0)
    g, moved = rng.uniform(-0.5, 0.5, (24, 9)), 0.1 * rng.standard_normal((24, 9))
    place, found = (slice(0, 24), slice(0, 9)), response_of(tile, g, gains=True)
    layer = joined([place], [found], torch.from_numpy(g))
    there = tile.signals(tile.matrix(tile.states(torch.from_numpy(g + moved)))).numpy()
    own = layer.moved(torch.from_numpy(g + moved).float()).numpy()
    change = np.abs(there - layer.weights.numpy()).max()
    assert np.abs(own - there).max() < 0.01 * change


@pytest.mark.parametrize("mapping", [REFERENCE, PAIR])
def test_the_outer_gradient_is_that_of_the_solver_to_second_order(bars, mapping):
    """The twin differentiates the wires twice as well: at 20 Ohm that is a hundredth of a per cent."""
    hardware = lines(20.0, mapping=mapping)
    found = []
    for exact in (False, True):
        own = network().double()
        one = task(bars)
        reads = Exactly(hardware) if exact else Circuit(hardware=hardware).reads(own, one.support, 0)
        loss, _ = outer_loss(
            own,
            one,
            WRITE,
            **HOW | {"passage": Passage(reads=reads, dtype=torch.float64)},
        )
        loss.backward()
        found.append((loss.item(), torch.cat([p.grad.flatten() for p in own.parameters()])))
    (loss, gradient), (wanted, exactly) = found
    assert loss == pytest.approx(wanted, rel=1e-4)
    assert torch.linalg.norm(gradient - exactly) < 2e-3 * torch.linalg.norm(exactly)
    perfect = outer_loss(network().double(), task(bars), WRITE, **HOW)[0]
    assert abs(perfect.item() - wanted) > 20 * abs(loss - wanted)  # so much the wires change


def test_a_linear_circuit_read_tile_by_tile_is_the_same(bars):
    """Converters of many bits and no range to speak of: the other way to read comes to the same."""
    own, one = network().double(), task(bars)
    fine = Imperfections(adc_bits=30, adc_range=1e-4)
    bare = Circuit(hardware=lines(20.0)).reads(own, one.support, 0)
    tiled = Circuit(hardware=lines(20.0, imperfections=fine)).reads(own, one.support, 0)
    assert tiled.tiled
    assert not bare.tiled
    weights = own.initial_weights()
    found = [reads(own, one.support, weights, 0) for reads in (bare, tiled)]
    torch.testing.assert_close(found[1], found[0], rtol=1e-5, atol=1e-5)
    for step, reads in enumerate((bare, tiled)):
        moved = inner_steps(own, weights, one, 0, passage=Passage(reads=reads, dtype=torch.float64))
        found[step] = torch.cat([part.flatten() for part in moved.values()])
    torch.testing.assert_close(found[1], found[0], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("mapping", [REFERENCE, PAIR])
def test_few_bits_change_outputs_and_pass_gradients_straight_through(bars, mapping):
    own, one = network().double(), task(bars)
    coarse = Imperfections(adc_bits=10, adc_range=2e-5)
    reads = Circuit(hardware=lines(20.0, mapping=mapping, imperfections=coarse)).reads(
        own, one.support, 0
    )
    W, tiled = reads.layers["conv2"].weights.requires_grad_(), reads.tiled["conv2"]
    x, weighed = torch.rand(12, len(W), dtype=torch.float64), torch.randn(12, W.shape[1]).double()
    y, exact = tiled(x, W), x @ W
    assert 1e-3 < (y - exact).abs().max() < 0.5
    found = [torch.autograd.grad((out * weighed).sum(), W)[0] for out in (y, exact)]
    torch.testing.assert_close(found[0], found[1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("mapping", [REFERENCE, PAIR])
def test_a_placed_network_is_read_as_it_was_up_to_a_gain(mapping):
    own = network()
    circuit = Circuit(hardware=lines(100.0, mapping=mapping))
    there = circuit.placed(own)
    images = torch.rand(2, 1, 28, 28)
    reads = circuit.reads(there, images, 0)
    before = circuit.reads(own, images, 0)
    for name in own.architecture.layers:
        wanted = matrix_of(name, own.initial_weights()).detach()

        def error(found, wanted=wanted):
            gain = float((found * wanted).sum() / (wanted * wanted).sum())
            return float((found - gain * wanted).norm() / (gain * wanted).norm())

        assert error(reads.layers[name].weights) < 1e-5
        assert error(before.layers[name].weights) > 1e-3 * (name != HEAD)


def test_wires_are_drawn_within_their_spread_and_the_same_from_the_same_seed(bars):
    own, images = network(), task(bars).support
    circuit = Circuit(hardware=lines(50.0), wire_spread=0.3)
    assert circuit.varies
    found = [circuit.reads(own, images, seed).layers[HEAD].weights for seed in (0, 1, 1)]
    torch.testing.assert_close(found[1], found[2], rtol=0, atol=0)
    ends = [
        Circuit(hardware=lines(ohms)).reads(own, images, 0).layers[HEAD].weights for ohms in (35.0, 65.0)
    ]
    low, high = torch.minimum(*ends), torch.maximum(*ends)
    for one in found:
        assert bool(((one >= low - 1e-6) & (one <= high + 1e-6)).all())
    assert (found[0] - found[1]).abs().max() > 1e-5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"wire_spread": 0.1}, "add --circuit"),
        ({"circuit": "c.toml", "wire_spread": 1.0}, "must lie in"),
        ({"circuit": "c.toml", "method": "roa-robust"}, "does not learn through its wires"),
        ({"circuit": "c.toml", "circuit_every": 0}, "at least 1"),
    ],
)
def test_bad_settings_are_refused(change, said):
    with pytest.raises(InputError, match=said):
        Training(**change)


class Cut(Exception):
    """A power cut."""


def run(bars, folder, circuit_file, **more):
    how = Training(
        dataset="bars", ways=2, queries=1, filters=2, epochs=2, iterations=3, batch=2,
        validation_tasks=2, pulses_from=1, circuit=str(circuit_file), wire_spread=0.1, circuit_every=2,
        imperfections=more.pop("imperfections", None),
    )  # fmt: skip
    circuit = Circuit.of_run(how, folder, resume=more.get("resume", False))
    return train(bars, how, folder, platform=Platform(circuit=circuit), **more)


@pytest.mark.long
def test_a_run_behind_a_circuit_keeps_it_and_goes_on_to_the_same_weights(bars, tmp_path):
    file, noise = tmp_path / "wires.toml", tmp_path / "noise.toml"
    file.write_text('[lines]\n"r_word [Ohm]" = 30.0\n"r_bit [Ohm]" = 30.0\n')
    noise.write_text('"sigma_wn [-]" = 1.0\n')
    whole = run(bars, tmp_path / "whole", file, imperfections=str(noise))
    assert whole.note["circuit"]["lines"]["r_word"] == 30.0
    assert whole.note["circuit"]["imperfections"]["sigma_wn [-]"] == 1.0

    def cut(epoch, iteration):
        if epoch == 1:
            raise Cut

    with pytest.raises(Cut):
        run(bars, tmp_path / "cut", file, imperfections=str(noise), on_iteration=cut)
    file.unlink()  # the run has its own
    resumed = run(bars, tmp_path / "cut", file, imperfections=str(noise), resume=True)
    last = [Network.load(tmp_path / name / "last.safetensors") for name in ("whole", "cut")]
    for name, weight in last[0].state_dict().items():
        assert torch.equal(weight, last[1].state_dict()[name])
    assert resumed.note["circuit"] == whole.note["circuit"]
    kept = tmp_path / "cut" / "circuit.toml"
    kept.write_text(kept.read_text().replace("30.0", "31.0"))
    with pytest.raises(InputError, match="not that of this run"):
        run(bars, tmp_path / "cut", file, imperfections=str(noise), resume=True)


def right(own, data, reads, through, count=40):
    """The share of right answers of so many test tasks, all read behind the circuit.

    through : whether the gradient of the write knows the circuit
    """
    rng, writing, shares = np.random.default_rng(5), Writing.of(own), []
    for _ in range(count):
        one = sample_task(data.split("test"), rng, ways=3, shots=1, queries=5)
        how = {"relative_rate": writing.rate(own), "passage": Passage(reads=reads if through else plain)}
        adapted = adapt(own, one, writing.model, rng=rng, **how)
        _, logits = query_loss(own, one, adapted, Passage(reads=reads))
        shares.append((logits.argmax(1) == one.query_labels).float().mean().item())
    return float(np.mean(shares))


@pytest.mark.long
def test_steps_through_the_wires_lower_the_loss_behind_them(bars):
    own, circuit = network(), Circuit(hardware=lines(200.0))
    how = Training(ways=3, pulses_from=0, relative_rate=1.0, circuit="wires.toml")
    noise = np.random.default_rng(0)
    step = OuterStep(own, how, WRITE, noise, torch.float32, circuit)
    tasks = stack([task(bars, seed) for seed in range(2)])
    optimiser = torch.optim.Adam([p for p in own.parameters() if p.requires_grad], 1e-2)
    losses = []
    for _ in range(8):
        loss, _ = step.gradients(tasks, Phase(written=True, progress=1.0))
        optimiser.step()
        own.clip_weights()
        losses.append(float(loss))
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.slow
def test_a_network_that_learned_through_its_wires_beats_the_one_that_did_not(bars, tmp_path):
    sizes = {"dataset": "bars", "ways": 3, "queries": 3, "filters": 6, "iterations": 25, "batch": 4}
    sizes |= {"validation_tasks": 10, "pulses_from": 0, "relative_rate": 1.0, "epochs": 2}
    before = train(bars, Training(**sizes, learning_rate=1e-2), tmp_path / "before")
    file = tmp_path / "wires.toml"
    file.write_text('[lines]\n"r_word [Ohm]" = 300.0\n"r_bit [Ohm]" = 300.0\n')
    how = Training(**sizes, learning_rate=3e-3, circuit=str(file), wire_spread=0.1)
    circuit = Circuit.of_run(how, tmp_path / "after", resume=False)
    after = train(bars, how, tmp_path / "after", start=before, platform=Platform(circuit=circuit))
    rows = (tmp_path / "after" / "metrics.csv").read_text().split()[1:]
    losses = [float(row.split(",")[2]) for row in rows]
    assert losses[1] < losses[0]
    known = Circuit(hardware=lines(300.0))
    images = task(bars).support
    unaware = right(before, bars, known.reads(before, images, 0), through=False)
    aware = right(after, bars, known.reads(after, images, 0), through=True)
    assert aware > unaware + 0.1
