"""The process that runs the program ngspice in batch mode, by the rules of `netlists.simulation._child`.

It needs neither libngspice nor PySpice. A folder with commands.txt in place of deck.cir asks
questions, as in `_ngspice_worker`.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from netlists.simulation._child import Speaker, keep_priority, leave, limit_memory
from netlists.simulation._complaints import OLDEST, complaint, is_banner, is_fatal, is_too_old
from netlists.simulation._raw import read_raw
from roa_circuit.basics.errors import SimulatorError

RAW = "out.raw"
_ROOM, _FULL = 1 << 14, os.strerror(errno.ENOSPC)
_REFERENCE = re.compile(r"Reference value :\s*(\S+)")
_END = re.compile(r"^\.(?:tran\s+\S+|dc\s+\S+\s+\S+)\s+(\S+)", re.I | re.M)
_VERSION = re.compile(r"(?:\*\* |^)(ngspice-\d\S*)", re.M)


def main(folder: Path, program: str, memory: int) -> int:
    """Run the folder's deck.cir or commands.txt; 0 if its result was written."""
    speaker = Speaker()
    keep_priority()
    limit_memory(memory)
    try:
        version = _version(program, folder)
        speaker.say("version", version)
        if is_too_old(version):
            speaker.say("failed", f"{version} is too old: {OLDEST} or later is needed")
            return 1
        speaker.say("program", program)
        if (folder / "commands.txt").exists():
            return _answer(program, folder)
        return _run(program, folder, speaker)
    except OSError as error:
        speaker.say("failed", f"{program} or {folder}: {error.strerror or error}")
    except MemoryError:
        speaker.say("failed", "out of memory")
    return 1


def _started(program: str, folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """The program in the folder, with nobody's .spiceinit in HOME, and one stream for all it prints."""
    return subprocess.Popen(
        [program, *arguments],
        cwd=folder,
        env={**os.environ, "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def _version(program: str, folder: Path) -> str:
    with _started(program, folder, "--version") as process:
        assert process.stdout is not None
        found = _VERSION.search(process.stdout.read().decode("utf-8", errors="replace"))
    return found[1] if found else "ngspice"


def _run(program: str, folder: Path, speaker: Speaker) -> int:
    started = time.perf_counter()
    deck = (folder / "deck.cir").read_text(encoding="utf-8")
    (folder / "run.cir").write_text(_writing(deck), encoding="utf-8")
    ends = _END.search(deck)
    end, lines = _number(ends[1]) if ends else None, []
    with _started(program, folder, "-b", "-n", "run.cir") as process:
        assert process.stdout is not None
        for text in _lines(process.stdout):
            reached = _REFERENCE.search(text)
            if reached and end and (at := _number(reached[1])) is not None:
                speaker.say("progress", repr(min(at / end, 1.0)))
            if not is_banner(text):
                lines.append(text)
                speaker.say("log", text)
    if process.returncode < 0:
        os.kill(os.getpid(), -process.returncode)  # its crash is ours: what watches us tells them apart
    speaker.say("seconds", repr(time.perf_counter() - started))
    if process.returncode or any(map(is_fatal, lines)) or not (folder / RAW).exists():
        speaker.say("failed", complaint(lines))
        return 1
    try:
        vectors = read_raw(folder / RAW)
    except SimulatorError as error:
        speaker.say("failed", f"cannot write to {folder}: {_FULL}" if _is_full(folder) else str(error))
        return 1
    leave({_vector(name): values for name, values in vectors.items()}, folder)
    return 0


def _writing(deck: str) -> str:
    """The deck with commands that run it and write a raw file.

    ngspice 39's own `-r` cannot: with the option `interp` it writes the head of the file at every point.
    """
    lines = deck.rstrip().splitlines()
    body = lines[:-1] if lines[-1].strip().lower() == ".end" else lines
    return "\n".join([*body, ".control", "run", f"write {RAW}", "quit 0", ".endc", ".end\n"])


def _is_full(folder: Path) -> bool:
    """Whether the disk has no room left; ngspice then writes part of a file and says nothing."""
    return shutil.disk_usage(folder).free < _ROOM


def _lines(stream: IO[bytes]) -> Iterator[str]:
    """What is printed, line by line; carriage returns, which end lines of progress, end lines too."""
    rest = b""
    while chunk := os.read(stream.fileno(), 65536):
        *whole, rest = re.split(rb"[\r\n]+", rest + chunk)
        yield from (line.decode("utf-8", errors="replace").strip() for line in whole)
    yield rest.decode("utf-8", errors="replace").strip()


def _vector(name: str) -> str:
    """A raw file's 'v(drive0)' or 'i(vsense0)' as the library calls the vector."""
    found = re.fullmatch(r"([vi])\((.*)\)", name)
    if not found:
        return name
    return found[2] if found[1] == "v" or found[2].endswith("#branch") else f"{found[2]}#branch"


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:  # a suffix, such as 10u
        return None


def _answer(program: str, folder: Path) -> int:
    """Give ngspice every line of commands.txt, each in the control section of an empty deck.

    A process each: complaints go to another stream, and would overtake other commands' answers.
    """
    answers = {}
    for command in (folder / "commands.txt").read_text(encoding="utf-8").splitlines():
        script = ["* a question", ".control", command, "quit 0", ".endc", ".end\n"]
        (folder / "question.cir").write_text("\n".join(script), encoding="utf-8")
        with _started(program, folder, "-b", "-n", "question.cir") as process:
            assert process.stdout is not None
            answers[command] = [text for text in _lines(process.stdout) if text]
    (folder / "answers.json").write_text(json.dumps(answers), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
