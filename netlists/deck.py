"""Crossbars as decks: deterministic text for a write, for reads, and for a DC sweep."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata

import numpy as np
from numpy.typing import NDArray

from netlists._text import number
from netlists.circuit import Circuit, Task, array, gate_sources, sense_sources, word_sources
from netlists.ngspice_deck import ngspice_quantities, ngspice_text, ngspice_vectors
from netlists.recordings import Quantity
from netlists.simulation import Simulation
from netlists.simulators import Engine
from netlists.stimuli import READ_SLOT, Points, gate_stimuli, staircase, write_stimuli
from netlists.vacask_deck import vacask_text, vacask_vectors
from roa_circuit.compact_model import instance_constants
from roa_circuit.crossbar import Crossbar
from roa_circuit.errors import InputError
from roa_circuit.parameters import Device
from roa_circuit.waveforms import READ_HOLD

LARGEST_CELLS = 8192
"""Cells of one deck: as many take ngspice 39 half a minute a read, and far longer beyond."""

LARGEST_VOLTAGE = 10.0
"""Of a read [V]: Eq. 2 was measured to 3.8 V, and its exponentials leave any wire model far behind."""

_AT_REST: Points = [(0.0, 0.0)]
_LANGUAGES = {
    Engine.ngspice: (ngspice_text, ngspice_vectors),
    Engine.vacask: (vacask_text, vacask_vectors),
}


@dataclass(frozen=True, kw_only=True)
class Deck:
    """A deck and what it leaves behind.

    engine : whose language it is in
    vectors : the saved vectors by the engine's names; column currents (columns) of a read, in
        order, or final states (rows * columns), row by row
    duration : simulated time [s], 0 for a sweep
    samples : when `measured` takes each row of a transient [s]; a sweep has one row a read
    recorded : what is kept of all its points, if it was to be recorded
    """

    text: str
    engine: Engine
    vectors: tuple[str, ...]
    duration: float
    rows: int
    samples: tuple[float, ...]
    recorded: tuple[Quantity, ...] = ()

    def measured(self, run: Simulation) -> NDArray[np.float64]:
        """The vectors of a run of this deck as columns (reads, columns), or (1, cells) of a write.

        Raises
        ------
        SimulatorError : the run left another number of values, or ended too early.
        """
        if self.samples:
            return run.at(self.samples, self.vectors)
        return run.matrix(self.vectors, self.rows)


def write_deck(
    crossbar: Crossbar,
    state: NDArray[np.float64],
    pulses: NDArray[np.int64],
    device: Device,
    *,
    origin: str = "",
    engine: Engine = Engine.ngspice,
    recorded: bool = False,
) -> Deck:
    """The transient of an in-situ write; its vectors are the final states.

    state (rows, columns) : omega before the write
    pulses (rows, columns) : signed counts, > 0 potentiates; at least one is not zero
    origin : what the header names as the source of the numbers
    engine : whose language the deck is in
    recorded : keep all points of all lines and cells, too; of ngspice alone

    Raises
    ------
    InputError : too large, another shape, a state outside [0, 1], or nothing to write.
    """
    _check(crossbar, state)
    gated = crossbar.scheme == "ideal"
    if pulses.shape != crossbar.shape:
        raise InputError(f"pulses have shape {pulses.shape}, expected {crossbar.shape} (rows, columns)")
    words, bits, duration, count = write_stimuli(crossbar, pulses, device)
    if not count:
        raise InputError("the pulses are all zero: there is nothing to write")
    widths = device.pulses.potentiation_width, device.pulses.depression_width
    # All that is kept is the last gap, in which nothing moves; a point in its middle, on a line
    # that rests there, makes the simulator stop for the samples.
    gap = device.pulses.edge_fraction * min(widths)
    words[0].append((duration - 0.5 * gap, 0.0))
    circuit = Circuit(
        task=Task.write,
        remarks=_remarks(crossbar, device, f"in-situ write of {count} pulses", origin),
        device=device,
        words=word_sources(crossbar, words),
        senses=sense_sources(crossbar, bits),
        elements=tuple(array(crossbar, state, device, gated=gated)),
        gates=gate_sources(gate_stimuli(crossbar, pulses, device)) if gated else (),
        recorded=recorded,
        duration=duration,
        kept_from=duration - gap,
        longest_step=max(widths),
        samples=(duration - 0.2 * gap,),
    )
    return _deck(circuit, engine, rows=1)


def read_deck(
    crossbar: Crossbar,
    state: NDArray[np.float64],
    voltages: NDArray[np.float64],
    device: Device,
    *,
    origin: str = "",
    engine: Engine = Engine.ngspice,
    recorded: bool = False,
) -> Deck:
    """The transient of a batch of reads with dynamic cells; its vectors are the column currents.

    voltages (reads, rows) [V] : a staircase without return to zero, one row of saved currents a
        read, sampled at the end of its hold.
    Arguments and errors else as `write_deck`.
    """
    _check(crossbar, state)
    _check_voltages(crossbar, voltages)
    reads = len(voltages)
    circuit = Circuit(
        task=Task.read,
        remarks=_remarks(crossbar, device, f"{reads} reads", origin),
        device=device,
        words=word_sources(crossbar, [staircase(levels) for levels in voltages.T]),
        senses=sense_sources(crossbar, [_AT_REST] * crossbar.columns),
        elements=tuple(array(crossbar, state, device)),
        recorded=recorded,
        duration=reads * READ_SLOT,
        longest_step=READ_HOLD,
        samples=tuple((read + 1) * READ_SLOT for read in range(reads)),
    )
    return _deck(circuit, engine, rows=reads)


def sweep_deck(
    crossbar: Crossbar,
    state: NDArray[np.float64],
    voltages: NDArray[np.float64],
    device: Device,
    *,
    origin: str = "",
    engine: Engine = Engine.ngspice,
    recorded: bool = False,
) -> Deck:
    """The reads as a DC sweep with frozen states: no time, so a tenth of the points.

    The sweep counts the reads; each word line looks up its voltage by it. Else as `read_deck`.
    """
    _check(crossbar, state)
    _check_voltages(crossbar, voltages)
    what = f"DC sweep of {len(voltages)} reads, frozen states"
    circuit = Circuit(
        task=Task.sweep,
        remarks=_remarks(crossbar, device, what, origin),
        device=device,
        words=word_sources(crossbar, [_by_number(levels) for levels in voltages.T]),
        senses=sense_sources(crossbar, [_AT_REST] * crossbar.columns),
        elements=tuple(array(crossbar, state, device)),
        recorded=recorded,
    )
    return _deck(circuit, engine, rows=len(voltages))


def _deck(circuit: Circuit, engine: Engine, *, rows: int) -> Deck:
    text, vectors = _LANGUAGES[engine]
    if circuit.recorded and engine is not Engine.ngspice:
        raise InputError(f"engine {engine}: waveforms are recorded by ngspice alone; leave them out")
    return Deck(
        text=text(circuit),
        engine=engine,
        vectors=vectors(circuit),
        duration=circuit.duration,
        rows=rows,
        samples=circuit.samples,
        recorded=ngspice_quantities(circuit) if circuit.recorded else (),
    )


def _by_number(levels: NDArray[np.float64]) -> Points:
    return [(read, float(level)) for read, level in enumerate(levels)]


def _remarks(crossbar: Crossbar, device: Device, what: str, origin: str) -> tuple[str, ...]:
    wires = ", ".join(
        f"{name} {number(getattr(crossbar, name))} Ohm"
        for name in ("r_source", "r_word", "r_bit", "r_sense")
    )
    return (
        f"Crossbar of {crossbar.rows} x {crossbar.columns} memristors: {what}",
        f"Made by roa-circuit {metadata.version('roa-circuit')}" + (f" from {origin}" if origin else ""),
        _device_line(device),
        f"{wires}; select scheme {crossbar.scheme}",
        "Cell Xword3_col5 joins word line 3 and bit line 5; its state is node xword3_col5.omega",
    )


def _device_line(device: Device) -> str:
    own = instance_constants(device)
    scale = "" if "current_scale" in own else f", current scale {device.memristor.current_scale!r}"
    return f"Device {device.name!r}{scale}" + (
        f"; every cell has its own {', '.join(own)}" if own else ""
    )


def _check(crossbar: Crossbar, state: NDArray[np.float64]) -> None:
    if crossbar.rows * crossbar.columns > LARGEST_CELLS:
        raise InputError(
            f"{crossbar.rows} x {crossbar.columns} cells are too many for one deck: the limit is"
            f" {LARGEST_CELLS}; use the surrogate, or `roa-spice verify` with smaller tiles"
        )
    if state.shape != crossbar.shape:
        raise InputError(f"states have shape {state.shape}, expected {crossbar.shape} (rows, columns)")
    if not bool(np.all((state >= 0) & (state <= 1))):
        raise InputError("states must lie in [0, 1]")


def _check_voltages(crossbar: Crossbar, voltages: NDArray[np.float64]) -> None:
    if voltages.ndim != 2 or voltages.shape[1] != crossbar.rows or not len(voltages):
        raise InputError(f"voltages have shape {voltages.shape}, expected (reads, {crossbar.rows} rows)")
    if not bool(np.all(np.abs(voltages) <= LARGEST_VOLTAGE)):
        raise InputError(f"read voltages must be numbers within +-{LARGEST_VOLTAGE:g} V")
