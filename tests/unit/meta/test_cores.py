"""Tasks over the cores of a processor: the same sums, and nobody else's threads touched."""

import threading

import numpy as np
import pytest
import torch

from meta.architecture import Architecture
from meta.configuration import Training
from meta.cores import Cores
from meta.hardware import WriteModel
from meta.network import Network
from meta.outer_step import OuterStep, Phase
from meta.tasks import TaskSource, channels_first
from roa_circuit.parameters import load_device
from roa_circuit.programming import Programming


@pytest.fixture
def threads():
    """Sets how many threads torch has, and sets it back."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_each_task_has_a_thread_of_its_own_and_results_keep_their_order(threads):
    threads(3)
    meeting = threading.Barrier(3)

    def work(number):
        meeting.wait(timeout=20)  # three at once, or none gets past here
        return number, torch.get_num_threads(), threading.get_ident()

    numbers, counts, places = zip(*Cores().map(work, range(6)), strict=True)
    assert numbers == (0, 1, 2, 3, 4, 5)
    assert counts == (1,) * 6
    assert len(set(places)) == 3
    assert torch.get_num_threads() == 3


def test_one_core_needs_no_threads(threads):
    threads(1)
    assert set(Cores().map(lambda _: threading.get_ident(), range(3))) == {threading.get_ident()}


def test_what_fails_on_a_core_fails_here(threads):
    threads(2)
    with pytest.raises(ZeroDivisionError):
        list(Cores().map(lambda number: 1 / number, [1, 0]))


def test_gradients_do_not_depend_on_the_number_of_cores(bars, threads):
    """Bit for bit, so that a run resumes on another machine as it began."""
    source = TaskSource(
        images=channels_first(bars.split("train")), ways=5, shots=1, queries=3, rotate=True
    )
    tasks = source.draw(np.random.default_rng(0), 5)
    write = WriteModel(device=load_device("zhang2021"), how=Programming())
    found = []
    for count in (1, 2, 4):
        threads(count)
        network = Network(Architecture(filters=8), torch.Generator().manual_seed(0))
        step = OuterStep(network, Training(), write, np.random.default_rng(0), torch.float32)
        threads(1)  # what the tasks' threads have, and the constraint now too
        outcome = step.gradients(tasks, Phase(written=True, progress=1.0))
        found.append([*outcome, *(p.grad for p in network.parameters() if p.grad is not None)])
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))
