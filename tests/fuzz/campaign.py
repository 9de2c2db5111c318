"""A campaign of damaged commands: `python campaign.py COUNT SEED FOLDER` prints a line a misdeed.

Every command runs in a forked child of this process, which has loaded all packages before, with limits
on its memory and time. A misdeed is an exit code that is not documented, that of an unforeseen error, a
traceback, a message of a megabyte, a hang, or a file or process that is left behind.
"""

import atexit
import contextlib
import importlib
import json
import os
import pkgutil
import random
import resource
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

SECONDS, MEMORY, LONGEST_LINE = 60, 8 << 30, 1000
ALLOWED = {0, 1, 2, 3}
WORDS = (
    "nan", "inf", "-inf", "-1", "0", "1e400", "1e-400", "9" * 400, "9" * 5000, "1e9", "2**79",
    "", " ", "[v2]", "[/x]", "\x1b[31mred", "a/../../b", "'\"", "\udcff", "日本", "true", "null",
    "[]", "{}", "1,2", "0:5:1e9", "é" * 300,
)  # fmt: skip
PICTURES = "--dataset folder --data {pictures} --queries 1 --ways 2"
SOLVE = "solve --states {states.csv} --inputs {inputs.csv} -o o.csv"
COMMANDS = (
    ("fitting", "fit {pulses.csv} -o out"),
    ("fitting", "inspect {pulses.csv}"),
    ("fitting", "spread {pulses.csv} -o out"),
    ("fitting", "design --device {device.toml} -o out"),
    ("netlists", SOLVE + " --device {device.toml}"),
    ("netlists", "solve --states {states.npy} --inputs {inputs.npz} -o o.csv --circuit {circuit.toml}"),
    ("netlists", SOLVE + " --imperfections {faults.toml}"),
    ("netlists", "program --target {states.csv} --start 0.4 --device {device.toml} -o p.csv"),
    ("netlists", "layer --weights {weights.csv} --device {device.toml} -o l.npz"),
    ("netlists", "compensate --layer {layer.npz}"),
    ("netlists", "netlist --layer {layer.npz} -o deck.cir"),
    ("netlists", "sweep {sweep.toml} --layer {layer.npz} --workers 1 -o out"),
    ("netlists", "sweep --layer {layer.npz} --vary sigma_wn=0,1 --circuit {circuit.toml} --workers 1"),
    ("netlists", "verify --layer {layer.npz} --phase read --time-limit 20 -o out"),
    ("meta", f"adapt --network {{network.safetensors}} {PICTURES} -o out"),
    ("meta", f"evaluate --network {{network.safetensors}} {PICTURES} --tasks 2"),
    ("meta", "adapt --dataset omniglot --data {omniglot.npz} -o out"),
    ("meta", "train --dataset folder --data {pictures} --config {train.toml} -o out"),
)  # fmt: skip


def make_files(folder):
    """Valid files of every kind, small."""
    import torch

    from meta.network.architecture import Architecture
    from meta.network.convolutional import Network
    from meta.training.configuration import Training
    from roa_circuit.circuit.design_point import default_device
    from roa_circuit.layers.programmed import ProgrammedLayer

    rng = np.random.default_rng(0)
    state, volts = rng.uniform(0.1, 0.9, (4, 3)), rng.uniform(0, 0.1, (2, 4))
    for name, matrix in (("states", state), ("inputs", volts), ("weights", 2 * state - 1)):
        np.savetxt(folder / f"{name}.csv", matrix, delimiter=",")
        np.save(folder / f"{name}.npy", matrix)
        np.savez(folder / f"{name}.npz", matrix)
    ProgrammedLayer.of_weights(2 * state - 1, volts * 10, labels=np.array([0, 1])).save(
        folder / "layer.npz"
    )
    (folder / "device.toml").write_text(default_device().to_toml())
    (folder / "circuit.toml").write_text(
        '"temperature [K]" = 320.0\n"c_word [F]" = 1e-15\n[lines]\n"r_word [Ohm]" = 2.0\n'
    )
    (folder / "faults.toml").write_text(
        '"stuck_on [-]" = 0.1\n"adc_bits [-]" = 6\n"adc_range [A]" = 1e-3\n'
    )
    (folder / "sweep.toml").write_text(
        'design = "grid"\nrepeats = 2\nseed = 0\n[vary]\nwire_resistance = "0:2:3"\n'
    )
    rows = ["train,voltage [V],width [s],read_voltage [V],conductance [S]"]
    rows += [f"up,{-1.1 if n else 0},3e-6,0.1,{1e-3 + 2e-5 * n - 2e-7 * n * n}" for n in range(12)]
    rows += [f"down,{1.4 if n else 0},3e-5,0.1,{1.2e-3 - 2e-5 * n + 2e-7 * n * n}" for n in range(12)]
    (folder / "pulses.csv").write_text("\n".join(rows) + "\n")
    how = Training(
        dataset="folder",
        ways=2,
        queries=1,
        filters=2,
        epochs=1,
        iterations=2,
        batch=1,
        validation_tasks=1,
    )
    (folder / "train.toml").write_text(how.to_toml())
    architecture = Architecture(ways=2, filters=2)
    Network(architecture, torch.Generator().manual_seed(0)).save(
        folder / "network.safetensors", training={}
    )
    for split in ("train", "validation", "test"):
        for letter in "ab":
            inside = folder / "pictures" / split / letter
            inside.mkdir(parents=True)
            for number in range(3):
                Image.fromarray(rng.integers(0, 255, (28, 28), dtype=np.uint8)).save(
                    inside / f"{number}.png"
                )
    packed = rng.integers(0, 255, (2, 20, 1379), dtype=np.uint8)
    np.savez_compressed(folder / "omniglot.npz", packed=packed, names=np.array(["a/b", "a/c"]))


def damage(path, rng):
    """Damage a file, or put something else in its place."""
    if path.is_dir():
        return damage(rng.choice(sorted(path.rglob("*.png"))), rng)
    content, kind = bytearray(path.read_bytes()), rng.randrange(10)
    is_text = path.suffix in (".csv", ".toml")
    if kind == 0:
        content = content[: rng.randrange(len(content))]
    elif kind == 1:
        content = bytearray(
            rng.choice([b"", b"\0" * 100, b"\xff" * 1000, b"[" * 100_000, b"a=" + b"[" * 3000])
        )
    elif kind == 2:
        path.unlink()
        what = rng.choice(["fifo", "folder", "zero", "loop", "nothing"])
        if what == "fifo":
            os.mkfifo(path)
        elif what == "folder":
            path.mkdir()
        elif what != "nothing":
            path.symlink_to("/dev/zero" if what == "zero" else path)
        return None
    elif is_text:
        lines = content.decode().splitlines()
        for _ in range(rng.randrange(1, 3)):
            at = rng.randrange(len(lines))
            if rng.random() < 0.3:
                lines[at : at + 1] = [] if rng.random() < 0.5 and len(lines) > 1 else [lines[at]] * 2
                continue
            mark = "=" if path.suffix == ".toml" else ","
            cells = lines[at].split(mark)
            cells[rng.randrange(len(cells))] = rng.choice(WORDS)
            lines[at] = mark.join(cells)
        content = bytearray("\n".join(lines).encode(errors="surrogateescape"))
    else:
        for _ in range(rng.choice([1, 1, 3, 30])):
            content[rng.randrange(min(len(content), rng.choice([200, 2000, 10**9])))] = rng.randrange(
                256
            )
    path.write_bytes(content)
    return None


def damaged_command(rng, folder):
    """(package, words) of a command in a folder with its files, of which one or a word is damaged."""
    package, text = rng.choice(COMMANDS)
    words = text.split()
    files = [n for n, word in enumerate(words) if word.startswith("{")]
    for n in files:
        words[n] = words[n].strip("{}")
    if rng.random() < 0.75:
        damage(folder / words[rng.choice(files)], rng)
    else:
        at = rng.choice(
            [n for n in range(1, len(words)) if words[n] not in ("--workers", "--time-limit")]
        )
        words[at] = rng.choice(WORDS).replace("\0", "")
    return package, words


def run(package, words, folder):
    """The misdeed of a command that runs in `folder`; None if it behaves."""
    said = folder.with_suffix(".said")
    child = os.fork()
    if child == 0:
        behave(package, words, folder, said)
    until = time.monotonic() + SECONDS
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "hangs"
        time.sleep(0.005)
    code, text = os.waitstatus_to_exitcode(ended[1]), said.read_text(errors="replace")
    if code not in ALLOWED or "Traceback" in text:
        return f"exit code {code}: {text[-600:]}"
    if code and len(text.splitlines()[-1] if text else "") > LONGEST_LINE:
        return f"a line of {max(map(len, text.splitlines()))} characters"
    if "\x1b" in text:
        return f"a control character in {text[-300:]!r}"
    left = [*folder.rglob(".roa-*"), *(folder / "tmp").iterdir()]
    left = [one for one in left if "failed" not in one.name]
    return f"left {left}" if left else None


def behave(package, words, folder, said):
    """The child: run the command with limits, and end."""
    os.chdir(folder)
    os.setsid()
    file = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    (folder / "tmp").mkdir()
    os.environ["TMPDIR"] = str(folder / "tmp")
    import tempfile

    tempfile.tempdir = None
    sys.argv = [f"roa-{package}", *words]
    code = 99
    try:
        sys.modules[f"{package}.commands.cli"].main()
    except SystemExit as stop:
        code = stop.code
    finally:
        atexit._run_exitfuncs()
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        os._exit(code)


def marked(mark):
    """The processes that carry a mark in their environment, but this one."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"ROA_CAMPAIGN={mark}".encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
    return [pid for pid in found if pid != os.getpid()]


def preload():
    """Load all that commands load as they run, so that a child need not."""
    for package in ("roa_circuit", "fitting", "netlists", "meta"):
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if not module.name.rpartition(".")[2].startswith("_"):
                importlib.import_module(module.name)
    for name in ("lmfit", "matplotlib.backends.backend_svg", "plotly", "xarray", "SALib", "joblib"):
        importlib.import_module(name)
    Image.init()


def main(count, seed, place):
    preload()
    rng, valid = random.Random(seed), place / "valid"
    valid.mkdir(parents=True)
    make_files(valid)
    for number in range(count):
        folder = place / f"{seed}-{number}"
        shutil.copytree(valid, folder)
        package, words = damaged_command(rng, folder)
        misdeed = run(package, words, folder)
        if misdeed is not None:
            print(
                json.dumps(
                    {"seed": seed, "number": number, "command": [package, *words], "misdeed": misdeed}
                ),
                flush=True,
            )
        if misdeed is None or "--keep" not in sys.argv:
            shutil.rmtree(folder, ignore_errors=True)
            folder.with_suffix(".said").unlink(missing_ok=True)
    mark, until = os.environ.get("ROA_CAMPAIGN", ""), time.monotonic() + 10
    while mark and marked(mark) and time.monotonic() < until:
        time.sleep(0.1)
    if mark and (left := marked(mark)):
        print(json.dumps({"seed": seed, "misdeed": f"processes {left} are left"}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
