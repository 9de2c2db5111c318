"""The last resort: what a command says and keeps of an error that nobody foresaw."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
import tempfile
import traceback
from pathlib import Path

from roa_circuit.basics import results
from roa_circuit.basics.files import last_opened
from roa_circuit.basics.interrupts import postponed
from roa_circuit.basics.text import shortened


def report(error: BaseException) -> str:
    """What to tell of the error, in a line; its traceback goes to a file in the temporary folder."""
    file = last_opened()
    reading = f"; the last file that was read is {file}" if file else ""
    kept = _kept(error)
    where = f"please report it with {kept}" if kept else f"please report it: {_place(error)}"
    return f"unforeseen {type(error).__name__}: {shortened(str(error), 200)}{reading}; {where}"


@postponed()
def _kept(error: BaseException) -> Path | None:
    """The file that keeps the traceback and what led to it; None where it cannot be written."""
    with contextlib.suppress(OSError):
        handle, name = tempfile.mkstemp(prefix="roa-error-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{shlex.join(sys.argv)}\nin {Path.cwd()}\n{results.provenance()}\n\n")
            file.writelines(traceback.format_exception(error))
        return Path(name)
    return None


def _place(error: BaseException) -> str:
    """Where it happened, for lack of a file: 'read.py, line 12, in sensed'."""
    steps = traceback.extract_tb(error.__traceback__)
    return (
        f"{Path(steps[-1].filename).name}, line {steps[-1].lineno}, in {steps[-1].name}" if steps else ""
    )
