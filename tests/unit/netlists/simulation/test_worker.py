"""The watch over worker processes, with programs that stand in for the simulator."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from netlists.commands import cli
from netlists.simulation import ngspice
from netlists.simulation.ngspice import find_library, simulate, simulate_all
from netlists.simulation.parallel import Together, run_all
from netlists.simulation.scratch import private_folder
from roa_circuit.basics.errors import SimulatorError

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="stand-ins are shell scripts"),
    pytest.mark.xdist_group("processes"),
]


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Let a shell script play the worker process, but not the janitor of its folders."""
    with private_folder():
        pass

    def put(script):
        path = tmp_path / "worker.sh"
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(path))
        monkeypatch.setenv("NGSPICE_LIBRARY_PATH", str(path))

    return put


def test_a_crash_is_an_error_with_the_last_words(stand_in, tmp_path):
    stand_in("echo 'log the last words'; echo 'on stderr' >&2; kill -SEGV $$")
    with pytest.raises(SimulatorError, match="crashed with SIGSEGV") as caught:
        simulate("* deck\n.end\n", name="doomed", keep_in=tmp_path / "kept")
    assert caught.value.log.splitlines() == ["the last words", "on stderr"]
    assert caught.value.deck == tmp_path / "kept" / "doomed-failed.cir"
    assert caught.value.deck.read_text() == "* deck\n.end\n"


def test_the_time_limit_ends_the_process(stand_in, tmp_path):
    stand_in(f"echo $$ > {tmp_path}/pid; echo 'log still busy'; exec sleep 60")
    with pytest.raises(SimulatorError, match=r"time limit of 0\.5 s") as caught:
        simulate("* deck", time_limit=0.5, keep_in=tmp_path)
    assert "still busy" in caught.value.log
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_an_end_without_result_is_an_error(stand_in, tmp_path):
    stand_in("exit 7")
    with pytest.raises(SimulatorError, match="ended with code 7"):
        simulate("* deck", keep_in=tmp_path)


def test_the_announced_reason_is_the_message(stand_in, tmp_path):
    stand_in("echo 'version ngspice-0'; echo 'failed singular matrix'; exit 1")
    with pytest.raises(SimulatorError, match="ngspice, deck: singular matrix"):
        simulate("* deck", keep_in=tmp_path)


def test_without_a_place_to_keep_the_deck_the_error_still_comes(stand_in, tmp_path):
    stand_in("exit 7")
    (tmp_path / "file").write_text("")
    with pytest.raises(SimulatorError) as caught:
        simulate("* deck", keep_in=tmp_path / "file" / "below")
    assert caught.value.deck is None


def test_one_failure_stops_the_others(stand_in, tmp_path):
    stand_in("grep -q bad deck.cir && exit 7; exec sleep 60")
    with pytest.raises(SimulatorError):
        simulate_all(["good", "bad"], workers=2, time_limit=30, keep_in=tmp_path)
    assert [path.name for path in tmp_path.glob("*-failed.cir")] == ["deck1-failed.cir"]


def test_the_library_can_be_named(monkeypatch, tmp_path):
    library = tmp_path / "libngspice.so"
    library.write_bytes(b"")
    monkeypatch.setenv("NGSPICE_LIBRARY_PATH", str(library))
    assert find_library() == str(library)
    monkeypatch.setenv("NGSPICE_LIBRARY_PATH", str(tmp_path / "missing"))
    with pytest.raises(SimulatorError, match="NGSPICE_LIBRARY_PATH names"):
        find_library()


def test_a_missing_library_says_how_to_install_it(monkeypatch):
    monkeypatch.delenv("NGSPICE_LIBRARY_PATH", raising=False)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    monkeypatch.setattr(ngspice, "_USUAL_PLACES", ())
    with pytest.raises(SimulatorError, match=r"apt install libngspice0.*brew install"):
        find_library()
    monkeypatch.setenv("PATH", "")
    assert not ngspice.is_available()


@pytest.mark.long
def test_a_library_that_hangs_ends_with_the_time_limit_that_was_given(
    stand_in, command, make_layer, tmp_path
):
    """Asking ngspice what it is took its own minute, whatever --time-limit said."""
    make_layer().save(tmp_path / "layer.npz")
    stand_in("exec sleep 60")
    began = time.monotonic()
    asked = ("--phase", "read", "--time-limit", "5", "-o", tmp_path / "out")
    code, _, error = command(cli.main, "verify", "--layer", tmp_path / "layer.npz", *asked)
    assert code == 3
    assert "no result within the time limit of 5 s" in error
    assert time.monotonic() - began < 20


def test_what_is_no_library_is_said(monkeypatch, tmp_path):
    library = tmp_path / "libngspice.so"
    library.write_bytes(b"not a library")
    monkeypatch.setenv("NGSPICE_LIBRARY_PATH", str(library))
    with pytest.raises(SimulatorError, match="cannot load"):
        simulate("* deck", keep_in=tmp_path)


@pytest.fixture
def result(tmp_path):
    """A shell command that leaves a result as the worker would."""
    np.savez(tmp_path / "good.npz", x=np.ones(1))
    return f"echo 'version ngspice-0'; cp {tmp_path}/good.npz vectors.npz"


def test_what_does_not_converge_is_tried_once_more_with_safer_options(stand_in, result):
    """Only the second deck has them; the options stand before the deck's end."""
    stand_in(f"grep -iB1 '^.end' deck.cir | grep -q gear && {{ {result}; exit 0; }}\n"
             "echo 'failed Timestep too small; trouble with node b'; exit 1")  # fmt: skip
    assert simulate("* deck\n.end\n").attempts == 2
    assert simulate("* deck\n.END").attempts == 2


def test_a_crash_is_tried_once_more_as_it_was(stand_in, tmp_path, result):
    stand_in(f"grep -q gear deck.cir && exit 9; test -e {tmp_path}/once && {{ {result}; exit 0; }}\n"
             f"touch {tmp_path}/once; kill -KILL $$")  # fmt: skip
    assert simulate("* deck\n.end\n").attempts == 2


@pytest.mark.parametrize(
    ("script", "tries"),
    [
        ("kill -KILL $$", 2),
        ("echo 'failed no convergence'; exit 1", 2),
        ("echo 'failed error'; exit 1", 1),
    ],
)
def test_only_what_may_succeed_is_tried_again(stand_in, tmp_path, script, tries):
    stand_in(f"echo try >> {tmp_path}/tries; {script}")
    with pytest.raises(SimulatorError) as caught:
        simulate("* deck", keep_in=tmp_path)
    assert (tmp_path / "tries").read_text().count("try") == tries
    assert ("again, on a fresh worker" in str(caught.value)) == (tries == 2)


def test_the_second_try_shares_the_time_limit(stand_in, tmp_path):
    stand_in("sleep 0.6; echo 'failed no convergence'; exit 1")
    started = time.monotonic()
    with pytest.raises(SimulatorError, match="within the time limit"):
        simulate("* deck", time_limit=1.0, keep_in=tmp_path)
    assert time.monotonic() - started < 5


def test_progress_counts_all_decks():
    seen = []
    together = Together(seen.append, weights=[1.0, 3.0])
    together.part(0)(1.0)
    together.part(1)(0.5)
    together.part(1)(0.2)  # a second attempt starts over; the bar does not
    assert seen == pytest.approx([0.25, 0.625, 0.625])


def test_jobs_that_have_not_begun_never_do():
    begun = []
    together = Together()

    def job(index):
        begun.append(index)
        raise SimulatorError(f"job {index}")

    with pytest.raises(SimulatorError, match="job 0"):
        run_all(job, 50, together, workers=1)
    assert len(begun) < 50
    assert together.stop.is_set()


INTERRUPTED = """
import os
import signal
import sys
from netlists.commands import cli
from netlists.simulation import ngspice
from netlists.simulation.scratch import private_folder
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background of a shell
with private_folder():
    pass  # its janitor is a Python, the workers are not
sys.executable = os.environ["NGSPICE_LIBRARY_PATH"] = {worker!r}
ngspice.simulate_all(["* deck"] * 6, workers=2, time_limit=60)
"""


@pytest.mark.long
@pytest.mark.parametrize("end", ["SIGINT", "SIGKILL"])
def test_no_worker_outlives_us(tmp_path, end):
    """After Ctrl-C we kill them; after our own sudden death they see their input close."""
    worker, pids = tmp_path / "worker.sh", tmp_path / "pids"
    worker.write_text(f"#!/bin/sh\necho $$ >> {pids}\nread line\n")
    worker.chmod(0o755)
    parent = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED.format(worker=str(worker))],
        env={**os.environ, "TMPDIR": str(tmp_path)},  # for what a SIGKILL leaves behind
        stderr=subprocess.DEVNULL,
    )
    _until(lambda: pids.exists() and pids.read_text().count("\n") >= 2)
    parent.send_signal(getattr(signal, end))
    assert parent.wait(10) != 0
    started = [int(pid) for pid in pids.read_text().split()]
    assert len(started) == 2
    _until(lambda: not any(_runs(pid) for pid in started))


def _runs(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


@pytest.mark.skipif(not os.path.exists("/proc/self/autogroup"), reason="no such scheduler")  # noqa: PTH110
def test_a_worker_is_as_nice_to_other_sessions_as_it_was_made():
    script = (
        "import os; from netlists.simulation._child import keep_priority; os.nice(7); keep_priority();"
        "print(open('/proc/self/autogroup').read())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,
    )
    assert done.stdout.split()[-2:] == ["nice", "7"]
