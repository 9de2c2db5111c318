"""Independent work in two processes: the same results and errors, and nobody left behind."""

import os
import subprocess
import sys
import textwrap
import threading

import pytest

from roa_circuit.basics.side_by_side import side_by_side


def run(code: str) -> subprocess.CompletedProcess[str]:
    """The code in an interpreter of its own, as this one has threads."""
    head = "import os\nfrom roa_circuit.basics.side_by_side import side_by_side\n"
    command = [sys.executable, "-c", head + textwrap.dedent(code)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def test_in_a_process_with_threads_all_is_done_here():
    stop = threading.Event()
    other = threading.Thread(target=stop.wait)
    other.start()
    try:
        assert side_by_side([os.getpid] * 3) == [os.getpid()] * 3
    finally:
        stop.set()
        other.join()


@pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2, reason="needs two cores of Linux"
)
def test_every_second_call_runs_in_another_process():
    done = run("""
        calls = [lambda i=i: (i, os.getpid()) for i in range(5)]
        found = side_by_side(calls)
        assert [i for i, _ in found] == list(range(5))
        assert {p for _, p in found[::2]} == {os.getpid()}
        other = {p for _, p in found[1::2]}
        assert len(other) == 1 and os.getpid() not in other
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            print("nobody is left")
    """)
    assert done.stdout == "nobody is left\n", done.stderr


@pytest.mark.parametrize("call", ["1 / 0", "os._exit(9) if os.getpid() != parent else 1 / 0"])
def test_an_error_is_that_of_a_plain_call(call):
    done = run(f"""
        parent = os.getpid()
        try:
            side_by_side([lambda: 1, lambda: {call}])
        except ZeroDivisionError as error:
            print(error)
    """)
    assert done.stdout == "division by zero\n", done.stderr


def test_what_cannot_travel_is_made_here():
    done = run("print(side_by_side([lambda: 1, lambda: (lambda: 2)])[1]())")
    assert done.stdout == "2\n", done.stderr


def test_an_error_here_ends_the_other_process():
    done = run("""
        import time
        try:
            side_by_side([lambda: 1 / 0, lambda: time.sleep(50)])
        except ZeroDivisionError:
            print("ended")
    """)
    assert done.stdout == "ended\n", done.stderr
