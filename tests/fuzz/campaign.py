"""A campaign of damaged commands: `python campaign.py COUNT SEED FOLDER [--log FILE] [--only N]`.

Every command runs in a forked child of this process, which has loaded all packages before, with limits
on its memory and time. A misdeed is an exit code that is not documented, that of an unforeseen error, a
traceback, a message of a megabyte, a hang, gigabytes, or a file or process that is left behind. Each
is a line of JSON on standard output. With a log, every command leaves a line there, and those that
it has are not run again, and `--seconds` begins none later. `--only` runs one command and leaves its
folder; seed -1 damages nothing.
"""

import argparse
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
import tempfile
import time
import traceback
import uuid
from pathlib import Path

from material import COMMANDS, DEAR, make_files
from PIL import Image

SECONDS, MEMORY, LONGEST_LINE = 60, 8 << 30, 1000
RESIDENT = 4 << 20  # KiB that no command of these small files should take
ALLOWED = {0, 2, 3}
CHECKING = {"fit", "spread", "program", "verify", "doctor"}  # may end with 1, a check that failed
WORDS = (
    "nan", "inf", "-inf", "-1", "0", "1e400", "1e-400", "9" * 400, "9" * 5000, "1e9", "2**79",
    "", " ", "[v2]", "[/x]", "\x1b[31mred", "a/../../b", "'\"", "\udcff", "日本", "true", "null",
    "[]", "{}", "1,2", "0:5:1e9", "é" * 300, "1000000", "0.5", "1e-30", "/dev/null", "--seed",
)  # fmt: skip


def damage(path, rng):
    """Damage a file, or put something else in its place."""
    if path.is_dir():
        return damage(rng.choice(sorted(one for one in path.rglob("*") if one.is_file())), rng)
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
    cheap = [one for one in COMMANDS if one[1].split()[0] not in DEAR]
    package, text = rng.choice(COMMANDS if rng.random() < 0.2 else cheap)
    files = [n for n, word in enumerate(text.split()) if word.startswith("{")]
    package, words = filled(package, text)
    if files and rng.random() < 0.75:
        damage(folder / words[rng.choice(files)], rng)
    elif len(words) > 1:
        at = rng.choice(range(1, len(words)))
        if words[at] not in ("--workers", "--time-limit") and words[at - 1] not in UNTOUCHED:
            words[at] = rng.choice(WORDS)
    return package, words


def filled(package, text):
    """(package, words) of a command with the names of its files."""
    return package, [word.strip("{}") for word in text.split()]


UNTOUCHED = (
    *("--workers", "--time-limit", "-o", "--json"),
    *("--epochs", "--iterations", "--batch", "--validation-tasks"),
)
"""Options whose value must stay: how long a command may take, and where its results are looked for."""


def run(package, words, folder):
    """(misdeed of a command that runs in `folder`, None if it behaves; its exit code; what it says)."""
    said, mark = folder.with_suffix(".said"), uuid.uuid4().hex
    child = os.fork()
    if child == 0:
        behave(package, words, folder, said, mark)
    until = time.monotonic() + SECONDS
    while (ended := os.wait4(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > until:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "hangs", None, said.read_text(errors="replace")
        time.sleep(0.005)
    code, text = os.waitstatus_to_exitcode(ended[1]), said.read_text(errors="replace")
    found = misdeed(words, folder, code, text) or left(folder, mark)
    if found is None and ended[2].ru_maxrss > RESIDENT:
        found = f"takes {ended[2].ru_maxrss >> 10} MiB"
    return found, code, text


def misdeed(words, folder, code, text):
    """What is wrong with how a command ended; None if nothing is."""
    if code not in ALLOWED | ({1} if words[0] in CHECKING else set()) or "Traceback" in text:
        kept = [one.read_text(errors="replace")[-1500:] for one in (folder / "tmp").glob("roa-error-*")]
        return f"exit code {code}: {text[-600:]}{kept}"
    if code and not text.strip():
        return f"exit code {code} without a word"
    if code and len(text.splitlines()[-1]) > LONGEST_LINE:
        return f"a line of {max(map(len, text.splitlines()))} characters"
    return f"a control character in {text[-300:]!r}" if "\x1b" in text else None


def left(folder, mark):
    """What a command leaves behind ten seconds after its end, or half written; None if nothing."""
    until = time.monotonic() + 10
    while True:
        files = [*folder.rglob(".roa-*"), *(folder / "tmp").iterdir()]
        files = [one.name for one in files if "failed" not in one.name]
        processes = marked(mark)
        if not files and not processes:
            break
        if time.monotonic() > until:
            return f"left files {files} and processes {processes}"
        time.sleep(0.05)
    for path in [*folder.glob("*.json"), *(folder / "out").rglob("*")]:
        if path.is_file() and not is_whole(path):
            return f"left {path.name} half written"
    return None


def is_whole(path):
    """Whether a file that a command has written goes on to its end; others count as whole."""
    if path.suffix == ".json":
        return contains(json.loads, path.read_text())
    if path.suffix == ".html":
        return path.read_text().rstrip().endswith("</html>")
    return path.name not in ("l.npz", "sweep.nc") or path.stat().st_size > 0


def contains(read, text):
    """Whether a text can be read."""
    with contextlib.suppress(ValueError):
        return read(text) is not None
    return False


def behave(package, words, folder, said, mark):
    """The child: run the command with limits, and end."""
    code = 99
    try:
        os.chdir(folder)
        os.setsid()
        file = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        (folder / "tmp").mkdir()
        os.environ |= {"TMPDIR": str(folder / "tmp"), "ROA_CAMPAIGN": mark}
        tempfile.tempdir = None
        sys.argv = [f"roa-{package}", *words]
        sys.modules[f"{package}.commands.cli"].main()
    except SystemExit as stop:
        code = stop.code
    except BaseException:
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        os._exit(code)


def marked(mark):
    """The processes that a command with this mark has started."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"ROA_CAMPAIGN={mark}".encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
    return found


LATE = (
    "lmfit", "matplotlib.backends.backend_svg", "matplotlib.figure", "plotly", "xarray", "SALib",
    "joblib", "distributed", "h5py", "charset_normalizer", "rich.progress", "safetensors.torch",
    "torch._dynamo", "typer._adapters",
)  # fmt: skip
"""What commands load as they run, which takes longer than most of them."""


def preload():
    """Load all that commands load as they run, so that a child need not."""
    for package in ("roa_circuit", "fitting", "netlists", "meta"):
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if not module.name.rpartition(".")[2].startswith("_"):
                importlib.import_module(module.name)
    for name in LATE:
        importlib.import_module(name)
    Image.init()


def main():
    """Run the commands that are asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int)
    parser.add_argument("seed", type=int)
    parser.add_argument("place", type=Path)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--only", type=int)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    asked = parser.parse_args()
    until = time.monotonic() + asked.seconds
    preload()
    valid = asked.place / "valid"
    valid.mkdir(parents=True)
    make_files(valid)
    lines = asked.log.read_text().splitlines() if asked.log and asked.log.exists() else []
    done = {(one["seed"], one["number"]) for one in map(json.loads, lines)}
    count = min(asked.count, len(COMMANDS)) if asked.seed < 0 else asked.count
    for number in range(count) if asked.only is None else [asked.only]:
        if (asked.seed, number) not in done and time.monotonic() < until:
            one_command(asked, number, valid)


def one_command(asked, number, valid):
    """Damage a command, run it, and say what became of it."""
    folder, begun = asked.place / f"{asked.seed}-{number}", time.perf_counter()
    shutil.copytree(valid, folder)
    if asked.seed < 0:
        package, words = filled(*COMMANDS[number])
    else:
        package, words = damaged_command(random.Random(f"{asked.seed}-{number}"), folder)
    found, code, text = run(package, words, folder)
    if found is None and asked.seed < 0 and code and "omniglot.npz" not in words:  # which is too small
        found = f"exit code {code} of a command that nothing is wrong with: {text[-600:]}"
    line = {
        "seed": asked.seed, "number": number, "command": [package, *words], "misdeed": found,
        "code": code, "seconds": round(time.perf_counter() - begun, 2), "said": text[-300:],
    }  # fmt: skip
    if found is not None or asked.only is not None:
        print(json.dumps(line), flush=True)
    if asked.log:
        with asked.log.open("a") as file:
            print(json.dumps(line), file=file)
    if asked.only is None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.with_suffix(".said").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
