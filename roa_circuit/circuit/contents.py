"""Checks of what an array is to hold and be given: states, pulses, read voltages."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.device.arrays import unmasked

GROUND: NDArray[np.float64] = np.zeros(0)
"""The ends of bit lines without offsets."""


def check_states(crossbar: Crossbar, state: NDArray[np.float64]) -> None:
    """Raise InputError unless states fit the crossbar and lie in [0, 1]."""
    _check_shape(crossbar, state, "states")
    outside = ~((state >= 0) & (state <= 1))
    if outside.any():
        row, column = np.argwhere(outside)[0]
        raise InputError(
            f"states must lie in [0, 1], omega of row {row}, column {column} is"
            f" {state[row, column]:.4g}; weights g in [-1, 1] are omega = (g + 1) / 2"
        )


def require_weights(weights: NDArray[np.float64]) -> None:
    """Raise InputError unless weights g (inputs, outputs) are a matrix of numbers in [-1, 1]."""
    if weights.ndim == 4:
        raise InputError(
            f"weights have shape {weights.shape}, a kernel (filters, channels, height, width); an array"
            " holds it as kernel.reshape(len(kernel), -1).T: inputs of a window x filters"
        )
    if weights.ndim != 2:
        raise InputError(f"weights have shape {weights.shape}, expected (inputs, outputs)")
    outside = ~((weights >= -1) & (weights <= 1))
    if outside.any():
        row, column = np.argwhere(outside)[0]
        largest = float(np.abs(weights).max())
        way = f"divide all by {largest:.4g}, and multiply the outputs by it" if largest < np.inf else ""
        raise InputError(
            f"weights g must lie in [-1, 1], row {row}, column {column} is {weights[row, column]:.4g};"
            f" {way or 'give finite numbers'}"
        )


def require_inputs(inputs: NDArray[np.float64]) -> None:
    """Raise InputError unless inputs x (reads, rows) are finite and not negative."""
    outside = ~((inputs >= 0) & (inputs < np.inf))
    if outside.any():
        read, row = np.argwhere(outside)[0]
        raise InputError(
            f"inputs x must be 0 or more, row {row} of read {read} is {inputs[read, row]:.4g}: drivers"
            " have no negative voltages; read max(x, 0) and max(-x, 0) apart, and subtract the outputs"
        )


def check_pulses(crossbar: Crossbar, pulses: NDArray[Any]) -> None:
    """Raise InputError unless pulse counts fit the crossbar and are whole numbers, of any type."""
    _check_shape(crossbar, pulses, "pulses")
    if np.issubdtype(pulses.dtype, np.integer):
        return
    broken = ~(np.isfinite(pulses) & (pulses == np.rint(pulses)))
    if broken.any():
        row, column = np.argwhere(broken)[0]
        raise InputError(
            f"pulses must be whole numbers, > 0 to potentiate: row {row}, column {column} has"
            f" {pulses[row, column]:.4g}; `write` rounds what Eq. 6 asks for to whole pulses"
        )


def as_counts(pulses: NDArray[Any]) -> NDArray[Any]:
    """Pulse counts of which the negative can be taken: unsigned ones as signed."""
    counts = np.asarray(unmasked(pulses))
    return counts.astype(np.int64) if counts.dtype.kind in "ub" else counts


def check_read(crossbar: Crossbar, state: NDArray[np.float64], voltages: NDArray[np.float64]) -> None:
    """Raise InputError unless states and voltages (reads, rows) fit the crossbar and are finite."""
    check_states(crossbar, state)
    check_voltages(crossbar, voltages)


def check_voltages(crossbar: Crossbar, voltages: NDArray[np.float64], what: str = "voltages") -> None:
    """Raise InputError unless word-line voltages (reads, rows) [V] fit the crossbar and are finite."""
    _check_numbers(voltages, what)
    if voltages.ndim != 2 or voltages.shape[1] != crossbar.rows:
        raise InputError(f"{what} have shape {voltages.shape}, expected (reads, {crossbar.rows} rows)")
    if not np.isfinite(voltages).all():
        raise InputError(f"{what} must be finite numbers")


def check_ends(crossbar: Crossbar, ends: NDArray[np.float64]) -> None:
    """Raise InputError unless there are no voltages, or a finite one for each bit line."""
    if ends.shape not in {(0,), (crossbar.columns,)} or not np.isfinite(ends).all():
        raise InputError(f"ends must be {crossbar.columns} finite voltages, one a bit line, or empty")


def _check_shape(crossbar: Crossbar, values: NDArray[Any], what: str) -> None:
    _check_numbers(values, what)
    if values.shape != crossbar.shape:
        raise InputError(
            f"{what} have shape {values.shape}, the crossbar is {crossbar.shape} (rows, columns)"
        )


def _check_numbers(values: Any, what: str) -> None:
    unmasked(values)
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiub":
        given = f"array of {values.dtype}" if isinstance(values, np.ndarray) else type(values).__name__
        raise InputError(f"{what} must be a numpy array of real numbers, not {given}; use np.asarray")
