"""Windows with free exponents: a cell slows down, or speeds up, as a power of its way to the end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from array_api_compat import array_namespace

from roa_circuit.basics import records
from roa_circuit.basics.errors import InputError
from roa_circuit.device.arrays import Array, as_array, is_array, namespace
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
from roa_circuit.device.laws.law import Constant
from roa_circuit.device.laws.logarithmic import is_linear, stretch, to_omega, to_u
from roa_circuit.device.laws.powers import CLOSEST, STOP, passed, room_left, window
from roa_circuit.device.laws.text import Text

_PAST_THRESHOLDS = (
    "(v < -threshold_up ?"
    " k * (exp(-mu1*v) - exp(mu2*v) - exp(mu1*threshold_up) + exp(-mu2*threshold_up))"
    " : (v < threshold_down ? 0 :"
    " k * (exp(-mu1*v) - exp(mu2*v) - exp(-mu1*threshold_down) + exp(mu2*threshold_down))))"
)


_OWN_UNITS = {"p": "-", "q": "-", "ratio": "-", "threshold_up": "V", "threshold_down": "V"}
_OWN_MEANING = {
    "p": "exponent of the window of potentiation",
    "q": "exponent of the window of depression",
    "ratio": "1, or Gmax over Gmin for windows in ln G",
    "threshold_up": "no potentiation above minus this",
    "threshold_down": "no depression below this",
}


@dataclass(frozen=True, kw_only=True)
class Windows(TwoBranches):
    """Eq. 1 and 2 with free exponents, on omega or on the logarithm of the conductance.

        du / dt = rate(V) (1 - u)^p  for V < 0,    rate(V) u^q  for V > 0
        u = omega,  or  u = ln(1 + omega (ratio - 1)) / ln(ratio)

    The rate is Eq. 1's, less its value at a threshold and 0 below it. p = q = 2 with a `ratio` of 1 is
    Eq. 1, p = q = 1 are soft bounds, 0 is a constant step. An exponent may be negative, where a cell
    moves ever faster; below 1 it reaches the end by a finite dose, and stays.

    ratio : Gmax over Gmin, where windows are even in ln G; 1 is u = omega
    """

    NAME = "windows"
    UNITS = RATE_UNITS | _OWN_UNITS | BRANCH_UNITS
    MEANING = RATE_MEANING | _OWN_MEANING | BRANCH_MEANING
    ANY_SIGN = ("p", "q")
    NOT_NEGATIVE = ("threshold_up", "threshold_down")

    k: Constant  # [1/s]
    mu1: Constant  # [1/V]
    mu2: Constant  # [1/V]
    p: Constant  # [-]
    q: Constant  # [-]
    ratio: Constant = 1.0  # [-]
    threshold_up: Constant = 0.0  # [V], a size: V < -threshold_up potentiates
    threshold_down: Constant = 0.0  # [V]
    gamma: Constant  # [A]
    delta: Constant  # [1/V]
    alpha: Constant  # [A]
    beta: Constant  # [1/V]
    current_scale: Constant = 1.0  # [-]

    # Motion

    def rate(self, V: Array) -> Array:
        """du/dt where a window is 1 [1/s]: > 0 potentiates, < 0 depresses."""
        V = self.voltage(V)
        whole = exponential_rate(V, self.k, self.mu1, self.mu2)
        if not self._has_thresholds:
            return whole
        xp = namespace(V)
        up, down = self._at_thresholds(V)
        past = xp.where(self.threshold_up + V < 0, whole - up, xp.zeros_like(whole))
        return xp.where(V - self.threshold_down > 0, whole - down, past)

    def mean_rate(self, start: Array, end: Array) -> Array:
        """The mean of `rate` [1/s] as V goes linearly from `start` to `end` [V], in closed form."""
        start, end = self.voltage(start), self.voltage(end)
        constants = self.k, self.mu1, self.mu2
        if not self._has_thresholds:
            return exponential_mean(start, end, *constants)
        xp = namespace(start, end)
        still = start == end
        apart = xp.where(still, xp.ones_like(end - start), end - start)
        up, down = self._at_thresholds(start + end)
        mean = 0.0 * apart
        for lost, low, high in ((up, None, -self.threshold_up), (down, self.threshold_down, None)):
            a, b = xp.clip(start, low, high), xp.clip(end, low, high)
            mean = mean + (b - a) / apart * (exponential_mean(a, b, *constants) - lost)
        return xp.where(still, self.rate(start), mean)

    def coordinate(self, omega: Array, V: Array) -> Array:
        """((1 - u)^(1 - p) - 1) / (p - 1) where V potentiates; of u and q where it depresses."""
        u = to_u(as_array(omega), self.ratio)
        xp = namespace(u, V)
        return xp.where(xp.asarray(V < 0), passed(xp, 1.0 - u, self.p), passed(xp, u, self.q))

    def after_dose(self, omega: Array, dose: Array, V: Array | None = None) -> Array:
        """The state after a signed dose, in closed form, whatever its voltage was."""
        omega, dose = as_array(omega), as_array(dose)
        xp = namespace(omega, dose)
        u = to_u(omega, self.ratio) + 0.0 * dose
        lowers, same = dose < 0, not is_array(self.p) and not is_array(self.q) and self.p == self.q
        exponent = self.p if same else xp.where(lowers, self.q + 0.0 * u, self.p + 0.0 * u)
        left = room_left(xp, xp.where(lowers, u, 1.0 - u), xp.abs(dose), exponent)
        moved = to_omega(xp.where(lowers, left, 1.0 - left), self.ratio)
        return xp.where(dose == 0, omega + 0.0 * dose, moved)

    def state_derivative(self, omega: Array, V: Array) -> Array:
        """d omega / dt [1/s]; 0 at an end, where a cell stays."""
        V, omega = self.voltage(V), as_array(omega)
        xp = namespace(omega, V)
        u = to_u(omega, self.ratio)
        shape = xp.where(V < 0, window(xp, 1.0 - u, self.p), window(xp, u, self.q))
        return shape * self.rate(V) * stretch(omega, self.ratio)

    def _check(self, name: str, value: Constant) -> None:
        super()._check(name, value)
        if name != "ratio":
            return
        if is_array(value) and np.ndim(value):
            values: Array = value
            if not bool(array_namespace(values).all(values > 1.0)):
                raise InputError("ratio: all must be greater than 1; one number of 1 is u = omega")
        elif value < 1.0:
            raise records.out_of_range(name, value, "-", "be at least 1, Gmax over Gmin")

    @property
    def _has_thresholds(self) -> bool:
        both = (self.threshold_up, self.threshold_down)
        return any(is_array(one) or one != 0 for one in both)

    def _at_thresholds(self, like: Array) -> tuple[Array, Array]:
        """The rates of Eq. 1 at both thresholds."""
        k, none = (self.k, self.mu1, self.mu2), 0.0 * like
        up, down = none - self.threshold_up, none + self.threshold_down
        return exponential_rate(up, *k), exponential_rate(down, *k)

    # Text

    def text(self) -> Text:
        """The law as simulators take it; they integrate u."""
        state, start, omega = "omega", "w0", "omega"
        if not is_linear(self.ratio):
            state, start = "u", "ln(1 + w0*(ratio - 1)) / ln(ratio)"
            omega = "(exp(ln(ratio)*min(max(u, 0), 1)) - 1) / (ratio - 1)"
        return Text(
            state=state,
            start=start,
            omega=omega,
            terms={
                "rate": _PAST_THRESHOLDS if self._has_thresholds else RATE,
                "room": f"(v < 0 ? max(1 - {state}, 0) : max({state}, 0))",
                "shape": "(v < 0 ? pow(max(room, closest), p) : pow(max(room, closest), q))",
            },
            motion="rate * shape * min(1, room/closest)",
            branches=BRANCHES,
            current=CURRENT,
            parameters={"closest": self._closest},
        )

    @property
    def _closest(self) -> float:
        exponents = [float(np.min(np.asarray(e))) for e in (self.p, self.q)]
        return CLOSEST if min(exponents) >= 1.0 else STOP
