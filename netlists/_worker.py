"""The process that holds libngspice: runs one deck and leaves its vectors in a file.

Started by `netlists.ngspice` as `python -m netlists._worker FOLDER LIBRARY`. Speaks in lines
(`log TEXT`, `progress FRACTION`, `version NAME`, `seconds S`, `failed WHY`) on what was its
standard output; whatever libngspice itself prints goes to standard error.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from pathlib import Path
from typing import Any, TextIO

import numpy as np

_PERCENT = re.compile(r"(\d+(?:\.\d+)?)%")
_COMPLAINTS = re.compile(r"error|abort|singular|too small|no convergence|fatal|can't|cannot", re.I)


def main(folder: Path, library: str) -> int:
    """Run the folder's deck.cir; 0 if vectors.npz was written."""
    speaker = _own_stdout()
    # ngspice would obey a .spiceinit of the user's, and change what a deck means.
    os.environ["HOME"] = str(folder)
    logging.disable(logging.CRITICAL)  # PySpice warns of every ngspice it has not seen
    try:
        shared = _load(library, speaker)
    except Exception as error:
        _say(speaker, "failed", f"cannot load {library}: {error}")
        return 1
    _say(speaker, "version", shared.own_version)
    started = time.perf_counter()
    vectors = _run(shared, (folder / "deck.cir").read_text(encoding="utf-8"))
    _say(speaker, "seconds", repr(time.perf_counter() - started))
    if vectors is None:
        _say(speaker, "failed", shared.complaint())
        return 1
    np.savez(folder / "vectors.npz", **vectors)
    return 0


def _own_stdout() -> TextIO:
    """A private copy of standard output, which from now on is standard error."""
    speaker = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    return speaker


def _say(speaker: TextIO, keyword: str, text: str) -> None:
    speaker.write(f"{keyword} {' '.join(text.split())}\n")


def _load(library: str, speaker: TextIO) -> Any:
    """PySpice's NgSpiceShared on the given library, its callbacks passed on."""
    from PySpice.Spice.NgSpice.Shared import NgSpiceShared

    class Shared(NgSpiceShared):  # type: ignore[misc]
        LIBRARY_PATH = library.replace("{", "{{").replace("}", "}}")
        own_version = "ngspice"
        lines: list[str] = []  # noqa: RUF012 - PySpice calls back before __init__ is through

        def send_char(self, message: str, ngspice_id: int) -> int:
            text = str(message).removeprefix("stdout ").removeprefix("stderr ").strip()
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

        def complaint(self) -> str:
            """ngspice's own line that says most of what went wrong."""
            said = [line for line in self.lines if _COMPLAINTS.search(line)]
            return said[0] if said else "the analysis left no vectors"

    return Shared()


def _run(shared: Any, deck: str) -> dict[str, Any] | None:
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
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
