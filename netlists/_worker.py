"""The process that holds libngspice: runs one deck and leaves its vectors in a file.

Started by `netlists._process` as `python -m netlists._worker FOLDER LIBRARY MEMORY`; MEMORY is its
limit in bytes, 0 for none. A folder with commands.txt in place of deck.cir is a question: each line is
given to ngspice, and what it answers goes to answers.json.

Speaks in lines (`log TEXT`, `progress FRACTION`, `version NAME`, `library FILE`, `seconds S`,
`failed WHY`) on what was its standard output; whatever libngspice itself prints goes to standard
error. It ends when its standard input closes: no simulation outlives the program that asked for it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import sys
import threading
import time
from pathlib import Path
from typing import Any, TextIO

import numpy as np

_PERCENT = re.compile(r"(\d+(?:\.\d+)?)%")
_COMPLAINTS = re.compile(r"error|abort|singular|too small|no convergence|fatal|can't|cannot", re.I)


def main(folder: Path, library: str, memory: int) -> int:
    """Run the folder's deck.cir or commands.txt; 0 if its result was written."""
    speaker = _own_stdout()
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    _limit_memory(memory)
    # ngspice would obey a .spiceinit of the user's, and change what a deck means.
    os.environ["HOME"] = str(folder)
    logging.disable(logging.CRITICAL)  # PySpice warns of every ngspice it has not seen
    try:
        shared = _load(library, speaker)
    except Exception as error:
        _say(speaker, "failed", f"cannot load {library}: {error}")
        return 1
    _say(speaker, "version", shared.own_version)
    _say(speaker, "library", _loaded_file() or library)
    try:
        return _answer(shared, folder) if (folder / "commands.txt").exists() else _run(shared, folder)
    except OSError as error:
        _say(speaker, "failed", f"cannot write to {folder}: {error.strerror or error}")
    except MemoryError:
        _say(speaker, "failed", "out of memory")
    return 1


def _own_stdout() -> TextIO:
    """A private copy of standard output, which from now on is standard error."""
    speaker = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    return speaker


def _end_with_the_parent() -> None:
    """Wait for the other end of standard input to close, which is the parent's end at the latest."""
    while os.read(0, 4096):
        pass
    os._exit(1)


def _limit_memory(limit: int) -> None:
    """Let allocations beyond `limit` bytes fail, where the system knows such a limit."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        if limit:
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _say(speaker: TextIO, keyword: str, text: str) -> None:
    speaker.write(f"{keyword} {' '.join(text.split())}\n")


def _load(library: str, speaker: TextIO) -> Any:
    """PySpice's NgSpiceShared on the given library, its callbacks passed on."""
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
            elif text and not text.startswith(("**", "Reference value")):
                self.lines.append(text)
                _say(speaker, "log", text)
            return 0

        def send_stat(self, message: str, ngspice_id: int) -> int:
            percent = _PERCENT.search(str(message))
            if percent:
                _say(speaker, "progress", repr(float(percent[1]) / 100))
            return 0

        def say(self, keyword: str, text: str) -> None:
            _say(speaker, keyword, text)

        def complaint(self) -> str:
            """ngspice's own line that says most of what went wrong."""
            said = [line for line in self.lines if _COMPLAINTS.search(line)]
            return said[0] if said else "the analysis left no vectors"

    return Shared()


def _loaded_file() -> str | None:
    """The file that libngspice was loaded from, where the system shows what it has mapped."""
    try:
        mapped = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.search(r"(/\S*libngspice\S*)", mapped)
    return found[1] if found else None


def _answer(shared: Any, folder: Path) -> int:
    """Ask every line of commands.txt; a command that ngspice does not know answers so itself."""
    answers = {}
    for command in (folder / "commands.txt").read_text(encoding="utf-8").splitlines():
        shared.heard.clear()
        with contextlib.suppress(Exception):
            shared.exec_command(command)
        answers[command] = list(shared.heard)
    (folder / "answers.json").write_text(json.dumps(answers), encoding="utf-8")
    return 0


def _run(shared: Any, folder: Path) -> int:
    started = time.perf_counter()
    vectors = _vectors(shared, (folder / "deck.cir").read_text(encoding="utf-8"))
    shared.say("seconds", repr(time.perf_counter() - started))
    if vectors is None:
        shared.say("failed", shared.complaint())
        return 1
    # Under its final name only when complete: a full disk must not leave half a result.
    np.savez(folder / "part.npz", **vectors)
    (folder / "part.npz").replace(folder / "vectors.npz")
    return 0


def _vectors(shared: Any, deck: str) -> dict[str, Any] | None:
    """The vectors of the deck's last analysis; None if it did not run to its end."""
    try:
        shared.load_circuit(deck)
        shared.run()
    except Exception:
        # PySpice takes any line on stderr for an error, a note included; the lines decide.
        if not shared.lines:
            raise
    plot = shared.last_plot
    if plot == "const" or any(_is_fatal(line) for line in shared.lines):
        return None
    vectors = shared.plot(None, plot)
    return {str(name).lower(): np.real(vector._data) for name, vector in vectors.items()}


def _is_fatal(line: str) -> bool:
    lowered = line.lower()
    return (
        lowered.startswith(("error", "fatal"))
        or "aborted" in lowered
        or "interrupted due to error" in lowered
        or "timestep too small" in lowered
    )


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
