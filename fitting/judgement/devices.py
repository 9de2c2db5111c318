"""Devices side by side: what each does with its own pulses, by whatever law, in numbers that compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fitting.readers.measurements import FloatArray
from roa_circuit.basics.errors import InputError
from roa_circuit.circuit import footing
from roa_circuit.device.laws import Law
from roa_circuit.device.parameters import Device
from roa_circuit.device.programming import Programming, after_pulses, noise_deviation
from roa_circuit.device.pulse_charge import charge_and_heat

STATES = np.linspace(0.05, 0.95, 19)
"""omega, from which one pulse is tried."""

PULSES = 60
"""Of a train from one end towards the other."""

_LOW, _HIGH = 0.1, 0.9  # of the range, between which pulses are counted
_SIGMAS = 2.0  # of each of two levels, which are told apart in 19 of 20 tries
_REACH = 64  # pulses of one write, either way


@dataclass(frozen=True, kw_only=True)
class Side:
    """One device beside others; None where its law says nothing of its own pulses.

    gmin, gmax : [S] at `read_voltage` [V]
    raised, lowered : the change of omega by one pulse from STATES
    up, down : omega along trains of PULSES from 0.05 and 0.95
    pulses_up, pulses_down : from a tenth of the range to nine tenths, and back; None of a pulse that
        moves nothing, such as one below a threshold
    energy_up, energy_down : of one pulse and its edges [J] while it moves the state, the mean over
        STATES
    sigma_wn : of Eq. 7; None where the device file has no [spread]
    levels : that one write from omega = 1/2 sets and a reading tells apart
    remarks : what is missing, and why
    """

    device: Device
    read_voltage: float
    gmin: float
    gmax: float
    raised: FloatArray | None
    lowered: FloatArray | None
    up: FloatArray | None
    down: FloatArray | None
    pulses_up: float | None
    pulses_down: float | None
    energy_up: float | None
    energy_down: float | None
    sigma_wn: float | None
    levels: int | None
    remarks: tuple[str, ...] = ()

    @property
    def said(self) -> list[str]:
        """The remarks in words for all devices, and what its measurement leaves open."""
        return [*(f"{self.device.name}: {text}" for text in self.remarks), *footing.remarks(self.device)]

    def document(self) -> dict[str, Any]:
        """As plain values."""
        arrays = {name: getattr(self, name) for name in ("raised", "lowered", "up", "down")}
        law = self.device.memristor
        return {
            "name": self.device.name, "citation": self.device.citation, "law": law.name,
            "constants": {name: float(value) for name, value in law.constants.items()},
            "read_voltage": self.read_voltage, "gmin": self.gmin, "gmax": self.gmax,
            "states": STATES.tolist(),
            **{name: None if one is None else one.tolist() for name, one in arrays.items()},
            "pulses_up": self.pulses_up, "pulses_down": self.pulses_down,
            "energy_up": self.energy_up, "energy_down": self.energy_down,
            "sigma_wn": self.sigma_wn, "levels": self.levels,
            "remarks": [*self.remarks, *footing.remarks(self.device)],
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Way:
    """What pulses of one polarity do."""

    change: FloatArray | None = None
    course: FloatArray | None = None
    pulses: float | None = None
    energy: float | None = None


def side(device: Device, noise: float, read_voltage: float | None = None) -> Side:
    """What a device does with its own pulses and their edges.

    noise : of one reading, relative
    read_voltage : [V], in place of the device's own
    """
    law, pulses = device.memristor, device.pulses
    remarks = [footing.reversal(device)] if footing.is_reversed(device) else list[str]()
    V_r = pulses.read_voltage if read_voltage is None else read_voltage
    gmin, gmax = (float(np.asarray(G)) for G in law.conductance_range(V_r))

    def tried(what: str, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except InputError as error:
            remarks.append(f"{what}: {error}")
            return None

    def driven(sign: int) -> _Way:
        kind = "potentiation" if sign > 0 else "depression"
        V, width = (float(getattr(pulses, f"{kind}_{what}")) for what in ("voltage", "width"))
        dose = law.dose(np.array(V), np.array(width), edge=pulses.edge_fraction * width)
        changed = np.abs(np.asarray(law.after_dose(STATES, dose + 0.0 * STATES, V)) - STATES)
        start, end = (_LOW, _HIGH) if sign > 0 else (_HIGH, _LOW)
        apart = law.coordinate(np.array(end), np.array(V)) - law.coordinate(np.array(start), np.array(V))
        course = law.after_dose(
            np.full(PULSES + 1, 0.05 if sign > 0 else 0.95), dose * np.arange(PULSES + 1), V
        )
        moves = bool(np.all(dose != 0))
        if not moves:
            remarks.append(
                f"a {kind} pulse of {V:g} V moves nothing: no number of them crosses the range"
            )
        return _Way(
            change=changed, course=np.asarray(course),
            pulses=abs(float(apart / dose)) if moves else None,
            energy=float(np.mean(_energy(law, V, width, pulses.edge_fraction * width))),
        )  # fmt: skip

    up = tried("a potentiation pulse", lambda: driven(1)) or _Way()
    down = tried("a depression pulse", lambda: driven(-1)) or _Way()
    both = up.change is not None and down.change is not None
    sigma = None if device.spread is None else float(device.spread.sigma_wn)
    return Side(
        device=device, read_voltage=V_r, gmin=gmin, gmax=gmax, raised=up.change, lowered=down.change,
        up=up.course, down=down.course, pulses_up=up.pulses, pulses_down=down.pulses,
        energy_up=up.energy, energy_down=down.energy, sigma_wn=sigma,
        levels=_levels(device, noise, gmin, gmax) if both else None,
        remarks=tuple(dict.fromkeys(remarks)),
    )  # fmt: skip


def _energy(law: Law, V: float, width: float, edge: float) -> FloatArray:
    """Of one pulse [J] from each of STATES: its flat top, and by Simpson's rule the edges beside it."""
    volts = np.full(len(STATES), V)
    rise = edge * np.asarray(law.ramp_mean_rate(volts))
    flat = rise + np.asarray(law.dose(volts, np.full(len(STATES), width)))
    heat = charge_and_heat(STATES, flat, volts, volts, width, law, first=rise)[1]
    for state in (STATES, np.asarray(law.after_dose(STATES, flat, volts))):
        halfway, full = (np.asarray(law.current(state, share * volts)) for share in (0.5, 1.0))
        heat = heat + V * edge / 6.0 * (2.0 * halfway + full)
    return np.abs(heat)


def _levels(device: Device, noise: float, gmin: float, gmax: float) -> int:
    """States of whole pulses from omega = 1/2, each two deviations clear of the one before.

    A level's deviation is the write noise of Eq. 7 and the noise of a reading, both in omega.
    """
    count = np.arange(-_REACH, _REACH + 1)
    reached = after_pulses(np.full(len(count), 0.5), count, device, edges=True)
    states = np.unique(np.asarray(reached))
    sigma_wn = 0.0 if device.spread is None else float(device.spread.sigma_wn)
    how = Programming(sigma_wn=sigma_wn)
    written = np.asarray(noise_deviation(np.full(len(states), 0.5), states, how))
    read = noise * (gmin + states * (gmax - gmin)) / abs(gmax - gmin)
    deviation = np.hypot(written, read)
    found, last = 0, None
    for state, own in zip(states, deviation, strict=True):
        if last is None or state - last[0] >= _SIGMAS * (own + last[1]):
            found, last = found + 1, (state, own)
    return found
