"""ngspice, driven in one of two ways.

Its shared library goes through PySpice (`netlists.simulation._ngspice_worker`). Where either is
missing, or the program is asked for, `ngspice -b` runs the same decks and leaves a raw file
(`netlists.simulation._ngspice_program_worker`).
"""

from __future__ import annotations

import ctypes.util
import importlib.util
import json
import os
import shutil
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from netlists.simulation._process import Limits, Worker
from netlists.simulation.run import (
    DEFAULT_MEMORY_LIMIT,
    Simulator,
    Way,
    write_deck_file,
)
from netlists.simulation.scratch import private_folder
from roa_circuit.basics.errors import SimulatorError

LIBRARY_VARIABLE = "NGSPICE_LIBRARY_PATH"
"""The environment variable that names libngspice where the usual places do not hold it."""

PROGRAM_VARIABLE = "NGSPICE_PATH"
"""The environment variable that names the program ngspice where PATH does not hold it."""


class Via(StrEnum):
    """How ngspice is driven: its library, its program, or the library if it and PySpice are here."""

    auto = "auto"
    library = "library"
    binary = "binary"


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
        f"'brew install libngspice' on macOS, or name the file in {LIBRARY_VARIABLE}; the program alone"
        " ('apt install ngspice') does as well, and so does VACASK"
        " ('pip install roa-circuit[vacask]', then --engine vacask)"
    )


def find_program() -> str:
    """The path of the program ngspice.

    Raises
    ------
    SimulatorError : nowhere; the message says how to install it.
    """
    named = os.environ.get(PROGRAM_VARIABLE)
    if named:
        if not Path(named).is_file():
            raise SimulatorError(f"{PROGRAM_VARIABLE} names {named!r}, which is not a file")
        return named
    found = shutil.which("ngspice")
    if not found:
        raise SimulatorError(
            "the program ngspice is not installed: 'apt install ngspice' on Debian and Ubuntu, 'brew"
            f" install ngspice' on macOS, or name the file in {PROGRAM_VARIABLE}"
        )
    return found


def _find_driven_library() -> str:
    """The path of libngspice, where PySpice is there to drive it. Raises as `find_library`."""
    library = find_library()
    if not _is_pyspice_here():
        raise SimulatorError(
            "PySpice, which drives libngspice, is not installed: 'pip install PySpice', or --via binary"
        )
    return library


def _is_pyspice_here() -> bool:
    """Whether it can be found; an import hook that fails finds nothing."""
    try:
        return importlib.util.find_spec("PySpice") is not None
    except Exception:
        return False


def _find_program_instead() -> str:
    """The path of the program, unless a library is named that is not there."""
    if os.environ.get(LIBRARY_VARIABLE):
        find_library()
    return find_program()


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What ngspice says of itself.

    library : the file of its library or program
    via : which of the two was asked
    lines : that it answers to each command
    """

    library: str
    via: Via
    version: str
    lines: dict[str, list[str]]


def ask(commands: Sequence[str], *, via: Via = Via.auto, time_limit: float = 60.0) -> Answers:
    """Give commands to ngspice, in a process of its own.

    Raises
    ------
    SimulatorError : no ngspice, or one that cannot be loaded.
    """
    way, library = driven(via).found()
    limits = Limits(seconds=time_limit, memory=DEFAULT_MEMORY_LIMIT)
    with private_folder() as folder:
        write_deck_file(folder / "commands.txt", "\n".join(commands) + "\n")
        with Worker(way.worker, folder, library, limits, None) as worker:
            reason = worker.wait(time.monotonic() + time_limit, threading.Event())
        if reason is None and (folder / "answers.json").exists():
            lines = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
            loaded = worker.program or library
            asked = Via.library if way is _LIBRARY else Via.binary
            return Answers(library=loaded, via=asked, version=str(worker.version), lines=lines)
        reason = reason or worker.last_words()
        raise SimulatorError(f"ngspice: {reason}", log="\n".join(worker.log))


def _safer(deck: str) -> str:
    """The deck with options that trade speed for convergence; a later card overrides."""
    lines = deck.rstrip().splitlines()
    body = lines[:-1] if lines[-1].strip().lower() == ".end" else lines
    return "\n".join([*body, _SAFER_OPTIONS, ".end\n"])


def driven(via: Via) -> Simulator:
    """ngspice, driven in this way."""
    return {Via.auto: NGSPICE, Via.library: _BY_LIBRARY, Via.binary: _BY_PROGRAM}[via]


def taken(via: Via) -> Via:
    """The way that is taken where `via` is asked for. Raises SimulatorError if there is none."""
    return Via.library if driven(via).found()[0] is _LIBRARY else Via.binary


_LIBRARY = Way(worker="netlists.simulation._ngspice_worker", find=_find_driven_library)
_PROGRAM = Way(worker="netlists.simulation._ngspice_program_worker", find=find_program)
_INSTEAD = Way(worker=_PROGRAM.worker, find=_find_program_instead)


def _ngspice(*ways: Way) -> Simulator:
    return Simulator(name="ngspice", suffix=".cir", ways=ways, safer=_safer)


NGSPICE, _BY_LIBRARY, _BY_PROGRAM = _ngspice(_LIBRARY, _INSTEAD), _ngspice(_LIBRARY), _ngspice(_PROGRAM)
simulate = NGSPICE.simulate
simulate_all = NGSPICE.simulate_all
is_available = NGSPICE.is_available
