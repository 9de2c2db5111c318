"""Checks of a law by formulas with its constants: whether it is a law that the toolkit can use."""

from __future__ import annotations

import numpy as np

from roa_circuit.basics.errors import InputError
from roa_circuit.device.laws.formulas.currents import trees_of
from roa_circuit.device.laws.formulas.definition import Definition
from roa_circuit.device.laws.formulas.values import value
from roa_circuit.device.laws.law import LAW, Law

_SMALL = 1e-3  # [V]
_NOTHING = 1e-6  # of what _SMALL does


def check_law(law: Law, definition: Definition) -> None:
    """Raise InputError unless formulas and constants make a law."""
    try:
        _check(law, definition)
    except ArithmeticError as error:  # of plain numbers; arrays become infinite
        raise InputError(
            f"[{LAW}] formulas cannot be worked out with these constants ({error}); are the two ends of "
            "the range alike?"
        ) from None


def _check(law: Law, definition: Definition) -> None:
    trees, state, constants = trees_of(definition), definition.state, law.constants
    omega, V = np.linspace(0.0, 1.0, 9)[:, None], np.array([-1.0, -0.3, -0.05, 0.05, 0.3, 1.0])[None]
    with np.errstate(all="ignore"):
        x = np.asarray(value(trees["state_of_omega"], {**constants, "omega": omega}))
        back = np.asarray(value(trees["omega_of_state"], {**constants, state: x}))
        given = np.asarray(value(trees["current"], {**constants, state: x, "v": V})) * law.current_scale
        affine, slope = law.current(omega, V), law.differential_conductance(omega, V)
        states, sizes = np.linspace(0.02, 0.98, 9)[:, None], np.geomspace(_SMALL, 5.0, 9)
        pulses = np.concatenate([-sizes, sizes])
        moved = law.state_derivative(states, pulses)
    if not np.allclose(back, omega, atol=1e-9):
        raise InputError(f"[{LAW}] 'omega of state' must undo 'state of omega', and it does not")
    if not np.allclose(given, affine, rtol=1e-9, atol=1e-12 * np.abs(affine).max()):
        raise InputError(
            f"[{LAW}] current must be affine in omega: let omega be what the conductance is affine in,"
            " by another 'state of omega'"
        )
    _check_rest(law, definition)
    if not (np.isfinite(slope) & (slope > 0)).all():
        raise InputError(f"[{LAW}] current must rise with v everywhere, at both ends of the range")
    if not np.isfinite(moved).all() or (moved * np.sign(pulses) > 0).any():
        raise InputError(
            f"[{LAW}] motion must be finite and raise omega for v < 0, lower it for v > 0: the toolkit's"
            " polarity; write -v for v where a law has the other"
        )


def _check_rest(law: Law, definition: Definition) -> None:
    """Nothing flows or moves at 0 V, as the formulas themselves have it."""
    trees, state, constants = trees_of(definition), definition.state, law.constants
    omega, V = np.linspace(0.02, 0.98, 9)[:, None], np.array([[-_SMALL, 0.0, _SMALL]])
    with np.errstate(all="ignore"):
        x = np.asarray(value(trees["state_of_omega"], {**constants, "omega": omega})) + 0.0 * V
        for part in ("current", "motion"):
            found = np.abs(np.asarray(value(trees[part], {**constants, state: x, "v": V + 0.0 * x})))
            found = found + 0.0 * x
            if (found[:, 1] > _NOTHING * found[:, ::2].max(axis=1)).any():
                raise InputError(
                    f"[{LAW}] {part} must be 0 at v = 0, and is not; subtract its value there"
                )
