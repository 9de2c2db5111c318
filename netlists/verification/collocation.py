"""Collocation: a write checked at operating points of the simulator, instead of by its time steps.

    surrogate:  s0 --pulse 1--> s1 --pulse 2--> s2 ...                  the states that are checked
    simulator:  cells frozen at s0, at s1, all lines as in pulse 1      an operating point each
    the law:    s0 --with the simulator's cell voltages--> s1'          s1' - s1 is the residual

Every cell and every wire is simulated, half-selected ones too. The residuals of all pulses
sum to a bound on what the surrogate's states are wrong by; where the law makes errors grow, each is
carried on to the end of the write. Operating points know nothing of time steps, so a few pulses are
simulated as full transients, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from netlists.decks.deck import How, points_deck, write_deck
from netlists.decks.runnable import Deck
from netlists.simulation.parallel import Together, run_all
from netlists.simulation.run import Progress, Simulation
from netlists.verification.law_steps import Found, after_pulse, growth, halfway, mean_power, of_cells
from roa_circuit.chips.chip import Chip
from roa_circuit.chips.in_situ import write_in_situ
from roa_circuit.circuit.components import Transistor
from roa_circuit.circuit.waveforms import WritePulse, line_voltages, write_programme
from roa_circuit.device.laws.law import Law

Floats = NDArray[np.float64]

FAR = 0.1
"""A pulse that moves a cell's omega further than this is simulated at half its time, too."""

TRANSIENTS = 3
"""So many pulses of a verification are full transients as well."""

_STILL = 1e-4
"""The change of a pulse that moves no cell further: a simulator's own rounding is a share of it."""

_ITERATIONS = 40.0  # a pulse's transient beside an operating point, for progress


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """What the surrogate says of a write.

    pulses : (P) of the programme
    states : (P + 1, rows, columns) omega before the first pulse, and after each
    """

    pulses: tuple[WritePulse, ...]
    states: Floats


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The pulses of a write that are simulated, by their number in the programme.

    points : at operating points; transients : of those, as full transients, too
    of : how many the programme has
    """

    points: tuple[int, ...]
    transients: tuple[int, ...]
    of: int


@dataclass(frozen=True, kw_only=True)
class Scope:
    """How one array's write is collocated.

    believed : the array as the surrogate takes it to be
    parts : how many decks share the operating points, and run at a time
    """

    believed: Chip
    chosen: Chosen
    parts: int


@dataclass(frozen=True, kw_only=True)
class Collocated:
    """What the simulator says of a surrogate's write.

    state : (rows, columns) omega after it: the surrogate's, and what the residuals come to
    bound : (rows, columns) on |omega - the surrogate's|
    energy : of the simulated pulses [J], which the lines' sources deliver
    transient_error : worst |omega| by which full transients differ; None without any
    transient_share : the worst such error over the largest change of that pulse
    seconds : of all decks, one after the other
    """

    state: Floats
    bound: Floats
    energy: float
    transient_error: float | None
    transient_share: float | None
    seconds: float
    version: str


Runner = Callable[[Deck, str, Progress], Simulation]
"""Runs a deck under a name."""


def surrogate_trajectory(
    chip: Chip, start: Floats, counts: NDArray[np.int64], transistor: Transistor | None
) -> Trajectory:
    """The surrogate's write of pulse counts (rows, columns), one pulse after the other."""
    pulses = tuple(write_programme(counts, chip.device))
    states = [np.array(start, dtype=np.float64)]
    for pulse in pulses:
        one = _alone(pulse, counts.shape)
        after = write_in_situ(chip.crossbar, states[-1], one, chip.device, transistor=transistor)
        states.append(after.state)
    return Trajectory(pulses=pulses, states=np.stack(states))


def choose(programmes: Sequence[Sequence[WritePulse]], pulses: int | None, seed: int) -> list[Chosen]:
    """Draw `pulses` of all arrays' pulses together, and the transients among them; None takes all.

    The first transient is a potentiating pulse and the second a depressing one, where there are both.
    """
    rng = np.random.default_rng(seed)
    every = [(array, number) for array, own in enumerate(programmes) for number in range(len(own))]
    if pulses is not None and pulses < len(every):
        every = [every[i] for i in np.sort(rng.choice(len(every), pulses, replace=False))]
    shuffled = [every[i] for i in rng.permutation(len(every))]
    rises = {one: programmes[one[0]][one[1]].voltage < 0 for one in every}
    first = [one for one in shuffled if rises[one]][:1] + [one for one in shuffled if not rises[one]][:1]
    transients = (first + [one for one in shuffled if one not in first])[:TRANSIENTS]
    return [
        Chosen(
            points=tuple(number for at, number in every if at == array),
            transients=tuple(sorted(number for at, number in transients if at == array)),
            of=len(programme),
        )
        for array, programme in enumerate(programmes)
    ]


@dataclass(frozen=True, kw_only=True)
class Collocation:
    """The check of one array's write in a simulator.

    chip : the array that is simulated
    trajectory : what the surrogate says of its write
    name : of its decks, behind what they do
    run : runs a deck
    together : the jobs that this one belongs to, and ends with
    """

    chip: Chip
    trajectory: Trajectory
    scope: Scope
    how: How
    name: str
    run: Runner
    together: Together

    def done(self, progress: Progress) -> Collocated:
        """Run all decks, compare, and sum up."""
        chosen, parts = self.scope.chosen, self.scope.parts
        shares = [share for share in np.array_split(np.array(chosen.points, int), parts) if len(share)]
        jobs: list[Callable[[Progress], _Part]] = [
            partial(self._points, share, "" if len(shares) == 1 else f"-part{index}")
            for index, share in enumerate(shares)
        ]
        jobs += [partial(self._transient, number) for number in chosen.transients]
        weights = [2.0 * len(s) for s in shares] + [_ITERATIONS] * len(chosen.transients)
        own = Together(progress, weights=weights)
        own.stop = self.together.stop
        order = sorted(range(len(jobs)), key=lambda index: -weights[index])  # none long at the end

        def one(position: int) -> _Part:
            return jobs[order[position]](own.part(order[position]))

        return self._summed(run_all(one, len(jobs), own, workers=parts))

    def _summed(self, parts: Sequence[_Part]) -> Collocated:
        last = self.trajectory.states[-1]
        residual, bound = np.zeros(last.size), np.zeros(last.size)
        steps = sorted((step for part in parts for step in part.steps), key=lambda step: step.number)
        for step in steps:
            residual = step.growth * residual + step.residual
            # An error that shrinks is not relied on: wires, which couple cells, are not counted here.
            bound = np.maximum(step.growth, 1.0) * bound + np.abs(step.residual)
        errors = [part.error for part in parts if part.error is not None]
        shares = [part.share for part in parts if part.share is not None]
        return Collocated(
            state=np.clip(last + residual.reshape(last.shape), 0.0, 1.0),
            bound=bound.reshape(last.shape),
            energy=sum(step.energy for step in steps),
            transient_error=float(np.max(errors)) if errors else None,
            transient_share=float(np.max(shares)) if shares else None,
            seconds=sum(part.seconds for part in parts),
            version=next((part.version for part in parts), ""),
        )

    def _points(self, numbers: NDArray[np.intp], suffix: str, progress: Progress) -> _Part:
        """The residuals of some pulses."""
        device, crossbar = self.chip.device, self.chip.crossbar
        nodes = [self._nodes(int(number)) for number in numbers]
        pulses = [self.trajectory.pulses[number] for number in numbers]
        deck = points_deck(
            crossbar,
            np.concatenate(nodes),
            [pulse for pulse, some in zip(pulses, nodes, strict=True) for _ in some],
            device,
            **self.how,
        )
        done = self.run(deck, f"points{self.name}{suffix}", progress)
        found = np.split(deck.measured(done), np.cumsum([len(some) for some in nodes])[:-1])
        return _Part(
            steps=[
                _step(int(number), pulse, states, table, self.chip)
                for number, pulse, states, table in zip(numbers, pulses, nodes, found, strict=True)
            ],
            seconds=done.seconds,
            version=done.version,
        )

    def _nodes(self, number: int) -> Floats:
        """The states (2 or 3, rows, columns) at which a pulse is simulated."""
        before, after = self.trajectory.states[number : number + 2]
        if np.abs(after - before).max() <= FAR:
            return np.stack([before, after])
        words, bits = line_voltages(self.trajectory.pulses[number], self.chip.crossbar)
        middle = halfway(before, after, words[:, None] - bits, self.chip.device.memristor)
        return np.stack([before, middle, after])

    def _transient(self, number: int, progress: Progress) -> _Part:
        """One pulse as a full transient, from the surrogate's states."""
        before, after = self.trajectory.states[number : number + 2]
        one = _alone(self.trajectory.pulses[number], before.shape)
        deck = write_deck(self.chip.crossbar, before, one, self.chip.device, **self.how)
        done = self.run(deck, f"pulse{number}{self.name}", progress)
        error = float(np.abs(deck.measured(done).reshape(before.shape) - after).max())
        share = error / max(float(np.abs(after - before).max()), _STILL)
        return _Part(steps=[], error=error, share=share, seconds=done.seconds, version=done.version)


@dataclass(frozen=True, kw_only=True)
class _Step:
    """One pulse: its residual and how errors grow in it (cells,), and its energy [J]."""

    number: int
    residual: Floats
    growth: Floats
    energy: float


@dataclass(frozen=True, kw_only=True)
class _Part:
    """What one deck came to."""

    steps: Sequence[_Step]
    seconds: float
    version: str
    error: float | None = None
    share: float | None = None


def _step(number: int, pulse: WritePulse, states: Floats, table: Floats, chip: Chip) -> _Step:
    """The step of one pulse from the vectors (nodes, ...) of its operating points."""
    flat = states.reshape(len(states), -1)
    cells = flat.shape[1]
    p = of_cells(chip.device.memristor, np.arange(cells))
    te, be, currents = np.split(table, [cells, 2 * cells], axis=1)
    found = Found(states=flat, voltages=te - be)
    after = after_pulse(found, pulse, p)
    drives = np.concatenate(line_voltages(pulse, chip.crossbar))
    power = -currents @ drives
    return _Step(
        number=number,
        residual=after - flat[-1],
        growth=growth(found, after, p),
        energy=_energy(found, power, pulse, p),
    )


def _energy(found: Found, power: Floats, pulse: WritePulse, p: Law) -> float:
    """What the sources deliver in a pulse [J], of their power (nodes,) [W] at full drive."""
    late = _mean_share(found, p)
    weights = np.array([1.0 - late, late]) if len(power) == 2 else np.array([1.0, 4.0, 1.0]) / 6.0
    edges = sum(power[node] * mean_power(found, node, p) for node in (0, -1))
    return float(pulse.width * weights @ power + pulse.edge * edges)


def _mean_share(found: Found, p: Law) -> float:
    """How far cells have come in the mean over a pulse: half of their way, or more as they slow."""
    before, after = found.states[0], found.states[-1]
    way = float(np.abs(after - before).sum())
    if way == 0.0:
        return 0.5
    middle = halfway(before, after, found.voltages.mean(axis=0), p)
    return float((4.0 * np.abs(middle - before).sum() + way) / (6.0 * way))


def _alone(pulse: WritePulse, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """The pulse counts (rows, columns) of a write of this pulse alone."""
    one = np.zeros(shape, dtype=np.int64)
    one[pulse.row, pulse.selected] = 1 if pulse.voltage < 0 else -1
    return one
