"""Loss: how much a reading far off the model counts, and what that costs the intervals.

A loss of scipy, C^2 rho((r / C)^2) with r a residual, becomes plain least squares of a bent residual
f with f^2 = C^2 rho, for any method that minimises sums of squares. C is the multiple of the noise
at which normal errors lose 5 % of precision (Huber 1981, Holland and Welsch 1977).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fitting.readers.measurements import FloatArray
from roa_circuit.basics.errors import InputError, nearest

TUNING = {"linear": np.inf, "soft_l1": 1.287, "huber": 1.345, "cauchy": 2.385}
_LEAST_SLOPE = 0.05  # mean of psi': a cauchy loss on mere outliers would make it 0
_NORMAL = 1.4826  # standard deviation over median absolute deviation


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A named loss that bends residuals from about `size` on; 'linear' never does."""

    name: str = "linear"
    size: float = np.inf

    @classmethod
    def of(cls, name: str, residual: FloatArray, freedom: int, least: float) -> Loss:
        """The loss for residuals (rows,) of such degrees of freedom, with a noise of `least` or more."""
        check_loss(name)
        return cls(name=name, size=TUNING[name] * max(robust_noise(residual, freedom), least))

    def bent(self, r: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(f, df / dr), both (rows,): f^2 = C^2 rho((r / C)^2), with the sign of r."""
        if self.name == "linear":
            return r, np.ones_like(r)
        rho, first, _ = self._rho(r)
        f = np.sign(r) * self.size * np.sqrt(rho)
        return f, np.divide(r * first, f, where=f != 0, out=np.ones_like(r))

    def noise(self, r: FloatArray, freedom: int) -> tuple[float, float]:
        """(noise, unit) of residuals (rows,) at the optimum.

        `noise` gives plain least squares the same standard errors: the sandwich
        sqrt(mean psi^2) / mean psi'. `unit`^2 is the rise of the sum of f^2 one standard error away:
        mean psi^2 / mean psi' (Huber 1981, 7.6; Ronchetti 1982).
        """
        if self.name == "linear":
            both = float(np.sqrt(r @ r / freedom))
            return both, both
        _, first, second = self._rho(r)
        size = float(np.sum((r * first) ** 2) / freedom)
        slope = max(float(np.mean(first + 2.0 * (r / self.size) ** 2 * second)), _LEAST_SLOPE)
        return float(np.sqrt(size)) / slope, float(np.sqrt(size / slope))

    def _rho(self, r: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """rho, rho' and rho'' at z = (r / C)^2."""
        z = (r / self.size) ** 2
        if self.name == "cauchy":
            return np.log1p(z), 1.0 / (1.0 + z), -1.0 / (1.0 + z) ** 2
        if self.name == "soft_l1":
            root = np.sqrt(1.0 + z)
            return 2.0 * z / (root + 1.0), 1.0 / root, -0.5 / root**3
        far = z > 1.0
        root = np.sqrt(np.where(far, z, 1.0))
        return np.where(far, 2.0 * root - 1.0, z), 1.0 / root, np.where(far, -0.5 / root**3, 0.0)


LINEAR = Loss()


def robust_noise(residual: FloatArray, freedom: int) -> float:
    """The noise of residuals (rows,), of which up to half may be outliers."""
    usual = _NORMAL * float(np.median(np.abs(residual)))
    return usual * float(np.sqrt(len(residual) / freedom))


def check_loss(name: str) -> None:
    """Refuse a loss that is unknown."""
    if name not in TUNING:
        raise InputError(f"--loss {name!r} is unknown; {nearest(name, TUNING)}")
