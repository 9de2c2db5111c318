"""What Windows lacks is asked for first, and done without: a fit, a map, a held folder."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.long

LACKING = """
import os, signal, sys
# Python's own modules know what their system has.
import asyncio, concurrent.futures.thread, logging, multiprocessing, pathlib, random, shutil, subprocess
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
gone = "nice killpg register_at_fork sched_getaffinity setsid O_DIRECTORY O_CLOEXEC O_NONBLOCK"
gone += " O_TMPFILE fchmod"
for name in filter(lambda name: hasattr(os, name), gone.split()):
    delattr(os, name)
for name in ("SIGHUP", "SIGKILL"):
    delattr(signal, name)
"""


def ran(program, *words, where):
    code = f"{LACKING}\nsys.argv = {['roa', *map(str, words)]!r}\nfrom {program} import main\nmain()"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=where
    )


def test_a_fit_needs_nothing_that_windows_lacks(tmp_path):
    done = ran("fitting.commands.cli", "--example", "-o", "fit", where=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "fit" / "device.toml").exists()


def test_solve_map_and_a_held_folder_need_nothing_that_windows_lacks(tmp_path):
    done = ran("netlists.commands.cli", "map", "--layer", "fc", "-o", "map", where=tmp_path)
    assert done.returncode == 0, done.stderr
    code = f"""{LACKING}
from pathlib import Path
from roa_circuit.basics.locks import held
names = lambda: sorted(path.name for path in Path("run").iterdir())
with held(Path("run"), "another training"):
    print(names())
print(names())"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.splitlines() == ["['.lock']", "[]"]
