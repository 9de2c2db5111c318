"""The law of Zhang et al. (2021): Eq. 1 and 2, with 1/(1 - omega) and 1/omega as its coordinates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from roa_circuit.device.arrays import Array, as_array, namespace
from roa_circuit.device.laws.branches import (
    BRANCH_MEANING,
    BRANCH_UNITS,
    BRANCHES,
    CURRENT,
    TwoBranches,
)
from roa_circuit.device.laws.exponential import (
    RATE,
    RATE_MEANING,
    RATE_UNITS,
    exponential_mean,
    exponential_rate,
)
from roa_circuit.device.laws.law import SECTION, Constant
from roa_circuit.device.laws.text import Text

ROOM = "(v < 0 ? max(1 - omega, 0) : max(omega, 0))"
"""The square root of what Eq. 1 multiplies the rate by; zero beyond the ends of [0, 1]."""


@dataclass(frozen=True, kw_only=True)
class Memristor(TwoBranches):
    """The seven constants of Eq. 1 and 2 (Zhang et al. 2021, Table 1).

        d omega / dt = k (e^(-mu1 V) - e^(mu2 V)) * ((1 - omega)^2 for V < 0, omega^2 for V > 0)

    `k` is a rate [1/s], whatever the paper's text calls it; gamma and alpha are amperes.
    `current_scale` multiplies Eq. 2 alone: the same switching in a device of another area.
    1 is Table 1 as printed, whose 1 mS cells drown in the wires of a 64-row array.

    Any constant may be an array (rows, columns) instead, where every cell is a device of its own.
    Only then `k` may be 0, for a cell that never switches, and `current_scale` OPEN, for one that
    does not conduct.
    """

    NAME = "zhang2021"
    UNITS = RATE_UNITS | BRANCH_UNITS
    MEANING = RATE_MEANING | BRANCH_MEANING

    k: Constant  # [1/s]
    mu1: Constant  # [1/V]
    mu2: Constant  # [1/V]
    gamma: Constant  # [A]
    delta: Constant  # [1/V]
    alpha: Constant  # [A]
    beta: Constant  # [1/V]
    current_scale: Constant = 1.0  # [-]

    def to_document(self) -> dict[str, Any]:
        """The section [memristor] of a parameter set; one that names no law means this one."""
        document = super().to_document()
        del document[SECTION]["law"]
        return document

    def rate(self, V: Array) -> Array:
        """k (e^(-mu1 V) - e^(mu2 V)) [1/s] of Eq. 1: > 0 potentiates, < 0 depresses."""
        return exponential_rate(self.voltage(V), self.k, self.mu1, self.mu2)

    def mean_rate(self, start: Array, end: Array) -> Array:
        """The mean of `rate` [1/s] as V goes linearly from `start` to `end` [V], in closed form."""
        return exponential_mean(self.voltage(start), self.voltage(end), self.k, self.mu1, self.mu2)

    def coordinate(self, omega: Array, V: Array) -> Array:
        """1/(1 - omega) where V potentiates, 1/omega where it depresses."""
        xp, rising = namespace(omega, V), V < 0
        if isinstance(rising, bool):
            return 1.0 / (1.0 - omega) if rising else 1.0 / omega
        return 1.0 / xp.where(rising, 1.0 - omega, omega)

    def after_dose(self, omega: Array, dose: Array, V: Array | None = None) -> Array:
        """The state after a signed dose, whatever its voltage was."""
        return after_dose(omega, dose)

    def state_derivative(self, omega: Array, V: Array) -> Array:
        """Eq. 1, d omega / dt [1/s]."""
        V = self.voltage(V)
        xp = namespace(omega, V)
        return xp.where(V < 0, (1.0 - omega) ** 2, omega**2) * self.rate(V)

    def excursion(self, omega: Array, dose: Array, V: Array) -> Array:
        """To first order, how far a signed dose moves the state."""
        xp = namespace(omega, dose)
        return xp.abs(dose) * _room(omega, dose) ** 2

    def course(self, omega: Array, predicted: Array, V: Array, scale: Array) -> Callable[[Array], Array]:
        """`scale` times the share of `predicted`'s change that a dose makes, by the dose's size."""
        room, whole = _room(omega, predicted), namespace(predicted).abs(predicted)
        steepness = scale * (1.0 + room * whole) / whole
        return lambda size: steepness * (size / (1.0 + room * size))

    def text(self) -> Text:
        """Eq. 1 and 2 as simulators take them."""
        return Text(
            terms={"rate": RATE, "room": ROOM},
            motion="rate * square(room)",
            branches=BRANCHES,
            current=CURRENT,
        )


def after_dose(omega: Array, dose: Array) -> Array:
    """The state after a signed dose: the closed form of Eq. 1 at constant polarity.

    dose > 0: 1/(1 - omega) grows by dose; dose < 0: 1/omega grows by |dose|. Doses of one
    polarity add up, so n pulses are one dose n A. Stays in [0, 1] for every dose.
    """
    omega, dose = as_array(omega), as_array(dose)
    xp = namespace(omega, dose)
    up = xp.clip(dose, 0.0, None)
    down = xp.clip(-dose, 0.0, None)
    raised = 1.0 - (1.0 - omega) / (1.0 + (1.0 - omega) * up)
    lowered = omega / (1.0 + omega * down)
    return xp.where(dose < 0, lowered, xp.where(dose > 0, raised, omega + 0.0 * dose))


def _room(omega: Array, dose: Array) -> Array:
    return namespace(omega, dose).where(dose > 0, 1.0 - omega, omega)
