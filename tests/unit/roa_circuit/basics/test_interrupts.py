"""Signals end a command at once and with one line, but no write is cut short, whoever writes."""

import os
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.usefixtures("usual_signals")

HEAD = """
import os, signal, sys, threading, time
from pathlib import Path
from roa_circuit.basics import interrupts, results

def send(*numbers):
    for number in numbers or (signal.SIGTERM,):
        os.kill(os.getpid(), number)

interrupts.end_at_once()
"""


def ended(code, folder):
    """(exit code, output, errors) of a program."""
    done = subprocess.run(
        [sys.executable, "-c", HEAD + textwrap.dedent(code)], cwd=folder, check=False, text=True,
        capture_output=True, timeout=100, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("SIGINT", 130, "interrupted"),
        ("SIGTERM", 143, "ended by SIGTERM"),
        ("SIGHUP", 129, "ended by SIGHUP"),
    ],
)
def test_a_signal_says_one_line_and_ends(tmp_path, name, code, said):
    """Also where an exception would be lost, as in a finalizer."""
    program = f"""
        class Lost:
            def __del__(self):
                send(signal.{name})
        Lost()
        print("goes on", flush=True)
    """
    assert ended(program, tmp_path) == (code, "", f"error: {said}\n")


def test_many_signals_say_the_first_alone(tmp_path):
    program = """
        with interrupts.postponed():
            send(signal.SIGHUP)
            send(signal.SIGTERM, signal.SIGINT)
    """
    assert ended(program, tmp_path) == (129, "", "error: ended by SIGHUP\n")


def test_what_is_ignored_stays_ignored(tmp_path):
    """nohup asks for that."""
    program = "signal.signal(signal.SIGHUP, signal.SIG_IGN)\ninterrupts.end_at_once()\n"
    program += "send(signal.SIGHUP)\nprint('goes on')"
    assert ended(program, tmp_path) == (0, "goes on\n", "")


def test_once_all_is_done_a_signal_changes_nothing(tmp_path):
    program = """
        class Last:
            def __del__(self):
                send()
                print("tidied up", flush=True)
        _last = Last()
    """
    assert ended(program, tmp_path) == (0, "tidied up\n", "")


@pytest.mark.parametrize("unnamed", [True, False])
@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_file_is_written_to_its_end(tmp_path, moment, unnamed):
    program = f"""
        def first(usual):
            def both(*given, **named):
                send()
                return usual(*given, **named)
            return both
        if not {unnamed}:
            del os.O_TMPFILE
        os.fsync = first(os.fsync) if "{moment}" == "fsync" else os.fsync
        Path.replace = first(Path.replace) if "{moment}" == "replace" else Path.replace
        results.write_text(Path("a.txt"), "whole")
        print("goes on", flush=True)
    """
    assert ended(program, tmp_path) == (143, "", "error: ended by SIGTERM\n")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "whole"


def test_a_write_of_another_thread_is_not_cut_short_either(tmp_path):
    program = """
        begun = threading.Event()
        def fill(file):
            file.write(b"who")
            begun.set()
            time.sleep(0.5)
            file.write(b"le")
        thread = threading.Thread(target=results.write_file, args=(Path("a.txt"), fill))
        thread.start()
        begun.wait()
        send()
        thread.join()
        time.sleep(60)
    """
    assert ended(program, tmp_path) == (143, "", "error: ended by SIGTERM\n")
    assert (tmp_path / "a.txt").read_text() == "whole"


def test_the_files_of_a_fit_are_all_there_or_none(tmp_path):
    program = """
        from fitting.commands import _outputs
        usual = _outputs.write_file
        def write(path, fill):
            usual(path, fill)
            send()
        _outputs.write_file = write
        _outputs.write_all({Path("out", name): b"new" for name in "abc"}, gone=[Path("old")])
    """
    (tmp_path / "old").write_text("old")
    assert ended(program, tmp_path) == (143, "", "error: ended by SIGTERM\n")
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["a", "b", "c"]


@pytest.mark.long
def test_what_numba_keeps_is_whole(tmp_path):
    """An index of new code beside the code of an old version would pass for the new one's."""
    (tmp_path / "kernel.py").write_text(
        "import numba\nfrom roa_circuit.basics import compilation\ncompilation.watch()\n"
        "@numba.njit(cache=True)\ndef kernel(x):\n    return x + 1\n"
    )
    program = f"""
        os.environ["NUMBA_CACHE_DIR"] = "cache"
        sys.path.insert(0, {str(tmp_path)!r})
        from numba.core import caching
        usual = caching.IndexDataCacheFile._save_data
        def save(*given):
            send()
            usual(*given)
        caching.IndexDataCacheFile._save_data = save
        from kernel import kernel
        print(kernel(1), flush=True)
    """
    assert ended(program, tmp_path) == (143, "", "error: ended by SIGTERM\n")
    kept = [path.suffix for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert sorted(kept) == [".nbc", ".nbi"]


@pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2, reason="needs two cores of Linux"
)
def test_who_works_beside_is_deaf_and_says_nothing(tmp_path):
    """A Ctrl-C in a terminal is for both processes."""
    program = """
        from roa_circuit.basics.side_by_side import side_by_side
        def heard():
            send(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
            return os.getpid()
        here, there = side_by_side([os.getpid, heard])
        print(here == os.getpid(), there == os.getpid(), signal.pthread_sigmask(signal.SIG_BLOCK, ()))
    """
    assert ended(program, tmp_path) == (0, "True False set()\n", "")
