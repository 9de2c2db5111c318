"""ngspice: its shared library, driven through PySpice by `netlists.simulation._ngspice_worker`."""

from __future__ import annotations

import ctypes.util
import json
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from netlists.simulation._process import Limits, Worker
from netlists.simulation.run import (
    DEFAULT_MEMORY_LIMIT,
    Simulator,
    write_deck_file,
)
from netlists.simulation.scratch import private_folder
from roa_circuit.basics.errors import SimulatorError

LIBRARY_VARIABLE = "NGSPICE_LIBRARY_PATH"
"""The environment variable that names libngspice where the usual places do not hold it."""

_USUAL_PLACES = (
    "/opt/homebrew/lib/libngspice.dylib",
    "/usr/local/lib/libngspice.dylib",
    "/usr/local/lib/libngspice.so.0",
    "/usr/lib/x86_64-linux-gnu/libngspice.so.0",
    "/usr/lib/aarch64-linux-gnu/libngspice.so.0",
)
# Of a second attempt. Gear damps the ringing of trapezoids; results keep the deck's tolerances.
_SAFER_OPTIONS = ".options method=gear itl1=2000 itl2=1000 itl4=200"


def find_library() -> str:
    """The path or soname of libngspice.

    Raises
    ------
    SimulatorError : nowhere; the message says how to install it.
    """
    named = os.environ.get(LIBRARY_VARIABLE)
    if named:
        if not Path(named).is_file():
            raise SimulatorError(f"{LIBRARY_VARIABLE} names {named!r}, which is not a file")
        return named
    found = ctypes.util.find_library("ngspice")
    if found:
        return found
    for place in _USUAL_PLACES:
        if Path(place).is_file():
            return place
    raise SimulatorError(
        "libngspice is not installed: 'apt install libngspice0' on Debian and Ubuntu, "
        f"'brew install libngspice' on macOS, or name the file in {LIBRARY_VARIABLE}"
    )


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What libngspice says of itself: its file, its version, the lines it answers to each command."""

    library: str
    version: str
    lines: dict[str, list[str]]


def ask(commands: Sequence[str], *, time_limit: float = 60.0) -> Answers:
    """Give commands to ngspice, in a process of its own.

    Raises
    ------
    SimulatorError : no libngspice, or one that cannot be loaded.
    """
    library = find_library()
    limits = Limits(seconds=time_limit, memory=DEFAULT_MEMORY_LIMIT)
    with private_folder() as folder:
        write_deck_file(folder / "commands.txt", "\n".join(commands) + "\n")
        with Worker(NGSPICE.worker, folder, library, limits, None) as worker:
            reason = worker.wait(time.monotonic() + time_limit, threading.Event())
        if reason is None and (folder / "answers.json").exists():
            lines = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
            loaded = worker.program or library
            return Answers(library=loaded, version=str(worker.version), lines=lines)
        reason = reason or worker.last_words()
        raise SimulatorError(f"ngspice: {reason}", log="\n".join(worker.log))


def _safer(deck: str) -> str:
    """The deck with options that trade speed for convergence; a later card overrides."""
    lines = deck.rstrip().splitlines()
    body = lines[:-1] if lines[-1].strip().lower() == ".end" else lines
    return "\n".join([*body, _SAFER_OPTIONS, ".end\n"])


NGSPICE = Simulator(
    name="ngspice",
    suffix=".cir",
    worker="netlists.simulation._ngspice_worker",
    find=find_library,
    safer=_safer,
)
simulate = NGSPICE.simulate
simulate_all = NGSPICE.simulate_all
is_available = NGSPICE.is_available
