"""The doctor: which simulators are installed, what they can do, and whether one cell comes out right."""

from __future__ import annotations

import os
import re
import subprocess
import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from netlists.decks.deck import write_deck
from netlists.decks.dialect import PLAIN, PROBES, Dialect, abilities, is_compiler_here
from netlists.simulation import vacask
from netlists.simulation._complaints import OLDEST, is_too_old
from netlists.simulation.ngspice import PROGRAM_VARIABLE, Answers, Via, ask, find_program
from netlists.simulation.simulators import Engine
from roa_circuit.basics.errors import SimulatorError
from roa_circuit.basics.machine import cores
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.device.memristor import pulse_strength
from roa_circuit.device.parameters import load_device

SELF_TEST_LIMIT = 1e-4
"""How far omega of the self-test's cell may be from the closed form of Eq. 1."""

_TESTED = range(34, 48)
_NO_PROGRAM = "missing: exported decks cannot be run by hand"
_PATIENCE = 10.0  # seconds for a program to say its version
_CODE_MODELS = {
    "analog": "gain", "digital": "d_and", "spice2poly": "spice2poly", "table": "table2d",
    "xtradev": "core", "xtraevt": "real_gain",
}  # fmt: skip
"""Each library of code models by a model that only it brings."""


@dataclass(frozen=True, kw_only=True)
class _Tested:
    """A self-test: one cell after three pulses each way, against the closed form.

    seconds : of the test, with the start of its process
    """

    state_error: float
    seconds: float

    @property
    def healthy(self) -> bool:
        """Whether the self-test came out right."""
        return self.state_error <= SELF_TEST_LIMIT

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as in the JSON report."""
        return {**asdict(self), "passed": self.healthy}


@dataclass(frozen=True, kw_only=True)
class Diagnosis(_Tested):
    """The findings on ngspice; everything but `program` is what it says of itself.

    library : the file of its library, or '' where its program is driven instead
    via : which of the two decks run in
    klu : whether the KLU solver is compiled in (without it, Sparse 1.3 factors the matrices)
    osdi : whether compiled Verilog-A models can be loaded
    used : the abilities that large decks use; compiled cells need openvaf-r, too
    """

    library: str
    via: Via
    version: str
    program: str | None
    cores: int
    klu: bool
    osdi: bool
    xspice: bool
    openmp: bool
    code_models: tuple[str, ...]
    used: str


def diagnose() -> Diagnosis:
    """Ask ngspice what it is and can do, and test it on one cell.

    Raises
    ------
    SimulatorError : it is not installed (the message says how to), or it does not work.
    """
    answers = ask([*PROBES, "devhelp"])
    able = abilities(answers)
    used = Dialect(klu=able.klu, osdi=able.osdi and is_compiler_here())
    started = time.perf_counter()
    error, _ = _self_test(Engine.ngspice)
    seconds = time.perf_counter() - started
    if used != PLAIN:
        error = max(error, _self_test(Engine.ngspice, used)[0])
    return Diagnosis(
        library=answers.library if answers.via is Via.library else "",
        via=answers.via,
        version=answers.version,
        program=_program(),
        cores=cores(),
        state_error=error,
        seconds=seconds,
        used=str(used),
        **capabilities(answers),
    )


def capabilities(answers: Answers) -> dict[str, Any]:
    """klu, osdi, xspice, openmp and code_models, from the answers to the commands of `diagnose`."""
    build, able = " ".join(answers.lines["version -f"]), abilities(answers)
    devices = {line.split(":")[0].strip().lower() for line in answers.lines["devhelp"]}
    return {
        "klu": able.klu,
        "osdi": able.osdi,
        "xspice": "XSPICE" in build,
        "openmp": "OpenMP" in build,
        "code_models": tuple(name for name, model in _CODE_MODELS.items() if model in devices),
    }


def rows(found: Diagnosis) -> list[tuple[str, str]]:
    """Rows (what, finding) for the terminal."""
    number = re.match(r"ngspice-(\d+)", found.version)
    known = number is not None and int(number[1]) in _TESTED
    return [
        ("library", found.library or "missing, or no PySpice to drive it: decks run in the program"),
        ("version", found.version if known else f"{found.version} (not among those known: 34 to 47)"),
        ("program", _said_of(found.program)),
        ("matrix solver", "KLU" if found.klu else "Sparse 1.3 (builds with KLU are faster)"),
        ("Verilog-A (OSDI)", "yes" if found.osdi else "no"),
        ("large decks use", found.used),
        ("code models", ", ".join(found.code_models) or "none"),
        ("cores", str(found.cores)),
        ("one cell, six pulses", _verdict(found)),
    ]


def _program() -> str | None:
    """The path of the program, where NGSPICE_PATH or PATH have it."""
    try:
        return find_program()
    except SimulatorError:
        return None


def _said_of(program: str | None) -> str:
    """The program, and whether it is one that decks run in: `--via binary` takes it."""
    if program is None:
        named = os.environ.get(PROGRAM_VARIABLE)
        return f"{PROGRAM_VARIABLE} names no file: {named}" if named else _NO_PROGRAM
    try:
        done = subprocess.run(
            [program, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=_PATIENCE, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{program}: {getattr(error, 'strerror', None) or 'does not answer'}"
    version = re.search(r"ngspice-\d+", done.stdout)
    if version and is_too_old(version[0]):
        return (
            f"{program} is {version[0]}: decks need ngspice {OLDEST.removeprefix('ngspice-')} or later"
        )
    return program


@dataclass(frozen=True, kw_only=True)
class SecondOpinion(_Tested):
    """The findings on VACASK.

    compiler : openvaf-r, which compiles the cell from Verilog-A
    """

    program: str
    version: str
    compiler: str


def second_opinion() -> SecondOpinion | None:
    """Test VACASK on the same cell; None if it is not installed.

    Raises
    ------
    SimulatorError : it is installed but does not work.
    """
    if not vacask.is_available():
        return None
    started = time.perf_counter()
    error, version = _self_test(Engine.vacask)
    return SecondOpinion(
        program=vacask.find_program(),
        version=version,
        compiler=vacask.find_compiler(),
        state_error=error,
        seconds=time.perf_counter() - started,
    )


def second_rows(found: SecondOpinion | None) -> list[tuple[str, str]]:
    """Rows (what, finding) on VACASK, for the terminal."""
    if found is None:
        return [("program", "missing: pip install 'roa-circuit[vacask]'")]
    return [
        ("program", found.program),
        ("version", found.version),
        ("Verilog-A compiler", found.compiler),
        ("one cell, six pulses", _verdict(found)),
    ]


def _verdict(found: Diagnosis | SecondOpinion) -> str:
    verdict = "right" if found.healthy else "WRONG"
    return f"{verdict}: omega off by {found.state_error:.1e}, {found.seconds:.2f} s"


def _self_test(engine: Engine, dialect: Dialect = PLAIN) -> tuple[float, str]:
    """(worst |omega - closed form| of a lone cell after three pulses up and three down, version)."""
    device = load_device("zhang2021")
    p, worst, version = device.pulses, 0.0, ""
    for count, voltage, width in (
        (3, p.potentiation_voltage, p.potentiation_width),
        (-3, p.depression_voltage, p.depression_width),
    ):
        start = np.array([[0.5]])
        deck = write_deck(
            Crossbar(rows=1, columns=1),
            start,
            np.array([[count]]),
            device,
            engine=engine,
            dialect=dialect,
        )
        run = deck.run(name="self-test", time_limit=60.0)
        edge = device.pulses.edge_fraction * width
        dose = 3 * pulse_strength(voltage, width, device.memristor, edge=edge)
        expected = float(device.memristor.after_dose(start, dose, voltage)[0, 0])
        worst = max(worst, abs(float(deck.measured(run)[0, 0]) - expected))
        version = run.version
    return worst, version
