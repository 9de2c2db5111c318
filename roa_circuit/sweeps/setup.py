"""The setup of a sweep: what stands on the bench, and what becomes of it at a point."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from roa_circuit.basics.errors import InputError
from roa_circuit.chips.circuitry import BARE, NO_AMPLIFIERS, Circuitry
from roa_circuit.chips.draw import require_spread
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.wiring import AS_IT_IS
from roa_circuit.device.parameters import Device
from roa_circuit.device.spread import Spread
from roa_circuit.sweeps.fields import (
    AMPLIFIER,
    BESIDE,
    CIRCUIT,
    COMPONENTS,
    IMPERFECTIONS,
    MEMRISTOR,
    PULSES,
    SPREAD,
    TRANSISTOR,
    Field,
    Point,
    Value,
    factor_of,
)


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What stands on the bench before anything is varied: circuit, device and imperfections.

    crossbar : its lines at the nominal temperature, including those of the circuit's file
    circuitry : amplifiers, transistors, capacitance and temperature
    """

    crossbar: Crossbar
    device: Device
    imperfections: Imperfections
    circuitry: Circuitry = BARE

    def __post_init__(self) -> None:
        lines, beside = self.circuitry.lines, dataclasses.replace(self.circuitry, lines=AS_IT_IS)
        object.__setattr__(self, "crossbar", lines.on(self.crossbar))
        object.__setattr__(self, "circuitry", beside)
        require_spread(self.imperfections, self.device)
        if beside.amplifier:
            beside.amplifier.offsets(self.crossbar.columns)  # are as many as there are bit lines
        elif self.imperfections.amplifier_mismatch:
            raise InputError(NO_AMPLIFIERS)

    def to_dict(self) -> dict[str, Any]:
        """The setup as stores and reports have it."""
        beside = self.circuitry.to_dict()
        return {
            "circuit": self.crossbar.to_dict() | ({BESIDE: beside} if beside else {}),
            "device": self.device.to_dict(),
            "imperfections": self.imperfections.to_dict(),
        }

    def at(self, point: Point, known: Mapping[str, Field]) -> Setup:
        """The setup with the point's values in place.

        Where the temperature of the circuit is varied, noise of the readout has it, too.

        Raises
        ------
        InputError : a value out of its range, or for a part that the circuit does not have.
        """
        values: dict[str, dict[str, Any]] = {}
        for name, value in point.items():
            field = known[name]
            self._require(field)
            values.setdefault(field.part, {}).update(self._given(field, value))
        device, x = self.device, self.imperfections
        device = dataclasses.replace(
            device,
            memristor=device.memristor.changed(**values.get(MEMRISTOR, {})),
            pulses=dataclasses.replace(device.pulses, **values.get(PULSES, {})),
        )
        changes, beside = values.get(IMPERFECTIONS, {}), values.get(BESIDE, {})
        if "temperature" in beside:
            changes = {**changes, "temperature": beside["temperature"]}
        if SPREAD in values:
            changes = {
                **changes,
                "spread": _spread(values[SPREAD], x.sigma_wn, device.memristor.spreading),
            }
        return Setup(
            crossbar=dataclasses.replace(self.crossbar, **values.get(CIRCUIT, {})),
            device=device,
            imperfections=dataclasses.replace(x, **changes),
            circuitry=dataclasses.replace(
                self.circuitry,
                **beside,
                **{
                    part: dataclasses.replace(getattr(self.circuitry, part), **values[part])
                    for part in COMPONENTS
                    if part in values
                },
            ),
        )

    def _given(self, field: Field, value: Value) -> dict[str, Any]:
        """The attributes that a field sets when it has this value."""
        if not field.factor:
            return dict.fromkeys(field.targets, value)
        return {name: np.multiply(getattr(self.crossbar, name), value) for name in field.targets}

    def _require(self, field: Field) -> None:
        """Raise InputError where the circuit lacks the field's part, or has another in its place."""
        beside, name = self.circuitry, field.name
        part = AMPLIFIER if name == "amplifier_mismatch" else field.part
        if part in COMPONENTS and getattr(beside, part) is None:
            raise InputError(
                f"{name}: the circuit has no {part}s; add a section [{part}] to the file of --circuit"
            )
        if field.part != CIRCUIT:
            return
        if beside.amplifier and "r_sense" in field.targets:
            raise InputError(
                f"{name}: reads end in the circuit's amplifiers, at r_feedback / (1 + gain); vary"
                " amplifier_gain or amplifier_r_feedback"
            )
        if beside.transistor and name == "scheme":
            raise InputError("scheme: rows are selected by the circuit's transistors; leave it out")
        for line in field.targets:
            if isinstance(getattr(self.crossbar, line), tuple) and not field.factor:
                raise InputError(
                    f"{name}: the circuit gives {line} line by line; vary {factor_of(name)}, which"
                    " multiplies it"
                )

    def value(self, field: Field) -> Value | None:
        """The field's value in this setup; None where that is no single number."""
        if field.factor:
            return 1.0
        part = {
            CIRCUIT: self.crossbar,
            BESIDE: self.circuitry,
            AMPLIFIER: self.circuitry.amplifier,
            TRANSISTOR: self.circuitry.transistor,
            MEMRISTOR: self.device.memristor,
            PULSES: self.device.pulses,
            IMPERFECTIONS: self.imperfections,
        }.get(field.part)
        if part is None:
            return 0.0 if field.part == SPREAD and self.imperfections.spread is None else None
        values = {getattr(part, target) for target in field.targets}
        value = values.pop()
        if value is None and field.name in ("full_scale_voltage", "dac_range"):
            return self.device.pulses.full_scale
        if values or not isinstance(value, int | float | str):
            return 0.0 if field.name == "sigma_wn" and self.imperfections.spread is None else None
        return value


def _spread(
    deviations: Mapping[str, float], sigma_wn: float | None, constants: tuple[str, ...]
) -> Spread:
    """Independent log-normal constants, with these standard deviations of their logarithms."""
    names = tuple(deviations)
    matrix = tuple(tuple(deviations[a] ** 2 if a == b else 0.0 for b in names) for a in names)
    return Spread(names=names, log_covariance=matrix, sigma_wn=sigma_wn or 0.0, constants=constants)
