"""Parameter sets: the constants and pulses of one device, with units, bounds and a citation."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from array_api_compat import array_namespace

from roa_circuit.basics import records, toml
from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.basics.shown import Facts, Shown
from roa_circuit.device.arrays import LARGEST_EXPONENT, is_array
from roa_circuit.device.laws import read_law
from roa_circuit.device.laws.law import Constant, Law
from roa_circuit.device.laws.zhang2021 import Memristor
from roa_circuit.device.notes import Notes
from roa_circuit.device.spread import Spread

PULSE_UNITS = {
    "read_voltage": "V", "full_scale_voltage": "V", "potentiation_voltage": "V",
    "potentiation_width": "s",
    "depression_voltage": "V", "depression_width": "s", "edge_fraction": "-",
}  # fmt: skip
_KEYS = ("name", "citation", "pulses", "spread", "notes")
UNITS = {**Memristor.UNITS, **PULSE_UNITS}
"""Of the constants of Eq. 1 and 2, and of pulses."""


@dataclass(frozen=True, kw_only=True)
class Pulses:
    """The fixed read and programming pulses (Table 1). Negative voltage potentiates.

    full_scale_voltage : of the largest input (Eq. 8); None is twice the read voltage, as in the paper,
        so that inputs lie about the voltage at which cells are read
    """

    read_voltage: float  # [V]
    potentiation_voltage: float  # [V], < 0
    potentiation_width: float  # [s], flat top
    depression_voltage: float  # [V], > 0
    depression_width: float  # [s], flat top
    edge_fraction: float = 0.01  # [-], each linear edge of a pulse over its flat top
    full_scale_voltage: float | None = None  # [V]

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            sign = -1.0 if field.name == "potentiation_voltage" else 1.0
            value = getattr(self, field.name)
            if value is not None or field.default is not None:
                _require(field.name, value, sign)

    @property
    def full_scale(self) -> float:
        """The word-line voltage [V] of input 1 (Eq. 8)."""
        return 2.0 * self.read_voltage if self.full_scale_voltage is None else self.full_scale_voltage


@dataclass(frozen=True, kw_only=True, repr=False)
class Device(Shown):
    """One parameter set: the memristor, its pulses, and where the numbers come from.

    memristor : the device's law with its constants, such as `Memristor`
    spread : where known, how devices of this kind differ, and one write from the next
    notes : where a fit wrote it, what the measurement did not tell
    unread : the keys of its file that mean nothing here

    Raises
    ------
    InputError : a spread of what the law does not have, or of a constant that is 0.
    """

    name: str
    citation: str
    memristor: Law
    pulses: Pulses
    spread: Spread | None = None
    notes: Notes | None = None
    unread: tuple[str, ...] = dataclasses.field(default=(), compare=False)

    def __post_init__(self) -> None:
        if self.spread is not None:
            self.memristor.require_spread(self.spread.names)
        for volts in ("read_voltage", "potentiation_voltage", "depression_voltage"):
            self._require_exponents(volts)

    def _require_exponents(self, volts: str) -> None:
        """Refuse a pulse at which an exponential of the law has no meaning any more."""
        height, law = abs(getattr(self.pulses, volts)), self.memristor
        for name in (name for name, unit in law.units.items() if unit == "1/V"):
            exponent = _largest(law.constants[name]) * height
            if exponent > LARGEST_EXPONENT:
                raise InputError(
                    f"{volts} = {height:g} V times {name} makes an exponent of {exponent:.3g} in law"
                    f" {law.name}; beyond {LARGEST_EXPONENT:g} it is clamped, and no model of a device"
                )

    def facts(self) -> Facts:
        """Constants and pulses with their units; arrays of constants by their smallest and largest."""
        law = self.memristor
        rows = [("law", law.name)] if law.name != Memristor.NAME else []
        pulses = {**vars(self.pulses), "full_scale_voltage": self.pulses.full_scale}
        units, values = {**law.units, **PULSE_UNITS}, {**law.constants, **pulses}
        rows += [(f"{name} [{units[name]}]", _span(value)) for name, value in values.items()]
        rows += [("taken for granted", assumed) for assumed in law.assumptions]
        if self.spread is not None:
            rows.append(("spread", f"of {', '.join(self.spread.names) or 'writes'}"))
        if self.notes is not None:
            lines = [*self.notes.currents, *self.notes.of_writes(vars(self.pulses))]
            rows += [("not measured", line) for line in lines]
        return Facts(title=f"Device {self.name}", rows=rows)

    def scaled(self, current_scale: float) -> Device:
        """The same device with its currents multiplied by `current_scale`."""
        return self.with_constants(current_scale=current_scale)

    def with_constants(self, **constants: Constant) -> Device:
        """The same device with other values of these constants of its law."""
        return dataclasses.replace(self, memristor=self.memristor.changed(**constants))

    def same_as(self, other: Device) -> bool:
        """Whether both are one device, whatever is noted of them."""
        one, another = (dataclasses.replace(device, notes=None).to_dict() for device in (self, other))
        return one == another

    def to_dict(self) -> dict[str, Any]:
        """The TOML document as a dictionary; keys carry units."""
        document: dict[str, Any] = {
            "name": self.name,
            "citation": self.citation,
            **self.memristor.to_document(),
            "pulses": records.document(self.pulses, PULSE_UNITS, whole=True),
        }
        parts = {"spread": self.spread, "notes": self.notes}
        return document | {name: one.to_dict() for name, one in parts.items() if one is not None}

    def to_toml(self) -> str:
        """The parameter set as TOML text; `Device.from_toml` reads it back exactly."""
        return toml.dumps(self.to_dict())

    @classmethod
    def from_toml(cls, text: str, *, source: str = "parameter set") -> Device:
        """Read a parameter set.

        Raises
        ------
        InputError : not TOML, an unknown or missing key, another unit, a value out of range.
        """
        return cls.from_dict(toml.loads(text, source=source), source=source)

    @classmethod
    def from_dict(cls, document: dict[str, Any], *, source: str = "parameter set") -> Device:
        """As `from_toml`, from the parsed document. Other sections are `unread`, and commands say so."""
        try:
            law, pulses = read_law(document), Pulses(**_pulses(document))
            highest = max(pulses.depression_voltage, pulses.read_voltage, pulses.full_scale)
            law.require_reach(pulses.potentiation_voltage, highest)
            read = {*_KEYS, *law.to_document()}
            return cls(
                name=str(document.get("name", "unnamed")),
                citation=str(document.get("citation", "")),
                memristor=law,
                pulses=pulses,
                spread=_spread(document, law),
                notes=_notes(document),
                unread=tuple(key for key in document if key not in read),
            )
        except InputError as error:
            raise InputError(f"{source}: {error}") from None


def shipped() -> list[str]:
    """The names of the parameter sets that come with the package."""
    folder = resources.files("roa_circuit.device") / "parameter_sets"
    return sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml"))


def load_device(name_or_path: str | Path) -> Device:
    """A shipped parameter set by name ('zhang2021'), or one from a TOML file.

    Raises
    ------
    InputError : no such set or file, or its content is unusable.

    Examples
    --------
    >>> device = load_device("zhang2021")
    >>> device.memristor.k, device.pulses.read_voltage
    (0.0001, 0.05)
    """
    text = str(name_or_path)
    if text in shipped():
        resource = resources.files("roa_circuit.device") / "parameter_sets" / f"{text}.toml"
        return Device.from_toml(resource.read_text(encoding="utf-8"), source=text)
    path = Path(text)
    if path.suffix != ".toml" and not path.exists():
        raise InputError(
            f"device {text!r} is neither a file nor a shipped set; {nearest(text, shipped())}"
        )
    document = toml.loads(toml.read(path), source=text)
    return Device.from_dict(with_law_beside(document, path), source=text)


def with_law_beside(document: dict[str, Any], path: Path) -> dict[str, Any]:
    """The document at `path` with the formulas of the law file that it names, which lies beside it.

    Raises
    ------
    InputError : no such file, or one without a section [law].
    """
    section = document.get("memristor")
    law = section.get("law") if isinstance(section, dict) else None
    if not isinstance(law, str) or not law.endswith(".toml") or "law" in document:
        return document
    other = path.parent / law
    found = toml.loads(toml.read(other), source=str(other)).get("law")
    if not isinstance(found, dict):
        raise InputError(f"{other}: section [law] is missing")
    return document | {"law": found}


def _largest(value: Constant) -> float:
    return float(array_namespace(value).max(value)) if is_array(value) else float(value)


def _span(value: Constant) -> str:
    if not is_array(value):
        return f"{value:g}"
    xp = array_namespace(value)
    return f"{float(xp.min(value)):.4g} ... {float(xp.max(value)):.4g}, a device a cell"


def _require(name: str, value: object, sign: float) -> None:
    unit = PULSE_UNITS[name]
    number = records.require_finite(name, value, unit)
    if sign * number <= 0:
        raise records.out_of_range(name, number, unit, f"be {'greater' if sign > 0 else 'less'} than 0")


def _pulses(document: dict[str, Any]) -> dict[str, Any]:
    section = records.section(document, "pulses")
    return records.values(Pulses, section, PULSE_UNITS, section="pulses")


def _spread(document: dict[str, Any], law: Law) -> Spread | None:
    section = _optional(document, "spread")
    return None if section is None else Spread.from_dict(section, law.spreading)


def _notes(document: dict[str, Any]) -> Notes | None:
    section = _optional(document, "notes")
    return None if section is None else Notes.from_dict(section)


def _optional(document: dict[str, Any], name: str) -> dict[str, Any] | None:
    section = document.get(name)
    if section is not None and not isinstance(section, dict):
        raise InputError(f"{name} = {section!r} must be a section [{name}]")
    return section
