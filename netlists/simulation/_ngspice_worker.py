"""The process that holds libngspice, by the rules of `netlists.simulation._child`.

A folder with commands.txt in place of deck.cir asks questions: ngspice is given each line, and its
answers go to answers.json.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from netlists.simulation._child import Speaker, keep_priority, leave, limit_memory
from netlists.simulation._complaints import OLDEST, complaint, is_banner, is_fatal, is_too_old

_PERCENT = re.compile(r"(\d+(?:\.\d+)?)%")


def main(folder: Path, library: str, memory: int) -> int:
    """Run the folder's deck.cir or commands.txt; 0 if its result was written."""
    speaker = Speaker()
    keep_priority()
    limit_memory(memory)
    # ngspice would obey a .spiceinit of the user's, and change what a deck means.
    os.environ["HOME"] = str(folder)
    logging.disable(logging.CRITICAL)  # PySpice warns of every ngspice it has not seen
    try:
        shared = _load(library, speaker)
    except Exception as error:
        why = f"{_whose(error, library)}: {error}"
        speaker.say("failed", f"{why}; --via binary runs the program instead")
        return 1
    if is_too_old(shared.own_version):
        speaker.say("failed", f"{shared.own_version} is too old: {OLDEST} or later is needed")
        return 1
    speaker.say("version", shared.own_version)
    speaker.say("program", _loaded_file() or library)
    try:
        return (
            _answer(shared, folder)
            if (folder / "commands.txt").exists()
            else _run(shared, folder, speaker)
        )
    except OSError as error:
        speaker.say("failed", f"cannot write to {folder}: {error.strerror or error}")
    except MemoryError:
        speaker.say("failed", "out of memory")
    return 1


def _whose(error: Exception, library: str) -> str:
    """What cannot be loaded: PySpice is imported before it loads the library."""
    return "cannot import PySpice" if isinstance(error, ImportError) else f"cannot load {library}"


def _load(library: str, speaker: Speaker) -> Any:
    """PySpice's NgSpiceShared on the given library, with its callbacks passed on to the parent."""
    from PySpice.Spice.NgSpice.Shared import NgSpiceShared

    class Shared(NgSpiceShared):  # type: ignore[misc]
        LIBRARY_PATH = library.replace("{", "{{").replace("}", "}}")
        own_version = "ngspice"
        heard: list[str] = []  # noqa: RUF012 - PySpice calls back before __init__ is through
        lines: list[str] = []  # noqa: RUF012 - those of them that are no banner

        def send_char(self, message: str, ngspice_id: int) -> int:
            text = str(message).removeprefix("stdout ").removeprefix("stderr ").strip()
            self.heard.append(text)
            found = re.match(r"\*\* (ngspice-\S+)", text)
            if found:
                self.own_version = found[1]
            elif not is_banner(text):
                self.lines.append(text)
                speaker.say("log", text)
            return 0

        def send_stat(self, message: str, ngspice_id: int) -> int:
            percent = _PERCENT.search(str(message))
            if percent:
                speaker.say("progress", repr(float(percent[1]) / 100))
            return 0

    return Shared()


def _loaded_file() -> str | None:
    """The file that libngspice was loaded from, if the system shows its mapped files."""
    try:
        mapped = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.search(r"(/\S*libngspice\S*)", mapped)
    return found[1] if found else None


def _answer(shared: Any, folder: Path) -> int:
    """Ask every line of commands.txt; to an unknown command ngspice answers that it is unknown."""
    answers = {}
    for command in (folder / "commands.txt").read_text(encoding="utf-8").splitlines():
        shared.heard.clear()
        with contextlib.suppress(Exception):
            shared.exec_command(command)
        answers[command] = list(shared.heard)
    (folder / "answers.json").write_text(json.dumps(answers), encoding="utf-8")
    return 0


def _run(shared: Any, folder: Path, speaker: Speaker) -> int:
    started = time.perf_counter()
    vectors = _vectors(shared, (folder / "deck.cir").read_text(encoding="utf-8"))
    speaker.say("seconds", repr(time.perf_counter() - started))
    if vectors is None:
        speaker.say("failed", complaint(shared.lines))
        return 1
    leave(vectors, folder)
    return 0


def _vectors(shared: Any, deck: str) -> dict[str, Any] | None:
    """The vectors of the deck's last analysis, or None if that did not run to its end."""
    try:
        shared.load_circuit(deck)
        shared.run()
    except Exception:
        # PySpice takes any line on stderr for an error, a note included; the lines decide.
        if not shared.lines:
            raise
    plot = shared.last_plot
    if plot == "const" or any(is_fatal(line) for line in shared.lines):
        return None
    vectors = shared.plot(None, plot)
    return {str(name).lower(): np.real(vector._data) for name, vector in vectors.items()}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
