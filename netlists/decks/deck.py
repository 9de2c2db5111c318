"""Crossbars as decks: deterministic text for a write, for reads, and for a DC sweep."""

from __future__ import annotations

from collections import abc
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata
from types import MappingProxyType
from typing import Any, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from netlists.decks._text import number
from netlists.decks.array import device_line, elements, gate_sources, sense_sources, word_sources
from netlists.decks.cell_source import CellSource
from netlists.decks.checks import check_array, check_cell_source, check_reads
from netlists.decks.circuit import Circuit, Element, Task
from netlists.decks.cuts import cuts
from netlists.decks.dialect import PLAIN, Dialect
from netlists.decks.ngspice import compiled_text, ngspice_text, ngspice_vector
from netlists.decks.probes import delivering, measured, quantities
from netlists.decks.readout import (
    amplifiers,
    difference_nodes,
    made_subtractors,
    offset_sources,
    output_nodes,
    reference_sources,
    subtractors,
)
from netlists.decks.runnable import Deck
from netlists.decks.stimuli import Points, by_number, gate_stimuli, moving, staircase, write_stimuli
from netlists.decks.vacask import vacask_text, vacask_vector
from netlists.simulation.simulators import Engine
from roa_circuit.basics.errors import InputError
from roa_circuit.chips.circuitry import BARE, Circuitry, described
from roa_circuit.chips.settling import read_hold, write_rest
from roa_circuit.circuit.components import Amplifier
from roa_circuit.circuit.contents import check_pulses
from roa_circuit.circuit.crossbar import RESISTANCES, Crossbar, said
from roa_circuit.circuit.mapping import REFERENCE, Mapping
from roa_circuit.circuit.subtractors import EXACT, Subtractors
from roa_circuit.circuit.waveforms import WritePulse, line_voltages
from roa_circuit.device.parameters import Device
from roa_circuit.solver.access import check_gates

Floats = NDArray[np.float64]

_LANGUAGES = {
    Engine.ngspice: (ngspice_text, ngspice_vector),
    Engine.vacask: (vacask_text, vacask_vector),
}


class How(TypedDict, total=False):
    """The arguments that all three kinds of deck share.

    origin : the source of the numbers, for the header
    engine : the simulator whose language the deck is in; by default ngspice
    recorded : keep the waveforms of all lines and cells, too
    circuitry : amplifiers, transistors, capacitance and temperature
    dialect : the solver and cell model, which not every ngspice has
    mapping : of reads, which columns are subtracted before the converter; by default none
    subtractors : what subtracts them; by default exactly
    cell_source : a Verilog-A module in place of the device's own cell, where cells move
    """

    origin: str
    engine: Engine
    recorded: bool
    circuitry: Circuitry
    dialect: Dialect
    mapping: Mapping
    subtractors: Subtractors
    cell_source: CellSource | None


def write_deck(
    crossbar: Crossbar,
    state: Floats,
    pulses: NDArray[np.int64],
    device: Device,
    **how: Unpack[How],
) -> Deck:
    """The transient of an in-situ write; its vectors are the final states.

    state : (rows, columns) omega before the write
    pulses : (rows, columns) signed counts, > 0 potentiates; at least one is not zero
    how : see `How`

    Raises
    ------
    InputError : an array that is too large, shapes that do not fit, a state outside [0, 1], parts of
        pulses, nothing to write, or transistors that do not stay on or off during the pulses.

    Examples
    --------
    >>> from roa_circuit import default_crossbar, default_device
    >>> state, pulses = np.full((2, 3), 0.2), np.array([[0, 2, 0], [0, 0, 0]])
    >>> deck = write_deck(default_crossbar(2, 3), state, pulses, default_device())
    >>> len(deck.vectors)  # the final states
    6
    """
    array = _Array(crossbar, state, device, how)
    check_pulses(crossbar, pulses)
    if array.circuitry.transistor:
        check_gates(array.circuitry.transistor, device)
    words, bits, duration, count = write_stimuli(crossbar, pulses, device)
    if not count:
        raise InputError("the pulses are all zero: there is nothing to write")
    widths = device.pulses.potentiation_width, device.pulses.depression_width
    duration += write_rest(crossbar, device, array.circuitry)
    # All that is kept is the last gap, in which nothing moves; a point in its middle, on a line
    # that rests there, makes the simulator stop for the samples.
    gap = device.pulses.edge_fraction * min(widths)
    words[0].append((duration - 0.5 * gap, 0.0))
    return array.deck(
        Task.write,
        f"in-situ write of {count} pulses",
        words,
        bits=bits,
        gates=gate_stimuli(crossbar, pulses, device) if array.gated else (),
        rows=1,
        duration=duration,
        kept_from=duration - gap,
        longest_step=max(widths),
        samples=(duration - 0.2 * gap,),
    )


def read_deck(
    crossbar: Crossbar,
    state: Floats,
    voltages: Floats,
    device: Device,
    **how: Unpack[How],
) -> Deck:
    """The transient of a batch of reads with dynamic cells; its vectors are the column currents.

    voltages : (reads, rows) [V], applied as a staircase without return to zero; the currents of each
        read are sampled at the end of its hold

    Other arguments and errors are those of `write_deck`.

    Examples
    --------
    >>> from roa_circuit import default_crossbar, default_device
    >>> state, volts = np.full((2, 3), 0.5), np.array([[0.1, 0.0]])
    >>> deck = read_deck(default_crossbar(2, 3), state, volts, default_device())
    >>> [line for line in deck.text.splitlines() if line.startswith("Xword0")][0]
    'Xword0_col0 word0_col0 bit0_row0 memristor w0=0.5'
    """
    array, reads = _Array(crossbar, state, device, how), len(voltages)
    check_reads(crossbar, voltages)
    edge, hold = array.circuitry.read_edge, read_hold(crossbar, device, array.circuitry)
    slot = edge + hold
    return array.deck(
        Task.read,
        f"{reads} reads",
        [staircase(levels, edge, hold) for levels in voltages.T],
        gates=array.open_gates,
        rows=reads,
        duration=reads * slot,
        longest_step=hold,
        samples=tuple((read + 1) * slot for read in range(reads)),
    )


@dataclass(frozen=True, kw_only=True)
class Waveform:
    """What word lines are driven with, and when currents are sampled, at equal intervals [s]."""

    what: str
    words: Sequence[Points]
    samples: tuple[float, ...]
    longest_step: float


def waveform_deck(
    crossbar: Crossbar, state: Floats, device: Device, waveform: Waveform, **how: Unpack[How]
) -> Deck:
    """The transient of any drive of word lines; its vectors are the currents of columns at the samples.

    Other arguments and errors are those of `write_deck`.
    """
    array = _Array(crossbar, state, device, how)
    return array.deck(
        Task.read,
        waveform.what,
        waveform.words,
        gates=array.open_gates,
        rows=len(waveform.samples),
        duration=waveform.samples[-1],
        longest_step=waveform.longest_step,
        samples=waveform.samples,
    )


def sweep_deck(
    crossbar: Crossbar,
    state: Floats,
    voltages: Floats,
    device: Device,
    **how: Unpack[How],
) -> Deck:
    """The reads as a DC sweep with frozen states: without time it needs a tenth of the points.

    The swept value is the number of the read, by which each word line looks up its voltage.
    Arguments and errors are those of `read_deck`.

    Examples
    --------
    >>> from roa_circuit import default_crossbar, default_device
    >>> state, volts = np.full((2, 3), 0.5), np.array([[0.1, 0.0]])
    >>> sweep_deck(default_crossbar(2, 3), state, volts, default_device()).rows
    1
    """
    array = _Array(crossbar, state, device, how)
    check_reads(crossbar, voltages)
    return array.deck(
        Task.sweep,
        f"DC sweep of {len(voltages)} reads, frozen states",
        [by_number(levels) for levels in voltages.T],
        gates=array.open_gates,
        rows=len(voltages),
    )


def points_deck(
    crossbar: Crossbar,
    states: Floats,
    pulses: Sequence[WritePulse],
    device: Device,
    **how: Unpack[How],
) -> Deck:
    """Operating points of a write: every cell frozen, all lines as at the flat top of a pulse.

    states : (points, rows, columns) omega
    pulses : the pulse of each point

    Its vectors are those of `Points.of`. Other arguments and errors are those of `write_deck`.
    """
    array = _Array(crossbar, states[0], device, how)
    for each in states[1:]:
        check_array(crossbar, each)
    if array.circuitry.transistor:
        check_gates(array.circuitry.transistor, device)
    words, bits = (np.stack(v) for v in zip(*(line_voltages(p, crossbar) for p in pulses), strict=True))
    selected = np.arange(crossbar.rows) == np.array([[pulse.row] for pulse in pulses])
    return array.deck(
        Task.points,
        f"{len(pulses)} operating points of a write, frozen states",
        [by_number(levels) for levels in words.T],
        bits=[by_number(levels) for levels in bits.T],
        gates=[by_number(levels) for levels in selected.T] if array.gated else (),
        rows=len(pulses),
        states=moving(states),
    )


class _Array:
    """An array, and how to make each of its decks."""

    def __init__(self, crossbar: Crossbar, state: Floats, device: Device, how: How) -> None:
        check_array(crossbar, state)
        self.crossbar, self.state, self.device = crossbar, state, device
        self.circuitry = how.get("circuitry", BARE)
        self.engine = how.get("engine", Engine.ngspice)
        self.dialect = how.get("dialect", PLAIN)
        self.origin = how.get("origin", "")
        self.recorded = how.get("recorded", False)
        self.mapping = how.get("mapping", REFERENCE)
        self.subtractors = how.get("subtractors", EXACT)
        self.cell_source = how.get("cell_source")

    @property
    def compiles(self) -> bool:
        """Whether the simulator takes cells in Verilog-A."""
        return self.engine is Engine.vacask or self.dialect.osdi

    @property
    def gated(self) -> bool:
        """Whether a write turns access devices on and off; reads do with transistors alone."""
        return self.crossbar.scheme == "ideal" or self.circuitry.transistor is not None

    @property
    def open_gates(self) -> Sequence[Points]:
        """The gates of reads, on from the start."""
        return [[(0.0, 1.0)]] * self.crossbar.rows if self.circuitry.transistor else ()

    def deck(
        self,
        task: Task,
        what: str,
        words: Sequence[Points],
        *,
        bits: Sequence[Points] = (),
        gates: Sequence[Points] = (),
        rows: int,
        states: abc.Mapping[tuple[int, int], Points] = MappingProxyType({}),
        **times: Any,
    ) -> Deck:
        """The deck for drives of word lines and, in a write, bit lines; `times` go to `Circuit`."""
        if self.cell_source:
            check_cell_source(
                self.cell_source, self.device, moving=not task.is_static, compiled=self.compiles
            )
        circuitry, columns = self.circuitry, self.crossbar.columns
        pulsed = task in {Task.write, Task.points}
        amplifier = None if pulsed else circuitry.amplifier
        crossbar = replace(self.crossbar, r_sense=0.0) if amplifier else self.crossbar
        grounded = amplifier is None or amplifier.gain is None
        offsets = () if pulsed else circuitry.offsets(crossbar)
        subtracts = not pulsed and not self.mapping.apart
        differences = difference_nodes(self.mapping.outputs_on(columns)) if subtracts else ()
        made = self.subtractors if subtracts else EXACT
        at_rest: Sequence[Points] = [[(0.0, volts)] for volts in offsets or (0.0,) * columns]
        circuit = Circuit(
            task=task,
            remarks=self._remarks(what),
            device=self.device,
            circuitry=circuitry,
            dialect=self.dialect if self.engine is Engine.ngspice else PLAIN,
            words=word_sources(crossbar, words),
            senses=sense_sources(crossbar, bits or at_rest) if grounded else (),
            outputs=output_nodes(columns) if amplifier else (),
            differences=differences,
            offsets=(
                *offset_sources(offsets),
                *reference_sources(made, amplifier),
            ),
            elements=(
                *elements(
                    crossbar,
                    self.state,
                    None if self.cell_source else self.device,
                    circuitry,
                    gated=bool(gates),
                    states=states,
                ),
                *(amplifiers(columns, amplifier, offset=bool(offsets)) if amplifier else ()),
                *(self._subtracting(made, amplifier) if subtracts else ()),
            ),
            gates=gate_sources(gates, circuitry) if gates else (),
            points=rows if task.is_static else 0,
            recorded=self.recorded,
            floating=any(one.line == "word" for one in crossbar.breaks),
            cell_source=self.cell_source,
            cuts=cuts(crossbar),
            **times,
        )
        summed = task is Task.write and self.recorded and self.engine is Engine.vacask
        text, vector = _LANGUAGES[self.engine]
        named = partial(vector, circuit=circuit)
        return Deck(
            text=text(circuit),
            circuit=circuit,
            engine=self.engine,
            vectors=tuple(map(named, measured(circuit))),
            named=named,
            sources=delivering(circuit) if summed else (),
            duration=circuit.duration,
            shape=crossbar.shape,
            rows=rows,
            samples=circuit.samples,
            amplifier=amplifier,
            made=not made.are_exact,
            compiled=compiled_text(circuit) if circuit.dialect.osdi else "",
            via=circuit.dialect.via,
            recorded=quantities(circuit) if self.recorded else (),
        )

    def _subtracting(self, made: Subtractors, amplifier: Amplifier | None) -> abc.Iterator[Element]:
        mapping, columns = self.mapping, self.crossbar.columns
        if made.are_exact:
            return subtractors(mapping, columns, amplified=amplifier is not None)
        return made_subtractors(mapping, columns, made, amplifier)

    def _remarks(self, what: str) -> tuple[str, ...]:
        crossbar, made = self.crossbar, f"Made by roa-circuit {metadata.version('roa-circuit')}"
        wires = ", ".join(f"{name} {said(getattr(crossbar, name), number)} Ohm" for name in RESISTANCES)
        ends = f"; {crossbar.ends}" if crossbar.ends else ""
        around = described(self.circuitry.to_dict())
        return (
            f"Crossbar of {crossbar.rows} x {crossbar.columns} memristors: {what}",
            made + (f" from {self.origin}" if self.origin else ""),
            f"Cells are those of {self.cell_source.name}"
            if self.cell_source
            else device_line(self.device),
            f"{wires}; select scheme {crossbar.scheme}{ends}",
            *((f"Circuit: {around}",) if around else ()),
            "Cell Xword3_col5 joins word line 3 and bit line 5; its state is its omega",
        )
