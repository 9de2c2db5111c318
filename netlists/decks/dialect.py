"""Dialects of ngspice's decks: with KLU or without, with cells compiled from Verilog-A or without."""

from __future__ import annotations

import functools
import subprocess
from dataclasses import dataclass
from enum import StrEnum

from netlists.simulation.ngspice import Answers, Via, ask, driven
from netlists.simulation.run import write_deck_file
from netlists.simulation.scratch import private_folder
from netlists.simulation.vacask import find_compiler
from roa_circuit.basics.errors import SimulatorError

MODULE = "roa_memristor"
"""Of compiled cells: ngspice has a `memristor` of its own, among its code models."""

PROBE_SECONDS = 60.0
"""Wall clock that it may take to answer."""

_COMPILER_SECONDS = 120.0

PROBES = ("version -f", "osdi")
"""What an ngspice is asked to find out."""


class Matrix(StrEnum):
    """The solver of ngspice's equations; `auto` takes KLU if it is compiled in."""

    auto = "auto"
    sparse = "sparse"
    klu = "klu"


class CellModel(StrEnum):
    """The model of ngspice's cells: behavioural, or compiled Verilog-A; `auto` compiles if it can."""

    auto = "auto"
    behavioural = "behavioural"
    osdi = "osdi"


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """The optional abilities that a deck uses; every ngspice runs a deck that uses none.

    via : how the ngspice is driven that has them, and that runs the deck
    """

    klu: bool = False
    osdi: bool = False
    via: Via = Via.auto

    @property
    def is_plain(self) -> bool:
        """Whether every ngspice runs such decks."""
        return not (self.klu or self.osdi)

    def __str__(self) -> str:
        return (
            f"{'KLU' if self.klu else 'Sparse 1.3'}, {'compiled' if self.osdi else 'behavioural'} cells"
        )


PLAIN = Dialect()


def choose(
    matrix: Matrix = Matrix.auto,
    cell: CellModel = CellModel.auto,
    via: Via = Via.auto,
    *,
    within: float = PROBE_SECONDS,
) -> Dialect:
    """The dialect that was asked for, or the best that the installed ngspice understands.

    within : seconds that ngspice has to say what it is

    Raises
    ------
    SimulatorError : this ngspice lacks what was asked for; no ngspice, or no Verilog-A compiler.
    """
    if matrix is Matrix.sparse and cell is CellModel.behavioural:
        return Dialect(via=via)
    able = _able(via, driven(via).find(), within)
    if matrix is Matrix.klu and not able.klu:
        raise SimulatorError("--matrix klu: this ngspice was built without KLU; leave --matrix out")
    if cell is CellModel.osdi:
        if not able.osdi:
            raise SimulatorError("--cell osdi: this ngspice was built without OSDI; leave --cell out")
        find_compiler()
    return Dialect(
        klu=able.klu and matrix is not Matrix.sparse,
        osdi=able.osdi and cell is not CellModel.behavioural and is_compiler_here(),
        via=via,
    )


def abilities(answers: Answers) -> Dialect:
    """The abilities of an ngspice, from its answers to `PROBES`."""
    return Dialect(
        klu="KLU" in " ".join(answers.lines["version -f"]),
        osdi=not any("no such command" in line for line in answers.lines["osdi"]),
    )


def cell_files(text: str) -> dict[str, bytes]:
    """The Verilog-A of a deck's cells, and the library that openvaf-r compiles it to, by file name.

    Raises
    ------
    SimulatorError : the compiler is missing, or it failed.
    """
    return {f"{MODULE}.va": text.encode(), f"{MODULE}.osdi": _compiled(text)}


@functools.cache
def _able(via: Via, found: str, within: float) -> Dialect:
    return abilities(ask(PROBES, via=via, time_limit=within))


def is_compiler_here() -> bool:
    """Whether openvaf-r, which compiles cells, can be found."""
    try:
        find_compiler()
    except SimulatorError:
        return False
    return True


@functools.lru_cache(maxsize=8)
def _compiled(text: str) -> bytes:
    with private_folder() as folder:
        write_deck_file(folder / f"{MODULE}.va", text)
        try:
            done = subprocess.run(
                [find_compiler(), f"{MODULE}.va"],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=_COMPILER_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise SimulatorError(
                f"openvaf-r compiled for {_COMPILER_SECONDS:g} s without an end"
            ) from None
        if done.returncode or not (folder / f"{MODULE}.osdi").is_file():
            raise SimulatorError("openvaf-r cannot compile the cell", log=done.stdout + done.stderr)
        return (folder / f"{MODULE}.osdi").read_bytes()
