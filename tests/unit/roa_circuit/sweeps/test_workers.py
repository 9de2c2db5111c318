"""Workers that are killed, that lack the toolkit, or whose scheduler goes away: one line each."""

import subprocess
import sys
import time

import dask
import pytest
from distributed import LocalCluster

from roa_circuit.basics.errors import InputError, WorkerError
from roa_circuit.sweeps.workers import each

pytestmark = pytest.mark.xdist_group("processes")

WITHOUT_TOOLKIT = """
from importlib import metadata
from distributed import versions

def version(name):
    if name == "roa-circuit":
        raise metadata.PackageNotFoundError(name)
    return metadata.version(name)

versions.version = version
"""


def cluster(**how):
    return LocalCluster(threads_per_worker=1, dashboard_address=None, **how)


@pytest.fixture
def deadly():
    """Kills its process at the piece 1, as a kernel out of memory would; travels by value."""

    def function(_, piece):
        if piece == 1:
            import os
            import signal

            os.kill(os.getpid(), signal.SIGKILL)
        return piece

    return function


def pieces(_):
    return range(2)


@pytest.mark.long
def test_a_killed_process_of_this_machine_is_one_line(deadly):
    with pytest.raises(WorkerError, match=r"for want of memory: ask for fewer at a time; .* goes on"):
        list(each(deadly, None, pieces, 2, None))


@pytest.mark.long
def test_a_piece_that_kills_one_worker_of_a_cluster_after_another_is_one_line(deadly):
    with dask.config.set({"distributed.scheduler.allowed-failures": 1}), cluster(n_workers=1) as here:
        found = each(deadly, None, pieces, 1, here.scheduler_address)
        with pytest.raises(WorkerError, match=r"2 workers died over the same piece, .* memory"):
            list(found)


def test_a_scheduler_that_goes_away_is_one_line():
    def slow(_, piece):
        time.sleep(0.3)
        return piece

    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        here = cluster(n_workers=1, processes=False)
        found = each(slow, None, lambda _: range(9), 1, here.scheduler_address)
        next(found)
        here.close()
        with pytest.raises(WorkerError, match="went away"):
            list(found)


@pytest.mark.long
def test_workers_without_the_toolkit_are_told_apart_before_they_get_anything(deadly):
    with cluster(n_workers=1, preload=WITHOUT_TOOLKIT) as here:
        found = each(deadly, None, pieces, 1, here.scheduler_address)
        with pytest.raises(
            InputError, match=r"has roa-circuit not installed.*pip install roa-circuit=="
        ):
            list(found)


INTERRUPTED = """
import os, signal
from roa_circuit.sweeps.workers import each

def heard(shared, piece):
    os.kill(os.getpid(), signal.SIGINT)
    return piece

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background of a shell
done = sorted(each(heard, None, lambda count: [1, 2], 2, None))
print(done, signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""


@pytest.mark.long
def test_processes_of_a_sweep_leave_interrupts_to_it(tmp_path):
    """Each would print where it was, which Ctrl-C in a terminal asks of all of them."""
    (tmp_path / "interrupted.py").write_text(INTERRUPTED)
    script = [sys.executable, tmp_path / "interrupted.py"]
    done = subprocess.run(script, check=False, capture_output=True, text=True, timeout=100)
    assert done.stdout == "[1, 2] True\n", done.stderr
