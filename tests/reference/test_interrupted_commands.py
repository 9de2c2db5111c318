"""Commands that a signal ends, at every moment: one line, its exit code, nothing half written."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from processes import children, handles_signals, marked

from roa_circuit.basics.interrupts import said_of

pytestmark = [
    pytest.mark.usefixtures("usual_signals"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc"),
]

PULSES = Path(__file__).parents[2] / "data" / "pulses.csv"
FIT = ("fitting", f"{PULSES} -o out")
MAP = ("netlists", "map --layer fc -o out")
SWEEP = (
    "netlists",
    "sweep --layer fc --vary wire_resistance=1,10 --vary sigma_wn=0,1 --workers 2 -o out",
)
TRAIN = (
    "meta", "train --dataset glyphs --ways 2 --queries 1 --filters 2 --epochs 400 --iterations 5 "
    "--batch 1 --validation-tasks 2 -o out",
)  # fmt: skip
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
OF_A_FIT = {"device.toml", "fit.json", "memristor.lib", "memristor.va", "report.html"}


class Command:
    """A command that runs in a folder, and what it may leave there."""

    remarks = ("roa, 2-way 1-shot: ", "epoch ")  # of a training, on stderr

    def __init__(self, command, folder, cache=None):
        package, words = command
        self.folder, self.mark, self.temporary = folder, uuid.uuid4().hex, folder / "tmp"
        self.cache = cache or folder / "cache"
        self.temporary.mkdir(exist_ok=True)
        environment = {
            **os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(self.temporary),
            "JOBLIB_TEMP_FOLDER": str(self.temporary), "ROA_KILLED": self.mark,
            "NUMBA_CACHE_DIR": str(self.cache),
        }  # fmt: skip
        environment.pop("TORCHINDUCTOR_CACHE_DIR", None)  # with it, torch makes no folder of its own
        self.process = subprocess.Popen(
            [sys.executable, "-m", package, *words.split()], cwd=folder, env=environment, text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.until(lambda: handles_signals(self.process.pid))

    def until(self, seen):
        """Wait until something is seen, or the command has ended."""
        with contextlib.suppress(OSError):  # of a process that is gone
            while self.process.poll() is None and not seen():
                time.sleep(0.001)

    def works_beside(self):
        """Whether it has started another process."""
        return bool(children(self.process.pid))

    def end(self, number):
        """Send a signal and look at what is left; whether it came before the command's own end."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=120)
        code = self.process.returncode
        *before, last = said.splitlines() or [""]
        assert (code, last) in ((128 + number, f"error: {said_of(number)}"), (0, "")), (number, said)
        assert [line for line in before if not line.startswith(self.remarks)] == [], said
        until = time.monotonic() + 20
        while (marked(self.mark) or list(self.temporary.iterdir())) and time.monotonic() < until:
            time.sleep(0.02)
        assert marked(self.mark) == []
        assert list(self.temporary.iterdir()) == []
        self._look_at_files()
        return code != 0

    def _look_at_files(self):
        """Every file is whole."""
        assert {path.suffix for path in self.cache.rglob("*") if path.is_file()} <= {".nbi", ".nbc"}
        assert not list(self.folder.rglob(".roa-*"))
        for path in (self.folder / "out").rglob("*.json"):
            json.loads(path.read_bytes())
        for path in (self.folder / "out").rglob("*.html"):
            assert path.read_text().rstrip().endswith("</html>")


@pytest.mark.long
@pytest.mark.parametrize(("command", "number"), [*zip((FIT, MAP, TRAIN), SIGNALS, strict=True)])
def test_a_command_that_still_loads(tmp_path, command, number):
    assert Command(command, tmp_path).end(number)
    assert not (tmp_path / "out").exists()


@pytest.mark.long
def test_a_command_that_compiles(tmp_path):
    """It is within numba for most of a minute soon after the folder of the cache is there."""
    command = Command(MAP, tmp_path)
    command.until(command.cache.exists)
    time.sleep(random.uniform(0.5, 2.5))  # whatever it is at
    assert command.end(signal.SIGINT)
    assert not (tmp_path / "out").exists()


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_fit_whose_other_process_works(tmp_path, number):
    command = Command(FIT, tmp_path)
    command.until(command.works_beside)
    command.end(number)
    assert names(tmp_path / "out") in (set(), OF_A_FIT)


@pytest.mark.long
def test_a_fit_that_writes(tmp_path):
    command = Command(FIT, tmp_path)
    command.until((tmp_path / "out").exists)
    command.end(signal.SIGHUP)
    assert names(tmp_path / "out") == OF_A_FIT


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "seconds"),
    [(FIT, 4.0), (MAP, 5.0), (SWEEP, 8.0), (TRAIN, 8.0)],
    ids=["fit", "map", "sweep", "train"],
)
@pytest.mark.parametrize("kept", [True, False], ids=["compiled", "compiles"])
def test_a_command_at_random_moments(tmp_path, command, seconds, kept):
    if command is FIT and not kept:
        pytest.skip("a fit compiles nothing")
    rng, hit = random.Random(str(command)), 0
    if kept:
        whole = tmp_path / "whole"
        whole.mkdir()
        if command is not TRAIN:  # which ends in days
            assert Command(command, whole, tmp_path / "cache").process.communicate()[1] == ""
    for number in range(40):
        folder = tmp_path / str(number)
        folder.mkdir()
        running = Command(command, folder, tmp_path / "cache" if kept else None)
        time.sleep(rng.uniform(0, seconds))
        hit += running.end(SIGNALS[number % 3])
        assert command is not FIT or names(folder / "out") in (set(), OF_A_FIT)
    assert hit > 10


def names(folder):
    """Those of the files in a folder, if there is one."""
    return {path.name for path in folder.glob("*")}
