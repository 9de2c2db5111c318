"""Programming: from a wanted change of state to pulses, and on to the state really written.

Eq. 6 and 7 of Zhang et al. (2021), for numpy and torch alike. Counts are signed: n > 0 are
potentiation pulses, n < 0 depression pulses.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import device as device_of

from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.device.arrays import Array, as_array, namespace
from roa_circuit.device.laws.law import Law
from roa_circuit.device.memristor import pulse_strength
from roa_circuit.device.parameters import Device

ROUNDINGS = ("nearest", "floor", "ceil", "stochastic")
NOISE_READINGS = {
    "literal": "Eq. 7 on every written cell: sd(omega) = sqrt(|d omega|) sigma_WN",
    "half": "half of that deviation: the deviation of omega added to g, which is twice omega",
    "potentiation": "literal on cells that were raised, none on cells that were lowered",
    "unscaled": "no square root: sd(omega) = |d omega| sigma_WN, a share of the change",
}
"""Readings of Eq. 7. The first is the paper's text; the others ask what its figures would need."""
_ROUNDED = 1e-6  # beyond [0, 1] by float32
_CLOSEST_TO_BOUND = 1e-6  # keeps 1/omega and 1/(1 - omega) finite in float32


@dataclass(frozen=True, kw_only=True)
class Programming:
    """How a write is quantised and disturbed.

    Eq. 6 alone asks for a negative or infinite time when the target leaves (0, 1), so targets
    are clipped to [lowest_state, highest_state] and counts capped at `max_pulses`.

    rounding : of the pulse count: 'nearest', 'floor', 'ceil' (of its size) or 'stochastic'
    sigma_wn : write noise of Eq. 7 [-]; `reading` says how Eq. 7 is read, see NOISE_READINGS
    clip : keep noisy states in [0, 1]; False follows Eq. 7 to the letter
    """

    rounding: str = "nearest"
    max_pulses: int = 64
    lowest_state: float = 0.01
    highest_state: float = 0.99
    sigma_wn: float = 0.0
    reading: str = "literal"
    clip: bool = True

    def __post_init__(self) -> None:
        if self.rounding not in ROUNDINGS:
            raise InputError(
                f"rounding {self.rounding!r} is unknown; {nearest(self.rounding, ROUNDINGS)}"
            )
        if self.reading not in NOISE_READINGS:
            raise InputError(
                f"reading {self.reading!r} is unknown; {nearest(self.reading, NOISE_READINGS)}"
            )
        if not 0 < self.lowest_state < self.highest_state < 1:
            raise InputError(
                f"states [{self.lowest_state}, {self.highest_state}] must lie inside (0, 1), in order"
            )
        if not (isinstance(self.max_pulses, int | np.integer) and self.max_pulses >= 1):
            raise InputError(f"max_pulses = {self.max_pulses!r} must be a whole number of at least 1")
        if not (isinstance(self.sigma_wn, int | float | np.number) and 0 <= self.sigma_wn < math.inf):
            raise InputError(f"sigma_wn = {self.sigma_wn!r} must be a finite number, not negative")


def pulse_doses(device: Device, *, edges: bool = False) -> tuple[Array, Array]:
    """(dose of one potentiation pulse, |dose| of one depression pulse) [-].

    (0.4713, 0.2406) for Table 1; arrays if the device's constants are. Pulses are rectangles, as in
    Eq. 6; with `edges` the ramps of the device's `edge_fraction` count, too.
    """
    pulses, p = device.pulses, device.memristor
    share = pulses.edge_fraction if edges else 0.0
    up, down = (
        pulse_strength(volts, width, p, edge=share * width)
        for volts, width in (
            (pulses.potentiation_voltage, pulses.potentiation_width),
            (pulses.depression_voltage, pulses.depression_width),
        )
    )
    return (up, -down) if p.varies else (float(up), -float(down))


def real_pulse_count(omega: Array, d_omega: Array, device: Device, how: Programming) -> Array:
    """Eq. 6 before rounding: the signed, real number of pulses that changes omega by d_omega.

    Eq. 6 is a difference of the law's coordinate, for the paper's law of 1/(1 - omega) (potentiation) or
    1/omega (depression), over the dose of one pulse. Cells with constants of their own that no pulse
    moves get none.

    Raises
    ------
    InputError : a change that pulses of the device would have to make, of which one moves nothing.
    """
    omega, d_omega = as_array(omega), as_array(d_omega)
    xp = namespace(omega, d_omega)
    omega = xp.clip(omega, _CLOSEST_TO_BOUND, 1.0 - _CLOSEST_TO_BOUND)
    target = xp.clip(omega + d_omega, how.lowest_state, how.highest_state)
    up, down = pulse_doses(device)
    pulses, p = device.pulses, device.memristor
    _require_moving("potentiation", up, pulses.potentiation_voltage, d_omega > 0)
    _require_moving("depression", down, pulses.depression_voltage, d_omega < 0)
    raising = _pulses(_apart(omega, target, pulses.potentiation_voltage, p), up)
    lowering = _pulses(_apart(omega, target, pulses.depression_voltage, p), down)
    count = xp.where(d_omega > 0, raising, -lowering)
    return xp.clip(count, -how.max_pulses, how.max_pulses)


def round_count(count: Array, how: Programming, generator: np.random.Generator | None = None) -> Array:
    """Round signed pulse counts of any shape to whole pulses.

    Raises
    ------
    InputError : 'stochastic' rounding without a generator, or a count that is no finite number.
    """
    count = as_array(count)
    if not bool(namespace(count).all(namespace(count).isfinite(count))):
        raise InputError("the number of pulses that a write needs is not finite for all cells")
    return _rounded(count, how, generator)


def _rounded(count: Array, how: Programming, generator: np.random.Generator | None) -> Array:
    xp = namespace(count)
    if how.rounding == "nearest":
        return xp.round(count)
    size, sign = xp.abs(count), xp.sign(count)
    if how.rounding == "floor":
        return sign * xp.floor(size)
    if how.rounding == "ceil":
        return sign * xp.ceil(size)
    if generator is None:
        raise InputError("stochastic rounding needs a random generator")
    return sign * xp.floor(size + _like(generator.random(tuple(count.shape)), count))


def after_pulses(omega: Array, count: Array, device: Device, *, edges: bool = False) -> Array:
    """The state after a signed number of pulses, in closed form; `edges` as in `pulse_doses`."""
    count = as_array(count)
    up, down = pulse_doses(device, edges=edges)
    xp, pulses = namespace(count), device.pulses
    dose = xp.where(count < 0, count * down, count * up)
    if device.memristor.one_coordinate:
        return device.memristor.after_dose(omega, dose)
    ones = xp.ones_like(dose)
    V = xp.where(count < 0, ones * pulses.depression_voltage, ones * pulses.potentiation_voltage)
    return device.memristor.after_dose(omega, dose, V)


def noise_deviation(before: Array, written: Array, how: Programming) -> Array:
    """Eq. 7 in omega: sd = sqrt(|omega_written - omega_before|) sigma_WN in the literal reading.

    |Delta G| is what was really written after rounding: no pulse, no noise. In g this is
    sd = sigma_WN sqrt(2 |Delta g|). The other readings are in NOISE_READINGS.
    """
    xp = namespace(written)
    change = xp.abs(written - before)
    moved = (written > before) if how.reading == "potentiation" else change > 0
    safe = xp.where(moved, change, xp.ones_like(change))  # the root's gradient at 0 is infinite
    spread = how.sigma_wn * (safe if how.reading == "unscaled" else xp.sqrt(safe))
    if how.reading == "half":
        spread = spread / 2
    return xp.where(moved, spread, xp.zeros_like(written))


def write_noise(
    before: Array, written: Array, how: Programming, generator: np.random.Generator | None
) -> Array:
    """Add the noise of Eq. 7 to written states: normal, with `noise_deviation`.

    Raises
    ------
    InputError : noise without a generator.
    """
    if how.sigma_wn == 0.0:
        return written
    if generator is None:
        raise InputError("write noise needs a random generator")
    noise = _like(generator.standard_normal(tuple(written.shape)), written)
    noisy = written + noise_deviation(before, written, how) * noise
    return namespace(written).clip(noisy, 0.0, 1.0) if how.clip else noisy


def write(
    omega: Array,
    d_omega: Array,
    device: Device,
    how: Programming,
    generator: np.random.Generator | None = None,
    *,
    cells: Device | None = None,
) -> tuple[Array, Array]:
    """One open-loop write: (states written, signed pulse counts), shaped like omega.

    device : gives the constants with which Eq. 6 counts pulses
    cells : gives those of the real cells, such as a `roa_circuit.chips.chip` has; by default `device`

    Raises
    ------
    InputError : states outside [0, 1], unless noise may have brought them there (`clip=False`), or a
        change that is no finite number.

    Examples
    --------
    >>> from roa_circuit import Programming, load_device
    >>> reached, pulses = write([0.2, 0.5], [0.3, -0.1], load_device("zhang2021"), Programming())
    >>> reached.round(3), pulses
    (array([0.544, 0.403]), array([ 2., -2.]))
    """
    omega, d_omega = as_array(omega), as_array(d_omega)
    require_states(omega, anywhere=not how.clip)
    require_states(d_omega, what="d_omega", anywhere=True)
    return unchecked_write(omega, d_omega, device, how, generator, cells=cells)


def unchecked_write(
    omega: Array,
    d_omega: Array,
    device: Device,
    how: Programming,
    generator: np.random.Generator | None = None,
    *,
    cells: Device | None = None,
) -> tuple[Array, Array]:
    """`write` of states that are known to be some, as in a training: what is NaN stays so."""
    count = _rounded(real_pulse_count(omega, d_omega, device, how), how, generator)
    written = after_pulses(omega, count, device if cells is None else cells)
    return write_noise(omega, written, how, generator), count


def require_states(states: Array, *, what: str = "omega", anywhere: bool = False) -> None:
    """Raise InputError unless states are finite, and lie in [0, 1] if not `anywhere`; by rounding."""
    xp = namespace(states)
    if isinstance(states, np.ndarray) and states.dtype.kind not in "fiub":
        raise InputError(f"{what} must be real numbers, not an array of {states.dtype}")
    good = xp.isfinite(states) if anywhere else (states >= -_ROUNDED) & (states <= 1.0 + _ROUNDED)
    if bool(xp.all(good)):
        return
    worst = float(states[~good].reshape(-1)[0]) if states.ndim else float(states)
    raise InputError(
        f"{what} must be {'finite numbers' if anywhere else 'states in [0, 1]'}, one is {worst:.4g};"
        " weights g in [-1, 1] are omega = (g + 1) / 2, a change of g is twice that of omega"
    )


def _apart(omega: Array, target: Array, V: float, p: Law) -> Array:
    """The dose at V from omega to the target; 0 if it lies behind."""
    return namespace(omega, target).clip(p.coordinate(target, V) - p.coordinate(omega, V), 0.0, None)


def _require_moving(kind: str, dose: Array, V: float, wanted: Array) -> None:
    """Raise InputError where a change is wanted of pulses that move nothing; `dose` is that of one."""
    if isinstance(dose, float) and not 0.0 < dose < math.inf and bool(namespace(wanted).any(wanted)):
        raise InputError(f"a {kind} pulse of {V:g} V moves nothing: no number of them crosses the range")


def _pulses(apart: Array, dose: Array) -> Array:
    """How many pulses of this dose lead so far; none of a cell that they do not move."""
    if isinstance(dose, float):
        return apart / dose if dose else 0.0 * apart
    still = dose == 0
    return namespace(apart).where(still, 0.0 * apart, apart / namespace(dose).where(still, 1.0, dose))


def _like(values: np.ndarray[Any, Any], array: Array) -> Array:
    """Random numbers from numpy as an array of the library, dtype and device of `array`."""
    xp = namespace(array)
    return xp.asarray(values, dtype=array.dtype, device=device_of(array))
