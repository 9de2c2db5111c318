"""States of cells from a file: omega, or conductances in siemens of a device that is named."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from netlists.commands.tables import read_matrix
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.units import engineering
from roa_circuit.circuit.scaling import weight_from_conductance
from roa_circuit.device.memristor import conductance_range, state_from_conductance
from roa_circuit.device.parameters import Device
from roa_circuit.presentation import options

LARGEST_CONDUCTANCE = 1e3
"""In siemens; nothing on a chip conducts as well."""

_SMALL = 0.01
"""A file of nothing but positive states below this one holds conductances."""

_SLACK = 1e-6
"""Of the range: as far as six printed digits put its own ends outside it."""

Conductances = Annotated[
    bool, options.flag("--conductances", "The file has conductances [S] at the device's read voltage.")
]


def read_states(path: Path, siemens: Device | None = None) -> NDArray[np.float64]:
    """States omega (rows, columns) in [0, 1] of a file.

    siemens : the device whose conductances [S] the file holds; None where it holds states

    Raises
    ------
    InputError : what `read_matrix` raises, conductances outside the device's range, or states so small
        that they are conductances.
    """
    if siemens is not None:
        G = read_matrix(path, what="conductance [S]", lowest=0.0, highest=LARGEST_CONDUCTANCE)
        return _states(G, siemens, path)
    omega = read_matrix(path, what="state omega", lowest=0.0, highest=1.0)
    if 0.0 < omega.min() and omega.max() < _SMALL:
        least, most = (engineering(float(end), "S") for end in (omega.min(), omega.max()))
        raise InputError(
            f"{path}: all states lie between {omega.min():.3g} and {omega.max():.3g}, as conductances of"
            f" {least} to {most} do; add --conductances for siemens, or give states omega in [0, 1]"
        )
    return omega


def read_weights_of(path: Path, siemens: Device) -> NDArray[np.float64]:
    """Weights g (rows, columns) in [-1, 1] of a file of conductances [S] of this device (Eq. 9).

    Raises
    ------
    InputError : what `read_matrix` raises, or conductances outside the device's range.
    """
    G = read_matrix(path, what="conductance [S]", lowest=0.0, highest=LARGEST_CONDUCTANCE)
    _require_in_range(G, siemens, path)
    return np.asarray(np.clip(weight_from_conductance(G, siemens), -1.0, 1.0))


def _states(G: NDArray[np.float64], device: Device, path: Path) -> NDArray[np.float64]:
    _require_in_range(G, device, path)
    volts, cells = device.pulses.read_voltage, device.memristor
    return np.asarray(np.clip(state_from_conductance(G, volts, cells), 0.0, 1.0))


def _require_in_range(G: NDArray[np.float64], device: Device, path: Path) -> None:
    least, most = (float(end) for end in conductance_range(device.pulses.read_voltage, device.memristor))
    slack = _SLACK * (most - least)
    outside = np.argwhere((least - slack > G) | (most + slack < G))
    if len(outside):
        row, column = (int(index) for index in outside[0])
        ends = " to ".join(engineering(end, "S") for end in (least, most))
        raise InputError(
            f"{path}, line {row + 1}, column {column + 1}: {engineering(G[row, column], 'S')} lies"
            f" outside the {ends} of device {device.name!r} at current scale"
            f" {device.memristor.current_scale:g}; name the cells with --device, or scale theirs with"
            " --current-scale"
        )
