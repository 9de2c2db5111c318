"""Reach: whether a law by formulas has a meaning at every voltage that its pulses and reads reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from roa_circuit.basics.errors import InputError
from roa_circuit.device.arrays import LARGEST_EXPONENT
from roa_circuit.device.laws.formulas.currents import trees_of
from roa_circuit.device.laws.formulas.definition import Definition
from roa_circuit.device.laws.formulas.grammar import Tree
from roa_circuit.device.laws.formulas.values import value, whole_exponent
from roa_circuit.device.laws.law import LAW, Law

PULSES = "pulses and reads"
"""What reaches the voltages of a parameter set."""

_ROUNDING = 1e-9
_STATES = (0.02, 0.25, 0.5, 0.75, 0.98)
_VOLTAGES = 25  # of each polarity


def check_reach(
    law: Law, definition: Definition, lowest: float, highest: float, what: str = PULSES
) -> None:
    """Raise InputError unless the law holds from `lowest` [V] <= 0 to `highest` [V] >= 0.

    what : reaches so far, in words; an end at 0 V is one that nothing reaches

    It holds where everything is finite, no exponent or root is clamped, the current rises with the
    voltage and V > 0 lowers omega.
    """
    share = np.linspace(0.0, 1.0, _VOLTAGES + 1)[1:]
    ends = [end * share for end in (lowest, highest) if end]
    if not ends:
        return
    V, omega = (part.ravel() for part in np.meshgrid(np.concatenate(ends), _STATES))
    trees, state, constants = trees_of(definition), definition.state, law.constants
    change = "constants, pulses" if what == PULSES else "constants"
    span = f"between {lowest:g} and {highest:g} V, which {what} reach"
    with np.errstate(all="ignore"):
        x = np.asarray(value(trees["state_of_omega"], {**constants, "omega": omega}))
        for part in ("motion", "current"):
            told = next(_clamped(trees[part], {**constants, state: x + 0.0 * V, "v": V}), None)
            if told:
                raise InputError(f"[{LAW}] {part}: {told} {span}; change {change} or the formula")
        moved, slope = law.state_derivative(omega, V), law.differential_conductance(omega, V)
    if not np.isfinite(moved).all() or (moved * np.sign(V) > 0).any():
        raise InputError(f"[{LAW}] motion must be finite and lower omega for v > 0 {span}")
    if not (np.isfinite(slope) & (slope > 0)).all():
        raise InputError(f"[{LAW}] current must be finite and rise with v {span}")


def _clamped(tree: Tree, names: Mapping[str, Any]) -> Iterator[str]:
    """What is clamped in a formula at these values, each of one shape or a number, in words."""
    if tree[0] == "if":
        yield from _clamped(tree[1], names)
        yield from _clamped(tree[2], names)
        is_so = np.asarray(value(tree[1], names) < value(tree[2], names))
        for chosen, one in ((is_so, tree[3]), (~is_so, tree[4])):
            if chosen.any():
                yield from _clamped(one, names if not chosen.ndim else _part(names, chosen))
        return
    parts = tree[2] if tree[0] == "call" else [one for one in tree[1:] if isinstance(one, tuple)]
    for one in parts:
        yield from _clamped(one, names)
    if tree[0] == "call":
        yield from _clamped_call(tree[1], parts, names)


def _clamped_call(name: str, parts: Sequence[Tree], names: Mapping[str, Any]) -> Iterator[str]:
    of = np.asarray(value(parts[0], names))
    largest = float(np.abs(of).max())
    if name in ("exp", "sinh", "cosh") and largest > LARGEST_EXPONENT:
        yield f"{name} has an exponent of {largest:.3g}, beyond ± {LARGEST_EXPONENT:g},"
    rooted = name in ("sqrt", "log") or (name == "pow" and whole_exponent(parts[1]) is None)
    if rooted and of.min() < -_ROUNDING:
        yield f"{name} is taken of {of.min():.3g}, below 0,"


def _part(names: Mapping[str, Any], chosen: np.ndarray) -> dict[str, Any]:
    """The names' values at the chosen places; numbers stay."""
    return {n: v[chosen] if np.shape(v) == chosen.shape else v for n, v in names.items()}
