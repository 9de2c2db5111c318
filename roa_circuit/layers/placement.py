"""Placement: the initial state of a layer mapped once for its wires, before any pulse.

The cells are set such that their effective weights behind the known wires are the wanted ones, times one
gain for the whole layer. A write's pulses, those of perfect wires, then go on top. No data are read for
it, and no cell is measured: it needs the resistances, and states set finer than one pulse moves them.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import InputError
from roa_circuit.basics.units import percent
from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.mapping import Kind, Mapping
from roa_circuit.device.memristor import conductance
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.tiling import Tile

Floats = NDArray[np.float64]

TOLERANCE = 1e-8
"""Of the wanted weights' rms: where the rounds end."""

_GAINS = (1.0, 0.9, 0.8, 0.7, 0.6)
"""Of the mean gain: those after the first are tried where cells at the ends of their range lack room."""

_ENOUGH = 0.01  # of the wanted weights' rms
_LEAST = 1e-3  # rms that wanted weights are taken to have: all may be 0
_STEP = 0.7
_MOST_ROUNDS = 60
_STUCK = 0.999  # of the last round's error: cells at the ends of their range have nowhere to go


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where the cells of a layer's arrays are to stand before its write.

    states : (rows, columns) omega of each tile
    gain : effective weights over the wanted ones, one for the whole layer; outputs are divided by it
    error : rms of what is left of g, as the wires were believed to be
    clipped : share of cells that hold a weight and stand at an end of their range
    rounds : how many it took
    """

    states: tuple[Floats, ...]
    gain: float
    error: float
    clipped: float
    rounds: int

    def said(self) -> str:
        """A line: 'gain 0.755, rms error of g 1e-09, 0.0 % of cells at an end of their range'."""
        return (
            f"gain {self.gain:.3g}, rms error of g {self.error:.1e}, {percent(self.clipped)} of cells at"
            " an end of their range"
        )

    def to_dict(self) -> dict[str, Any]:
        """The numbers, without the states."""
        return {name: getattr(self, name) for name in ("gain", "error", "clipped", "rounds")}


def believed(crossbar: Crossbar, factor: float) -> Crossbar:
    """The lines as somebody takes them to be who knows the segments' resistances up to this factor."""
    if factor == 1.0:
        return crossbar
    lines = {name: np.multiply(getattr(crossbar, name), factor) for name in ("r_word", "r_bit")}
    return replace(crossbar, **lines)


def place(
    tiles: Sequence[Tile],
    meant: Sequence[ProgrammedLayer],
    circuitry: Circuitry,
    *,
    factor: float = 1.0,
) -> Placement:
    """Place the initial states of all tiles of a layer for their wires.

    tiles : on the lines and cells that are known
    meant : of each tile, the layer whose initial state holds the wanted weights
    factor : between the segments' resistances that are reckoned with and those of the tiles

    The same arrays are placed once in a process. Cells that find no room stay at the end of their range,
    and the result says how many.
    """
    lines = tuple(believed(tile.layer.crossbar, factor) for tile in tiles)
    wanted = tuple(layer.initial_state for layer in meant)
    return _placed(_Key(tuple(tile.layer for tile in tiles), lines, wanted, circuitry))


def placed_tiles(tiles: Sequence[Tile], placement: Placement) -> tuple[Tile, ...]:
    """The tiles with their cells where they are placed; pulses stay as they are."""
    pairs = zip(tiles, placement.states, strict=True)
    return tuple(
        replace(tile, layer=replace(tile.layer, initial_state=states)) for tile, states in pairs
    )


class _Key:
    """All that a placement depends on, as a cache's key: equal where all numbers are."""

    def __init__(
        self,
        layers: tuple[ProgrammedLayer, ...],
        lines: tuple[Crossbar, ...],
        wanted: tuple[Floats, ...],
        circuitry: Circuitry,
    ) -> None:
        self.layers, self.lines, self.wanted, self.circuitry = layers, lines, wanted, circuitry
        devices = [repr(layer.device.to_dict()) for layer in layers[:1]]
        states = [(state.shape, state.tobytes()) for state in wanted]
        self._key = (lines, repr(circuitry), str(layers[0].mapping), *devices, *states)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


@functools.lru_cache(maxsize=64)
def _placed(key: _Key) -> Placement:
    """The placement at the mean gain of the lines, or at a smaller one where cells then have room."""
    goals = [key.layers[0].mapping.weights_of(state) for state in key.wanted]
    mean, best = _attenuation(key), None
    for share in _GAINS:
        found = _at_gain(key, goals, share * mean)
        if best is None or found.error < best.error:
            best = found
        if found.error <= _ENOUGH * max(_rms(goals), _LEAST):
            break
    assert best is not None
    return best


def _at_gain(key: _Key, goals: Sequence[Floats], gain: float) -> Placement:
    mapping, best = key.layers[0].mapping, None
    states = [np.array(state) for state in key.wanted]
    for rounds in range(1, _MOST_ROUNDS + 1):
        weights = [_effective(key, index, state) for index, state in enumerate(states)]
        missing = [gain * goal - found for goal, found in zip(goals, weights, strict=True)]
        error = _rms(missing) / gain
        if best is None or error < best.error:
            found = tuple(state.copy() for state in states)
            clipped = _clipped(found, mapping)
            best = Placement(states=found, gain=gain, error=error, clipped=clipped, rounds=rounds)
        if error <= TOLERANCE * max(_rms(goals), _LEAST) or error > best.error / _STUCK:
            break
        states = [
            _moved(one, _STEP / gain * lack, mapping) for one, lack in zip(states, missing, strict=True)
        ]
    assert best is not None
    return best


def _effective(key: _Key, index: int, states: Floats) -> Floats:
    """The effective weights g (rows, outputs) of a tile with these states, as its wires are believed."""
    layer = key.layers[index]
    W = key.circuitry.settled(key.lines[index], states, layer.device).weights()[0]
    return layer.mapping.effective_weights(layer.mapping.joined(W), layer.device)


def _attenuation(key: _Key) -> float:
    """The mean over all cells of effective over own conductance: the gain that asks for least range."""
    shares = []
    for layer, lines, states in zip(key.layers, key.lines, key.wanted, strict=True):
        p, volts = layer.device.memristor, layer.device.pulses.read_voltage
        through = key.circuitry.settled(lines, states, layer.device).weights()[0]
        shares.append((through / conductance(states, volts, p)).ravel())
    return float(np.concatenate(shares).mean())


def _moved(states: Floats, change: Floats, mapping: Mapping) -> Floats:
    """States whose weights g are changed by `change` (rows, outputs), as far as there is room.

    Cells of references stay; of a pair, one rises by as much as the other falls.
    """
    found, lines = np.array(states), states.shape[1]
    found[:, mapping.plus(lines)] += 0.5 * change
    if mapping.kind is Kind.pair:
        found[:, mapping.minus(lines)] -= 0.5 * change
    return np.clip(found, 0.0, 1.0)


def _clipped(states: Sequence[Floats], mapping: Mapping) -> float:
    cells = []
    for state in states:
        held = np.setdiff1d(np.arange(state.shape[1]), mapping.references(state.shape[1]))
        cells.append(state[:, held].ravel())
    every = np.concatenate(cells)
    return float(np.mean((every <= 0.0) | (every >= 1.0)))


def _rms(arrays: Sequence[Floats]) -> float:
    return float(np.sqrt(np.mean(np.concatenate([array.ravel() for array in arrays]) ** 2)))


def require_alone(*, placed: bool, others: Sequence[str]) -> None:
    """Refuse what a placement leaves nothing to do for.

    Raises
    ------
    InputError : together with pre-distortion, which maps what a placement has placed anew, or with a
        permutation, whose loss it makes up for anyway.
    """
    if placed and others:
        raise InputError(
            f"compensation placed+{'+'.join(others)}: placed maps the initial state for its wires, once;"
            f" leave {' and '.join(others)} out, or leave out placed"
        )
