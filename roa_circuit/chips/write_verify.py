"""Write-verify: read, correct, write again, until a cell reads as wanted or cannot be helped.

One algorithm serves whatever can be read and written: `FreeCells` without wires, a `WiredArray`
behind its wires (`programmable`), or an array in a circuit simulator. It learns from every
round how weakly each cell answers, gives up on cells that do not answer, and always ends.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import InputError
from roa_circuit.basics.shown import Facts, Shown
from roa_circuit.device.arrays import unmasked
from roa_circuit.device.parameters import Device
from roa_circuit.device.programming import Programming, real_pulse_count, require_states, round_count

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

_DEAF = 0.02  # of the pulses' worth: a cell that moves less did not answer
_HEARD = 0.1  # ... and one that ever moved as much is not stuck
_DEAF_ROUNDS = 2  # without an answer, one after the other, and a cell is given up
_REVERSALS = 4  # of direction, and a cell is given up
_WEAKEST = 1.0 / 8.0  # answer that is believed; stronger ones than 1 are for the rounding to mend


class Cells(Protocol):
    """Cells that can be read and written."""

    def read(self) -> Floats:
        """The state omega of every cell, as the readout reports it."""

    def write(self, pulses: Counts) -> None:
        """Apply signed pulse counts, > 0 to potentiate, in the shape that `read` has."""


class Ending(IntEnum):
    """How a cell ended: as wanted, or the reason why not."""

    reached = 0
    out_of_range = 1  # the target is none that pulses reach, or the cell stopped answering short of it
    stuck = 2  # it never answered
    too_coarse = 3  # no whole pulse brings it closer
    oscillating = 4  # it overshot to and fro
    out_of_rounds = 5  # it was still on its way


@dataclass(frozen=True, kw_only=True)
class Round:
    """What one round did, and the errors in omega that it read at its start."""

    rms_error: float
    worst_error: float
    outside: int  # cells further off than the tolerance
    written: int  # cells that got pulses
    pulses: int


@dataclass(frozen=True, kw_only=True, repr=False)
class VerifiedWrite(Shown):
    """The outcome of write-verify; arrays have the target's shape.

    reading : omega as last read
    ending : an `Ending` for every cell
    pulses : pulses spent on every cell, of either sign
    strength : the dose of a cell's pulses over the nominal one, as learned; in [1/8, 1]
    rounds : in order; the last one wrote nothing, unless rounds ran out
    """

    target: Floats
    reading: Floats
    ending: NDArray[np.int8]
    pulses: Counts
    strength: Floats
    rounds: tuple[Round, ...]

    def facts(self) -> Facts:
        """How many cells ended how."""
        ended = [(name, str(count)) for name, count in self.counts().items() if count]
        spent = ("pulses", f"{int(self.pulses.sum())} in {len(self.rounds)} rounds")
        rows = [*ended, spent, ("worst error", f"{self.worst_error:.3g} in omega")]
        return Facts(title=f"Write-verify of {self.target.size} cells", rows=rows)

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Which cells still read further off than the tolerance."""
        return np.asarray(self.ending != Ending.reached)

    @property
    def worst_error(self) -> float:
        """The largest |reading - target|."""
        return float(np.abs(self.reading - self.target).max(initial=0.0))

    def counts(self) -> dict[str, int]:
        """How many cells ended how, by name in words."""
        return {e.name.replace("_", " "): int((self.ending == e).sum()) for e in Ending}

    def to_dict(self) -> dict[str, Any]:
        """Plain values for reports: counts, failed cells by index, and the rounds."""
        named = [
            {
                "cell": [int(i) for i in cell],
                "why": Ending(int(self.ending[tuple(cell)])).name.replace("_", " "),
                "target": float(self.target[tuple(cell)]),
                "reading": float(self.reading[tuple(cell)]),
            }
            for cell in np.argwhere(self.failed)
        ]
        return {
            "endings": self.counts(),
            "worst_error": self.worst_error,
            "pulses": int(self.pulses.sum()),
            "rounds": [dataclasses.asdict(one) for one in self.rounds],
            "failed": named,
        }


def write_verify(
    cells: Cells,
    target: Floats,
    device: Device,
    how: Programming,
    *,
    tolerance: float = 0.05,
    rounds: int = 20,
    generator: np.random.Generator | None = None,
) -> VerifiedWrite:
    """Bring every cell to read within `tolerance` of `target`, in at most `rounds` writes.

    Each round reads all cells, counts pulses by Eq. 6 for those outside the tolerance, more
    for those that answered weakly so far, and writes them. After an overshoot a cell gets at most
    half as many pulses as before. The default tolerance is half a pulse of Table 1 at omega = 1/2.

    device : gives the constants with which pulses are counted; what they really do is up to `cells`
    generator : needed for stochastic rounding

    Raises
    ------
    InputError : a tolerance or number of rounds below 0, or a target of another shape.

    Examples
    --------
    >>> from roa_circuit import FreeCells, Programming, default_device
    >>> target, device, how = np.array([[0.3, 0.6]]), default_device(), Programming()
    >>> cells = FreeCells(np.full((1, 2), 0.5), device, how)
    >>> write_verify(cells, target, device, how).worst_error <= 0.05
    True
    """
    if not (tolerance >= 0 and rounds >= 0):
        raise InputError(f"tolerance = {tolerance!r} and rounds = {rounds!r} must not be negative")
    progress = _Progress(cells.read(), _target(target), tolerance)
    done = []
    for _ in range(rounds):
        count = progress.correction(device, how, generator)
        done.append(progress.round(count))
        if not count.any():
            break
        cells.write(count)
        progress.learn(cells.read(), count, device, how)
    else:
        done.append(progress.round(0 * progress.spent))
    return VerifiedWrite(
        target=progress.target,
        reading=progress.reading,
        ending=progress.ending(device, how),
        pulses=progress.spent,
        strength=progress.strength,
        rounds=tuple(done),
    )


def first_round(start: Floats, target: Floats, device: Device, tolerance: float) -> NDArray[np.int64]:
    """The pulses (rows, columns) that a first round gives cells that read as they are, at `start`."""
    progress = _Progress(np.asarray(start, dtype=np.float64), _target(target), tolerance)
    return progress.correction(device, Programming(), None)


def _target(target: Floats) -> Floats:
    states = np.asarray(unmasked(target), dtype=np.float64)
    require_states(states, what="target")
    return states


class _Progress:
    """What is known of every cell between rounds."""

    def __init__(self, reading: Floats, target: Floats, tolerance: float) -> None:
        if reading.shape != target.shape:
            raise InputError(f"target has shape {target.shape}, the cells are {reading.shape}")
        self.reading, self.target, self.tolerance = reading, target, tolerance
        self.strength = np.ones(target.shape)
        self.last, self.spent = np.zeros((2, *target.shape), dtype=np.int64)
        self.reversals, self.deaf = np.zeros((2, *target.shape), dtype=np.int64)
        self.heard = np.zeros(target.shape, dtype=bool)

    @property
    def outside(self) -> NDArray[np.bool_]:
        return np.asarray(np.abs(self.target - self.reading) > self.tolerance)

    @property
    def given_up(self) -> NDArray[np.bool_]:
        return np.asarray((self.reversals >= _REVERSALS) | (self.deaf >= _DEAF_ROUNDS))

    def correction(
        self, device: Device, how: Programming, generator: np.random.Generator | None
    ) -> Counts:
        """Signed pulse counts of the next round."""
        wanted = real_pulse_count(self.reading, self.target - self.reading, device, how) / self.strength
        count = np.clip(round_count(wanted, how, generator), -how.max_pulses, how.max_pulses)
        back = count * self.last < 0
        count = np.where(back, np.sign(count) * np.minimum(np.abs(count), _halved(self.last)), count)
        return np.where(self.outside & ~self.given_up, count, 0).astype(np.int64)

    def learn(self, reading: Floats, count: Counts, device: Device, how: Programming) -> None:
        """Learn each cell's strength from what its pulses did and should have done."""
        asked = count != 0
        unlimited = dataclasses.replace(how, max_pulses=10**9)
        did = real_pulse_count(self.reading, reading - self.reading, device, unlimited)
        answer = did / np.where(asked, count, 1)
        believed = np.clip(answer, _WEAKEST, 1.0)
        self.strength = np.where(asked, np.sqrt(self.strength * believed), self.strength)
        self.deaf = np.where(asked, np.where(answer < _DEAF, self.deaf + 1, 0), self.deaf)
        self.heard |= asked & (answer >= _HEARD)
        self.reversals += count * self.last < 0
        self.last = np.where(asked, count, self.last)
        self.spent += np.abs(count)
        self.reading = reading

    def round(self, count: Counts) -> Round:
        error = np.abs(self.target - self.reading)
        return Round(
            rms_error=float(np.sqrt(np.mean(error**2))),
            worst_error=float(error.max(initial=0.0)),
            outside=int(self.outside.sum()),
            written=int((count != 0).sum()),
            pulses=int(np.abs(count).sum()),
        )

    def ending(self, device: Device, how: Programming) -> NDArray[np.int8]:
        """The first `Ending` that holds, for every cell."""
        exact = dataclasses.replace(how, rounding="nearest")
        beyond = (self.target < how.lowest_state) | (self.target > how.highest_state)
        deaf = self.deaf >= _DEAF_ROUNDS
        reasons = [
            (~self.outside, Ending.reached),
            (beyond | (deaf & self.heard), Ending.out_of_range),
            (deaf, Ending.stuck),
            (self.reversals >= _REVERSALS, Ending.oscillating),
            (self.correction(device, exact, None) == 0, Ending.too_coarse),
        ]
        conditions, endings = zip(*reasons, strict=True)
        return np.asarray(np.select(conditions, endings, Ending.out_of_rounds), dtype=np.int8)


def _halved(count: Counts) -> Counts:
    return np.asarray(np.maximum(np.abs(count) // 2, 1))
