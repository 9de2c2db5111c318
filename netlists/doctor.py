"""The doctor: which ngspice is here, what it can do, and whether it gets one cell right."""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from netlists.deck import write_deck
from netlists.ngspice import Answers, ask, simulate
from netlists.parallel import cores
from roa_circuit.crossbar import Crossbar
from roa_circuit.memristor import after_dose, pulse_strength
from roa_circuit.parameters import load_device

SELF_TEST_LIMIT = 1e-4
"""How far omega of the self-test's cell may be from the closed form of Eq. 1."""

_TESTED = range(34, 48)
_CODE_MODELS = {
    "analog": "gain", "digital": "d_and", "spice2poly": "spice2poly", "table": "table2d",
    "xtradev": "core", "xtraevt": "real_gain",
}  # fmt: skip
"""Each library of code models by a model that only it brings."""


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What was found; everything but `program` is ngspice's own word.

    klu : the KLU solver is compiled in (without it, Sparse 1.3 factors the matrices)
    osdi : compiled Verilog-A models can be loaded
    state_error : of one cell after three pulses each way, against the closed form
    seconds : of the self-test with the start of its process
    """

    library: str
    version: str
    program: str | None
    cores: int
    klu: bool
    osdi: bool
    xspice: bool
    openmp: bool
    code_models: tuple[str, ...]
    state_error: float
    seconds: float

    @property
    def healthy(self) -> bool:
        """Whether the self-test came out right."""
        return self.state_error <= SELF_TEST_LIMIT

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as in the JSON report."""
        return {**asdict(self), "passed": self.healthy}


def diagnose() -> Diagnosis:
    """Ask libngspice what it is, and let it write one cell.

    Raises
    ------
    SimulatorError : it is not installed (the message says how to), or it does not work.
    """
    answers = ask(["version -f", "osdi", "devhelp"])
    started = time.perf_counter()
    error = _self_test()
    return Diagnosis(
        library=answers.library,
        version=answers.version,
        program=shutil.which("ngspice"),
        cores=cores(),
        state_error=error,
        seconds=time.perf_counter() - started,
        **capabilities(answers),
    )


def capabilities(answers: Answers) -> dict[str, Any]:
    """klu, osdi, xspice, openmp and code_models, from the answers to `diagnose`'s commands."""
    build = " ".join(answers.lines["version -f"])
    devices = {line.split(":")[0].strip().lower() for line in answers.lines["devhelp"]}
    return {
        "klu": "KLU" in build,
        "osdi": not any("no such command" in line for line in answers.lines["osdi"]),
        "xspice": "XSPICE" in build,
        "openmp": "OpenMP" in build,
        "code_models": tuple(name for name, model in _CODE_MODELS.items() if model in devices),
    }


def rows(found: Diagnosis) -> list[tuple[str, str]]:
    """(what, finding) for the terminal."""
    number = found.version.removeprefix("ngspice-").split(".")[0]
    known = number.isdigit() and int(number) in _TESTED
    verdict = "right" if found.healthy else "WRONG"
    return [
        ("library", found.library),
        ("version", found.version if known else f"{found.version} (not among those known: 34 to 47)"),
        ("program", found.program or "missing: exported decks cannot be run by hand"),
        ("matrix solver", "KLU" if found.klu else "Sparse 1.3 (builds with KLU are faster)"),
        ("Verilog-A (OSDI)", "yes" if found.osdi else "no"),
        ("code models", ", ".join(found.code_models) or "none"),
        ("cores", str(found.cores)),
        (
            "one cell, six pulses",
            f"{verdict}: omega off by {found.state_error:.1e}, {found.seconds:.2f} s",
        ),
    ]


def _self_test() -> float:
    """|omega - closed form|, the worse of three pulses up and three down on a lone cell."""
    device = load_device("zhang2021")
    p, worst = device.pulses, 0.0
    for count, voltage, width in (
        (3, p.potentiation_voltage, p.potentiation_width),
        (-3, p.depression_voltage, p.depression_width),
    ):
        start = np.array([[0.5]])
        deck = write_deck(Crossbar(rows=1, columns=1), start, np.array([[count]]), device)
        run = simulate(deck.text, name="self-test", time_limit=60.0)
        edge = device.pulses.edge_fraction * width
        dose = 3 * pulse_strength(voltage, width, device.memristor, edge=edge)
        expected = float(after_dose(start, dose)[0, 0])
        worst = max(worst, abs(float(run.vectors[deck.vectors[0]][-1]) - expected))
    return worst
