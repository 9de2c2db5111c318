"""Training on a GPU against the processor: the same tasks, the same numbers."""

import functools

import numpy as np
import pytest
import torch

from meta.data.tasks import Tasks, TaskSource, channels_first
from meta.evaluation.episodes import episode_accuracies
from meta.evaluation.many_writes import variant_accuracies
from meta.learning.hardware import WriteModel
from meta.learning.learners import outer_loss
from meta.learning.reads import Passage
from meta.learning.writing import Writing
from meta.network.architecture import Architecture
from meta.network.convolutional import Network
from meta.network.methods import METHODS
from meta.network.precision import CPU, round_products
from meta.training.configuration import Training
from meta.training.recording import Recording
from meta.training.train import Platform, train
from roa_circuit.device.parameters import load_device
from roa_circuit.device.programming import Programming

pytestmark = pytest.mark.cuda
GPU = torch.device("cuda")
WRITE = WriteModel(device=load_device("zhang2021"), how=Programming())


def gradients_of(network, tasks, dtype):
    loss, logits = outer_loss(network, tasks, WRITE, relative_rate=3.0, passage=Passage(dtype=dtype))
    loss.backward()
    return loss.detach(), (logits.argmax(-1) == tasks.query_labels).float().mean()


def draw(bars, seed, compute):
    images = channels_first(bars.split("train")).to(compute)
    source = TaskSource(images=images, ways=5, shots=1, queries=3, rotate=True)
    return source.draw(np.random.default_rng(seed), 4)


def a_network(compute):
    return Network(Architecture(filters=8), torch.Generator().manual_seed(0)).double().to(compute)


def test_a_gpu_has_the_processors_gradients(bars):
    found = {}
    for compute in (CPU, GPU):
        network = a_network(compute)
        gradients_of(network, draw(bars, 0, compute), torch.float64)
        found[compute] = [p.grad.cpu() for p in network.parameters() if p.grad is not None]
    for mine, its in zip(found[GPU], found[CPU], strict=True):
        assert torch.allclose(mine, its, rtol=1e-8, atol=1e-12)


def test_a_replayed_step_is_the_step(bars):
    """Of batches other than the one recorded, and after the parameters moved."""
    network, twin = a_network(GPU), a_network(GPU)
    step = functools.partial(gradients_of, network, dtype=torch.float64)
    replay = Recording(network, step, draw(bars, 0, GPU))
    for seed in (1, 2):
        tasks = draw(bars, seed, GPU)
        outcome = replay(tasks)
        twin.zero_grad()
        expected = gradients_of(twin, tasks, torch.float64)
        assert [x.item() for x in outcome] == pytest.approx([x.item() for x in expected], abs=1e-12)
        for mine, its in zip(network.parameters(), twin.parameters(), strict=True):
            assert (mine.grad is None) == (its.grad is None)
            if mine.grad is not None:
                assert torch.allclose(mine.grad, its.grad, rtol=1e-9, atol=1e-12)
            with torch.no_grad():
                for parameter in (mine, its):
                    parameter.mul_(0.9)


@pytest.mark.parametrize("method", ["roa", "maml++", "roa-robust"])
def test_a_run_on_a_gpu_learns_goes_on_and_is_read_on_a_processor(bars, tmp_path, method):
    how = {"method": method, "filters": 8, "iterations": 10, "batch": 4, "queries": 3,
           "pulses_from": 1, "validation_tasks": 5, "multi_step_epochs": 2}  # fmt: skip
    rows = {}
    whole = Training(epochs=2, **how)
    for name, compute in (("cpu", CPU), ("gpu", GPU)):
        rows[name] = []
        collect = functools.partial(lambda rows, _, row: rows.append(row), rows[name])
        train(bars, whole, tmp_path / name, platform=Platform(compute=compute), callbacks=[collect])
    assert rows["gpu"][0].loss == pytest.approx(rows["cpu"][0].loss, rel=0.15)
    network = Network.load(tmp_path / "gpu" / "last.safetensors")
    assert network.compute == CPU
    tasks, ideal = Tasks(dataset=bars, queries=3), Writing(ideal=True, relative_rate=1.0)
    here = episode_accuracies(network, tasks, ideal, count=30)
    there = episode_accuracies(network.to(GPU), tasks, ideal, count=30)
    assert there.accuracies == pytest.approx(here.accuracies, abs=0.08)


def test_a_resumed_run_on_a_gpu_goes_on(bars, tmp_path):
    how = Training(filters=8, epochs=3, iterations=4, batch=2, queries=3, validation_tasks=2)

    class Stopped(Exception):
        pass

    def stop(_, row):
        if row.epoch == 1:
            raise Stopped

    with pytest.raises(Stopped):
        train(bars, how, tmp_path / "run", platform=Platform(compute=GPU), callbacks=[stop])
    train(bars, how, tmp_path / "run", platform=Platform(compute=GPU), resume=True)
    train(bars, how, tmp_path / "whole", platform=Platform(compute=GPU))
    one, two = (Network.load(tmp_path / n / "last.safetensors") for n in ("run", "whole"))
    for mine, its in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.allclose(mine, its, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("method", "steps"), [("roa", 1), ("offline", 1), ("five-step", 2)])
def test_a_gpu_evaluates_as_the_processor(bars, method, steps):
    """The same tasks, and of a method of one step the same noise: an image of a thousand may differ."""
    round_products(to_tf32=False)
    network = Network(Architecture(filters=8, steps=steps), torch.Generator().manual_seed(0))
    variants = [
        Writing(
            device=WRITE.device, method=METHODS[method], programming=Programming(sigma_wn=sigma),
            relative_rate=rate,
        )
        for sigma in (0.0, 1.0)
        for rate in (1.0, 8.0)
    ]  # fmt: skip
    tasks = Tasks(dataset=bars, queries=5, seed=3)
    here, there = (
        variant_accuracies(network.to(compute), tasks, variants, count=40) for compute in (CPU, GPU)
    )
    for mine, its, variant in zip(there, here, variants, strict=True):
        alike = steps == 1 or variant.programming.sigma_wn == 0
        assert mine.mean == pytest.approx(its.mean, abs=0.002 if alike else 0.05)
        if alike:
            assert mine.pulses_per_weight == pytest.approx(its.pulses_per_weight, rel=1e-3)
            assert mine.energy == pytest.approx(its.energy, rel=1e-3)
