"""Windows that are powers: the coordinate of d room / dt = -room^exponent, and the room after a dose.

Room is the distance in [0, 1] that is left to the end of the range. Exponents below 1 reach the end by
a finite dose, and negative ones ever faster.
"""

from __future__ import annotations

from typing import Any

from roa_circuit.device.arrays import Array, is_array

CLOSEST, STOP = 1e-9, 1e-4
"""The last stretch of the range, over which simulators bring every window down to 0 in a line.

The longer one is for exponents below 1, whose windows do not come there by themselves.
"""


def passed(xp: Any, room: Array, exponent: Any) -> Array:
    """The dose from room 1 to here: (room^(1 - exponent) - 1) / (exponent - 1), or -ln(room) at 1."""
    inside, none = room > 0, 0.0 * room
    log = _log(xp, room, inside)
    e = 1.0 - exponent + none
    at_1 = e == 0
    safe = xp.where(at_1, 1.0 + none, e)
    found = xp.where(at_1, -log, xp.expm1(safe * log) / -safe)
    at_end = xp.where(e > 0, 1.0 / xp.where(e > 0, e, 1.0 + none), xp.inf + none)
    return xp.where(inside, found, at_end)


def room_left(xp: Any, room: Array, dose: Array, exponent: Any) -> Array:
    """What an unsigned dose leaves of this room; 0 where the end is reached."""
    if not is_array(exponent) and exponent == 1:
        return room * xp.exp(-dose)
    inside, none = room > 0, 0.0 * room
    log = _log(xp, room, inside)
    e = 1.0 - exponent + none
    at_1 = e == 0
    safe = xp.where(at_1, 1.0 + none, e)
    change = -safe * dose * xp.exp(-safe * log)
    arrives = change <= -1.0
    shrunk = xp.log1p(xp.where(arrives, none, change)) / safe
    left = room * xp.exp(xp.where(at_1, -dose, shrunk))
    if hasattr(room, "detach"):  # at the end, slopes are those just inside
        rest = xp.clip(room, 0.0, None) * xp.where(at_1, xp.exp(-dose), 1.0 + none)
        none = xp.where(inside | (e > 0), none, rest)
    return xp.where(inside & (at_1 | ~arrives), left, none)


def window(xp: Any, room: Array, exponent: Any) -> Array:
    """room^exponent; 0 at the end, where a cell stays."""
    inside = room > 0
    return xp.where(inside, xp.where(inside, room, 1.0 + 0.0 * room) ** exponent, 0.0 * room)


def _log(xp: Any, room: Array, inside: Array) -> Array:
    """ln(room), 0 where there is none."""
    return xp.log(xp.where(inside, room, 1.0 + 0.0 * room))
