"""Commands killed at random moments: what they promised to keep is kept, no process or file is left."""

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid

import numpy as np
import pytest
from PIL import Image
from processes import marked

pytestmark = [pytest.mark.slow, pytest.mark.ngspice]

TRAIN = (
    "meta", "train --dataset glyphs --ways 2 --queries 1 --filters 2 --epochs 400 --iterations 5 "
    "--batch 1 --validation-tasks 2 -o out",
)  # fmt: skip
PRETRAIN = (
    "meta", "pretrain --dataset folder --data pictures --backbone blocks --filters 2 --epochs 2000 "
    "--batch 8 --validation-tasks 2 --score-every 20 -o out",
)  # fmt: skip
SWEEP = ("netlists", "sweep --vary wire_resistance=0:5:400 --vary sigma_wn=0,1 --workers 2 -o out")
VERIFY = ("netlists", "verify --layer conv1 --tile 16x4 --reads 2 -o out")
SIGNALS = [signal.SIGKILL] * 10 + [signal.SIGTERM] * 5 + [signal.SIGHUP] * 2


def draw_pictures(folder):
    """Two pictures of each of five classes, for each split."""
    rng = np.random.default_rng(0)
    for split, letter, number in itertools.product(("train", "validation", "test"), "abcde", "01"):
        (folder / split / letter).mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(rng.integers(0, 255, (28, 28), dtype=np.uint8))
        picture.save(folder / split / letter / f"{number}.png")


def lines(path):
    return path.read_bytes().splitlines() if path.exists() else []


def epochs_of(folder):
    """The rows of a training without the seconds they took: one that was cut off is computed again."""
    return [[row[:1], row[2:]] for row in (line.split(b",") for line in lines(folder / "metrics.csv"))]


@pytest.mark.usefixtures("usual_signals")
@pytest.mark.parametrize(
    "command", [TRAIN, PRETRAIN, SWEEP, VERIFY], ids=["train", "pretrain", "sweep", "verify"]
)
def test_nothing_is_left_of_a_killed_command_and_nothing_kept_is_lost(tmp_path, command):
    package, words = command
    rng, mark, temporary = random.Random(7), uuid.uuid4().hex, tmp_path / "tmp"
    temporary.mkdir()
    draw_pictures(tmp_path / "pictures")
    environment = {
        **os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(temporary),
        "JOBLIB_TEMP_FOLDER": str(temporary), "ROA_KILLED": mark,
    }  # fmt: skip
    environment.pop("TORCHINDUCTOR_CACHE_DIR", None)  # with it, torch makes no folder of its own
    start = [sys.executable, "-c", f"from {package}.commands.entry import main; main()", *words.split()]
    for number, sent in enumerate(SIGNALS):
        begun = package == "meta" and (tmp_path / "out" / "config.toml").exists()
        resumed = ["--resume"] if begun else []
        before = lines(tmp_path / "out" / "points.jsonl"), epochs_of(tmp_path / "out")
        process = subprocess.Popen(
            [*start, *resumed], cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )  # fmt: skip
        started = time.time()
        time.sleep(rng.uniform(1.0, 25.0))
        process.send_signal(sent)
        _, said = process.communicate(timeout=60)
        assert process.returncode in (-sent, 128 + sent, 0), said
        until = time.monotonic() + 10
        while (marked(mark) or list(temporary.iterdir())) and time.monotonic() < until:
            time.sleep(0.1)
        assert marked(mark) == [], (number, sent)
        assert list(temporary.iterdir()) == [], (number, sent)
        assert not list(tmp_path.rglob(".roa-*")), (number, sent)
        if command is VERIFY:  # all that is there is of one run, of this one or of one before
            written = [path.stat().st_mtime for path in (tmp_path / "out").rglob("*") if path.is_file()]
            assert len({moment >= started for moment in written}) <= 1, (number, sent)
        points, epochs = lines(tmp_path / "out" / "points.jsonl"), epochs_of(tmp_path / "out")
        assert points[: len(before[0])] == before[0]
        assert epochs[: len(before[1])] == before[1]
        assert all(json.loads(line) for line in points[:-1])
