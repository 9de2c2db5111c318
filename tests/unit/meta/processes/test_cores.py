"""Work over processes: in order, without a trace, and the same sums as in this one."""

import gc
import itertools
import operator
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch

from meta.data.tasks import Tasks, TaskSource, channels_first
from meta.evaluation.draws import Draws
from meta.evaluation.episodes import episode_accuracies
from meta.evaluation.many_writes import variant_accuracies
from meta.evaluation.trial import Trial
from meta.learning.hardware import WriteModel
from meta.learning.writing import Writing
from meta.network.architecture import Architecture
from meta.network.convolutional import Network
from meta.network.methods import METHODS
from meta.processes.cores import Cores
from meta.processes.line import pair
from meta.processes.pool import Pool, pool
from meta.training.configuration import Training
from meta.training.objective import Phase
from meta.training.outer_step import OuterStep
from roa_circuit.basics.cores import _cores
from roa_circuit.basics.errors import WorkerError
from roa_circuit.device.parameters import load_device
from roa_circuit.device.programming import Programming

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="processes are handed sockets"),
    pytest.mark.xdist_group("processes"),
]


@pytest.fixture(scope="module")
def cores():
    """Two processes, for all tests that leave them alive."""
    return Cores(2)


def test_a_line_carries_arrays_of_any_size_and_leaves_them_writable():
    here, there = pair()
    big, small = np.arange(3_000_000.0).reshape(2, -1), np.arange(3, dtype=np.uint8)
    here.send({"big": big, "small": small, "none": np.empty((0, 4)), "name": "theta"})
    received = there.receive()
    assert received["name"] == "theta"
    for name, sent in (("big", big), ("small", small), ("none", np.empty((0, 4)))):
        np.testing.assert_array_equal(received[name], sent)
        assert received[name].flags.writeable
    here.send(torch.nn.Parameter(torch.ones(2, 3)))
    weights = there.receive()
    assert isinstance(weights, torch.nn.Parameter)
    assert torch.equal(weights, torch.ones(2, 3))
    here.send(small)
    assert received["big"][1, -1] == 2_999_999  # the next message does not touch the last
    here.close()
    there.receive()
    with pytest.raises(EOFError):
        there.receive()
    there.close()


def test_results_keep_their_order_whoever_computes_them(cores):
    assert list(cores.map(operator.add, 10, range(7))) == [10, 11, 12, 13, 14, 15, 16]
    assert list(cores.map(operator.add, 10, [])) == []
    sent = np.arange(500_000.0)
    for found in cores.map(operator.mul, sent, [2.0, 3.0, 4.0]):
        assert found[-1] / sent[-1] in {2.0, 3.0, 4.0}


def test_items_are_drawn_while_others_are_computed(cores):
    """There may be no end of them; whoever takes no more leaves the processes ready for other work."""
    results = cores.map(operator.add, 1, itertools.count())
    assert [next(results) for _ in range(5)] == [1, 2, 3, 4, 5]
    results.close()
    assert list(cores.map(operator.add, 2, [3])) == [5]


def test_each_process_has_one_thread(cores):
    assert list(cores.map(eval, "__import__('torch').get_num_threads()", [{}] * 4)) == [1] * 4


def test_what_fails_there_fails_here_and_the_others_go_on(cores):
    with pytest.raises(ZeroDivisionError):
        list(cores.map(operator.floordiv, 12, [1, 0, 2]))
    assert list(cores.map(operator.floordiv, 12, [1, 2, 3])) == [12, 6, 4]


@pytest.mark.long
def test_a_killed_process_is_one_line():
    cores = Cores(1)
    cores.started(within=None)
    with pytest.raises(WorkerError, match="killed, most often for want of memory"):
        list(cores.map(os.kill, cores.processes[0][1].pid, [signal.SIGKILL]))


@pytest.mark.long
def test_processes_end_with_what_started_them():
    cores = Cores(1)
    cores.started(within=None)
    pids = [process.pid for _, process in cores.processes]
    assert all(_alive(pid) for pid in pids)
    del cores
    gc.collect()
    assert not any(_alive(pid) for pid in pids)


@pytest.mark.long
def test_processes_end_when_this_one_is_killed():
    code = (
        "from meta.processes.cores import Cores; import os, time\n"
        "cores = Cores(1)\n"
        "cores.started(within=None)\n"
        "print(*[process.pid for _, process in cores.processes], flush=True)\n"
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        parent.kill()
    assert len(pids) == 1
    deadline = time.monotonic() + 20
    while any(_alive(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


@pytest.fixture
def tasks(bars):
    """Five small ones."""
    images = channels_first(bars.split("train"))
    source = TaskSource(images=images, ways=5, shots=1, queries=3, rotate=True)
    return source.draw(np.random.default_rng(0), 5)


def outer_step(how):
    """Of a small network, always the same."""
    network = Network(Architecture(filters=8), torch.Generator().manual_seed(0))
    network.log_rates.requires_grad_(False)
    write = WriteModel(device=load_device("zhang2021"), how=Programming())
    return OuterStep(network, how, write, np.random.default_rng(0), torch.float32)


@pytest.mark.long
def test_gradients_do_not_depend_on_where_tasks_are_computed(tasks, cores):
    """Bit for bit, so that a run resumes on another machine as it began."""
    found = []
    for where in (None, cores):
        step, before = outer_step(Training()), torch.get_num_threads()
        step.one_by_one.pool.cores = where
        outcome = step.gradients(tasks, Phase(written=True, progress=1.0))
        assert torch.get_num_threads() == before
        gradients = {n: p.grad for n, p in step.network.named_parameters() if p.grad is not None}
        assert "weights.fc" in gradients
        assert "log_rates.fc" not in gradients
        found.append([*outcome, *gradients.values()])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


@pytest.mark.long
@pytest.mark.parametrize(
    ("method", "steps", "how"),
    [
        ("roa", 1, Programming()),
        ("roa", 1, Programming(sigma_wn=1.0)),
        ("offline", 1, Programming()),
        ("offline", 1, Programming(sigma_wn=1.0)),
        ("five-step", 2, Programming(sigma_wn=1.0)),
        ("ideal", 1, Programming(sigma_wn=1.0)),
    ],
)
def test_episodes_do_not_depend_on_where_they_are_computed(bars, cores, method, steps, how):
    """Nor on who draws their noise: the next task's starts where the last one's ended."""
    architecture = Architecture(ways=5, filters=8, steps=steps)
    network = Network(architecture, torch.Generator().manual_seed(0))
    drawn = Tasks(dataset=bars, queries=3, seed=3)
    writing = Writing(
        device=load_device("zhang2021"), programming=how, method=METHODS[method], relative_rate=8.0
    )
    trial = Trial(network=network, writing=writing, dtype=torch.float32)
    draws = Draws(drawn, ways=5, count=4)
    in_turn = np.array([trial(task, draws.noise)[0] for task in draws])
    for where in (None, cores):
        with pool() as held:
            held.cores = where
            one = episode_accuracies(network, drawn, writing, count=4)
            (other,) = variant_accuracies(network, drawn, [writing], count=4)
        for found in (one, other):
            np.testing.assert_array_equal(found.accuracies, in_turn[:, 0])
            assert found.energy == pytest.approx(in_turn[:, 2].mean(), rel=1e-12)


@pytest.mark.long
def test_processes_start_when_what_is_to_come_takes_longer(monkeypatch):
    started, before = [], torch.get_num_threads()
    monkeypatch.setattr("meta.processes.pool.Cores", lambda *how: started.append(how))
    try:
        for threads, to_come in ((1, 10**12), (2, 3), (2, 10**12)):
            torch.set_num_threads(threads)
            results = Pool().map(operator.add, 1, [1, 2, 3], to_come=to_come)
            assert next(results) == 2
            assert started == []
            assert list(results) == [3, 4]
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert set(started) == {(2, operator.add.__module__)}


@pytest.mark.long
def test_a_pool_is_everyones_who_works_while_it_is_held():
    with pool() as held:
        assert pool() is held
        elsewhere = []
        other = threading.Thread(target=lambda: elsewhere.append(pool()), daemon=True)
        other.start()
        other.join()
        assert held not in elsewhere
    left = weakref.ref(held)
    del held
    assert left() is None


def test_the_solver_leaves_the_number_of_threads_of_torch():
    """numba's own threads, once started, would set it to all cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        _cores.__wrapped__()
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
