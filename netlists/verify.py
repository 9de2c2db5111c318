"""Verification: a programmed layer written and read in ngspice, against the surrogate.

Both walk through the same waveforms on the same array of cells and wires:

    initial states -- write transient --> final states -- read transient --> column currents
                                       '- surrogate reads them too: the current error
    initial states -- surrogate write ---> final states: the state error
                                       '- surrogate reads --> predictions, end to end
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlists.deck import Deck, read_deck, write_deck
from netlists.ngspice import DEFAULT_TIME_LIMIT, Simulation, simulate
from roa_circuit.in_situ import write_in_situ
from roa_circuit.layers import ProgrammedLayer
from roa_circuit.mapping import output_from_reference, voltage_from_input
from roa_circuit.programming import after_pulses
from roa_circuit.results import write_text
from roa_circuit.solver import read_currents
from roa_circuit.waveforms import write_programme

Floats = NDArray[np.float64]

CURRENT_LIMIT = 1e-5
STATE_LIMIT = 1e-2
"""What `passed` asks for, beside the same prediction for every read."""

_NEGLIGIBLE = 1e-6  # currents below this share of the largest are measured against that share
_SECONDS_PER_PULSE, _SECONDS_PER_READ = 0.1, 0.04  # weights of the progress bar


@dataclass(frozen=True, kw_only=True)
class Verification:
    """How far ngspice and the surrogate are apart on one layer, and the arrays behind it.

    max_relative_current_error : worst |I_spice - I| / |I| of all reads and columns, the
        surrogate reading the states that ngspice wrote
    end_to_end_current_error : the same, the surrogate reading the states it wrote itself
    max_state_error : worst |omega_spice - omega| of all cells
    prediction_agreement : share of reads with one answer from both, each on its own states
    accuracy_* : share of right answers, None where the layer has no labels; `ideal` are the
        intended states (Eq. 6 undone) behind perfect wires
    """

    layer: str
    rows: int
    columns: int
    reads: int
    pulses: int
    max_relative_current_error: float
    end_to_end_current_error: float
    max_state_error: float
    prediction_agreement: float
    accuracy_ideal: float | None
    accuracy_surrogate: float | None
    accuracy_spice: float | None
    spice_seconds: float
    surrogate_seconds: float
    speedup: float
    read_speedup: float
    ngspice_version: str
    passed: bool
    initial_state: Floats
    spice_state: Floats
    surrogate_state: Floats
    spice_currents: Floats
    surrogate_currents: Floats  # of spice_state

    def to_dict(self) -> dict[str, Any]:
        """The numbers without the arrays, as in the JSON report."""
        return {k: v for k, v in vars(self).items() if not isinstance(v, np.ndarray)}


@dataclass(frozen=True, kw_only=True)
class _Run:
    """States (rows, columns), currents (reads, columns) [A] and wall clock [s] of one engine."""

    state: Floats
    currents: Floats
    write_seconds: float
    read_seconds: float
    version: str = ""

    @property
    def seconds(self) -> float:
        return self.write_seconds + self.read_seconds


def verify(
    layer: ProgrammedLayer,
    *,
    time_limit: float = DEFAULT_TIME_LIMIT,
    progress: Callable[[float], None] = lambda fraction: None,
    keep_in: Path | None = None,
) -> Verification:
    """Write and read the layer in ngspice, as full transients with wires, and compare.

    Parameters
    ----------
    time_limit : wall-clock seconds for all of ngspice's work.
    progress : called with the fraction of ngspice's work that is done.
    keep_in : folder for `write.cir` and `read.cir`; a failed deck is kept in any case.

    Raises
    ------
    InputError : a layer too large for one deck, or without reads.
    SimulatorError : ngspice is missing, failed or ran out of time.
    """
    voltages = np.asarray(voltage_from_input(layer.inputs))
    spice = _run_spice(layer, voltages, time_limit, progress, keep_in)
    surrogate = _run_surrogate(layer, voltages)
    handed_over = np.clip(spice.state, 0.0, 1.0)
    same_states = read_currents(layer.crossbar, handed_over, voltages, layer.device)
    intended = np.asarray(after_pulses(layer.initial_state, layer.pulses, layer.device))
    ideal = read_currents(layer.crossbar.ideal(), intended, voltages, layer.device)
    current_error = relative_error(spice.currents, same_states)
    state_error = float(np.abs(spice.state - surrogate.state).max())
    answers = predictions(layer, spice.currents), predictions(layer, surrogate.currents)
    agreement = float(np.mean(answers[0] == answers[1]))
    return Verification(
        layer=layer.name,
        rows=layer.crossbar.rows,
        columns=layer.crossbar.columns,
        reads=len(voltages),
        pulses=int(np.abs(layer.pulses).sum()),
        max_relative_current_error=current_error,
        end_to_end_current_error=relative_error(spice.currents, surrogate.currents),
        max_state_error=state_error,
        prediction_agreement=agreement,
        accuracy_ideal=_accuracy(layer, predictions(layer, ideal)),
        accuracy_surrogate=_accuracy(layer, answers[1]),
        accuracy_spice=_accuracy(layer, answers[0]),
        spice_seconds=spice.seconds,
        surrogate_seconds=surrogate.seconds,
        speedup=spice.seconds / surrogate.seconds,
        read_speedup=spice.read_seconds / surrogate.read_seconds,
        ngspice_version=spice.version,
        passed=current_error <= CURRENT_LIMIT and state_error <= STATE_LIMIT and agreement == 1.0,
        initial_state=layer.initial_state,
        spice_state=spice.state,
        surrogate_state=surrogate.state,
        spice_currents=spice.currents,
        surrogate_currents=same_states,
    )


def predictions(layer: ProgrammedLayer, currents: Floats) -> NDArray[np.int64]:
    """The answer (reads,) of column currents (reads, columns): Eq. 11 against the reference."""
    y = layer.input_scale * output_from_reference(currents[:, :-1], currents[:, -1:], layer.device)
    return np.asarray(np.argmax(y, axis=1))


def relative_error(currents: Floats, reference: Floats) -> float:
    """The worst relative deviation of any read and column.

    A current below a millionth of the largest counts as that millionth, so that a read of
    nothing but zeros does not divide rounding noise by nothing.
    """
    floor = _NEGLIGIBLE * float(np.abs(reference).max(initial=0.0))
    scale = np.maximum(np.abs(reference), max(floor, 1e-300))
    return float((np.abs(currents - reference) / scale).max())


def _accuracy(layer: ProgrammedLayer, answers: NDArray[np.int64]) -> float | None:
    return float(np.mean(answers == layer.labels)) if len(layer.labels) else None


def _run_surrogate(layer: ProgrammedLayer, voltages: Floats) -> _Run:
    started = time.perf_counter()
    state = write_in_situ(layer.crossbar, layer.initial_state, layer.pulses, layer.device).state
    written = time.perf_counter()
    currents = read_currents(layer.crossbar, state, voltages, layer.device)
    read = time.perf_counter()
    return _Run(
        state=state, currents=currents, write_seconds=written - started, read_seconds=read - written
    )


def _run_spice(
    layer: ProgrammedLayer,
    voltages: Floats,
    time_limit: float,
    progress: Callable[[float], None],
    keep_in: Path | None,
) -> _Run:
    """Two transients: the reads start from the very states that the write ended with."""
    deadline = time.monotonic() + time_limit
    writing = _SECONDS_PER_PULSE * sum(1 for _ in write_programme(layer.pulses, layer.device))
    share = writing / (writing + _SECONDS_PER_READ * len(voltages))
    arguments = {"origin": f"layer {layer.name!r}"}
    state, write_seconds = layer.initial_state, 0.0
    if layer.pulses.any():
        deck = write_deck(layer.crossbar, state, layer.pulses, layer.device, **arguments)
        written = _run_deck(deck, "write", deadline, lambda f: progress(share * f), keep_in)
        finals = [written.vectors[name][-1] for name in deck.vectors]
        state, write_seconds = np.reshape(finals, layer.crossbar.shape), written.seconds
    start = np.clip(state, 0.0, 1.0)
    deck = read_deck(layer.crossbar, start, voltages, layer.device, **arguments)
    read = _run_deck(deck, "read", deadline, lambda f: progress(share + (1 - share) * f), keep_in)
    return _Run(
        state=state,
        currents=read.matrix(deck.vectors, len(voltages)),
        write_seconds=write_seconds,
        read_seconds=read.seconds,
        version=read.version,
    )


def _run_deck(
    deck: Deck, name: str, deadline: float, progress: Callable[[float], None], keep_in: Path | None
) -> Simulation:
    left = max(deadline - time.monotonic(), 0.0)
    run = simulate(deck.text, name=name, time_limit=left, progress=progress, keep_in=keep_in)
    if keep_in is not None:
        write_text(keep_in / f"{name}.cir", deck.text)
    return run
