"""Spread: how devices of one kind differ (device to device), and their writes (cycle to cycle)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import InputError, nearest

CONSTANTS = ("k", "mu1", "mu2", "gamma", "delta", "alpha", "beta")
"""The constants of the paper's law."""
_LARGEST_LOG_SD = 10.0  # nothing spreads over nine decades: such a number is a mistake
_KEYS = ("names", "log_covariance [-]", "sigma_wn [-]", "devices")

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Spread:
    """The spread about one parameter set, whose constants are the medians of the population.

    Device to device: the logarithms of the constants in `names` are normal with the covariance
    `log_covariance` (names, names); the other constants do not vary. Cycle to cycle: `sigma_wn`
    of Eq. 7, as `Programming` takes it. `devices` counts those it was measured on (0: assumed).
    `constants` are those of the device's law, in its order.

    Raises
    ------
    InputError : an unknown or repeated name, a matrix that is no covariance, a negative sigma_wn.
    """

    names: tuple[str, ...] = ()
    log_covariance: tuple[tuple[float, ...], ...] = ()
    sigma_wn: float = 0.0
    devices: int = 0
    constants: tuple[str, ...] = CONSTANTS

    def __post_init__(self) -> None:
        for name in self.names:
            if name not in self.constants:
                raise InputError(f"names: {name!r} is no constant; {nearest(name, self.constants)}")
        if len(set(self.names)) != len(self.names):
            raise InputError(f"names: {', '.join(self.names)} repeats a constant")
        _require_covariance(self.log_covariance, len(self.names))
        if not (_is_number(self.sigma_wn) and self.sigma_wn >= 0):
            raise InputError(f"sigma_wn = {self.sigma_wn!r} must be finite and not negative")
        if isinstance(self.devices, bool) or not isinstance(self.devices, int) or self.devices < 0:
            raise InputError(f"devices = {self.devices!r} must be a whole number, not negative")

    @property
    def covariance(self) -> FloatArray:
        """Covariance (constants, constants) of the logarithms of all `constants`."""
        result = np.zeros((len(self.constants), len(self.constants)))
        place = [self.constants.index(name) for name in self.names]
        result[np.ix_(place, place)] = np.array(self.log_covariance).reshape(len(place), len(place))
        return result

    def draw(self, rng: np.random.Generator, shape: int | tuple[int, ...] = ()) -> dict[str, FloatArray]:
        """Draw a factor for each of the constants, for devices in this `shape`.

        The median of every factor is 1; a constant that does not vary has factors of 1.
        """
        shape = (shape,) if isinstance(shape, int) else shape
        size, axes = np.linalg.eigh(self.covariance)
        normal = rng.standard_normal((*shape, len(self.constants)))
        factors = np.exp((normal * np.sqrt(np.maximum(size, 0.0))) @ axes.T)
        return {name: factors[..., index] for index, name in enumerate(self.constants)}

    def to_dict(self) -> dict[str, Any]:
        """The section [spread] of a parameter set."""
        matrix = [list(row) for row in self.log_covariance]
        values = (list(self.names), matrix, self.sigma_wn, self.devices)
        return dict(zip(_KEYS, values, strict=True))

    @classmethod
    def from_dict(cls, section: Mapping[str, Any], constants: tuple[str, ...] = CONSTANTS) -> Spread:
        """Read the section [spread] of a law with these constants. Any key may be left out.

        Raises
        ------
        InputError : an unknown key, or what `Spread` refuses.
        """
        for key in section:
            if key not in _KEYS:
                raise InputError(f"[spread] has an unknown key {key!r}; {nearest(key, _KEYS)}")
        names, matrix, sigma_wn, devices = (
            section.get(key, empty) for key, empty in zip(_KEYS, ([], [], 0.0, 0), strict=True)
        )
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise InputError(f"[spread] names = {names!r} must be a list of constants, such as ['k']")
        if not isinstance(matrix, list) or not all(isinstance(row, list) for row in matrix):
            raise InputError("[spread] log_covariance must be a list of rows, one a name")
        return cls(
            names=tuple(names), log_covariance=tuple(tuple(row) for row in matrix),
            sigma_wn=sigma_wn, devices=devices, constants=constants,
        )  # fmt: skip


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _require_covariance(rows: tuple[tuple[float, ...], ...], count: int) -> None:
    if len(rows) != count or any(len(row) != count for row in rows):
        raise InputError(f"log_covariance must have {count} rows of {count}, one for each of the names")
    if not all(_is_number(value) for row in rows for value in row):
        raise InputError("log_covariance must hold finite numbers alone")
    if not count:
        return
    matrix = np.array(rows, dtype=np.float64)
    largest = float(np.abs(np.diag(matrix)).max())
    if largest > _LARGEST_LOG_SD**2:
        raise InputError(f"log_covariance has a variance of {largest:g}, a factor of "
                         f"e^{math.sqrt(largest):.3g}; the limit is e^{_LARGEST_LOG_SD:g}")  # fmt: skip
    uneven = np.abs(matrix - matrix.T).max() > 1e-9 * largest
    if uneven or np.linalg.eigvalsh(matrix)[0] < -1e-9 * largest:
        raise InputError(
            "log_covariance must be symmetric, with no negative eigenvalue: it is no covariance"
        )
