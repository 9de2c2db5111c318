"""Parameter sets: the constants and pulses of one device, with units, bounds and a citation."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from array_api_compat import array_namespace, is_array_api_obj

from roa_circuit.basics import records, toml
from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.basics.shown import Facts, Shown
from roa_circuit.device.spread import Spread

UNITS = {
    "k": "1/s", "mu1": "1/V", "mu2": "1/V", "gamma": "A", "delta": "1/V", "alpha": "A",
    "beta": "1/V", "current_scale": "-", "read_voltage": "V", "full_scale_voltage": "V",
    "potentiation_voltage": "V",
    "potentiation_width": "s", "depression_voltage": "V", "depression_width": "s",
    "edge_fraction": "-",
}  # fmt: skip


Constant = float | Any
"""A number, or an array of any library of the Array API with a number a cell."""


LARGEST_EXPONENT = 300.0
"""Of Eq. 1 and 2 at a device's own pulses: e^300 times any of its constants is still a number."""

OPEN = 1e-15
"""The `current_scale` of an open cell: below any leak, and no zero to divide by."""


@dataclass(frozen=True, kw_only=True)
class Memristor:
    """The seven constants of Eq. 1 and 2 (Zhang et al. 2021, Table 1).

    `k` is a rate [1/s], whatever the paper's text calls it; gamma and alpha are amperes.
    `current_scale` multiplies Eq. 2 alone: the same switching in a device of another area.
    1 is Table 1 as printed, whose 1 mS cells drown in the wires of a 64-row array.

    Any constant may be an array (rows, columns) instead, where every cell is a device of its own.
    Only then `k` may be 0, for a cell that never switches, and `current_scale` OPEN, for one that
    does not conduct.
    """

    k: Constant  # [1/s]
    mu1: Constant  # [1/V]
    mu2: Constant  # [1/V]
    gamma: Constant  # [A]
    delta: Constant  # [1/V]
    alpha: Constant  # [A]
    beta: Constant  # [1/V]
    current_scale: Constant = 1.0  # [-]

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if is_array_api_obj(value):
                _require_all(field.name, value, zero=field.name == "k")
            else:
                _require(field.name, value, positive=True)

    @property
    def varies(self) -> bool:
        """Whether any constant is an array, so that cells differ."""
        return any(is_array_api_obj(value) for value in vars(self).values())


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
                _require(field.name, value, positive=sign > 0, negative=sign < 0)

    @property
    def full_scale(self) -> float:
        """The word-line voltage [V] of input 1 (Eq. 8)."""
        return 2.0 * self.read_voltage if self.full_scale_voltage is None else self.full_scale_voltage


@dataclass(frozen=True, kw_only=True, repr=False)
class Device(Shown):
    """One parameter set: the memristor, its pulses, and where the numbers come from.

    `spread`, where known, says how devices of this kind differ, and one write from the next.
    """

    name: str
    citation: str
    memristor: Memristor
    pulses: Pulses
    spread: Spread | None = None

    def __post_init__(self) -> None:
        for volts in ("read_voltage", "potentiation_voltage", "depression_voltage"):
            self._require_exponents(volts)

    def _require_exponents(self, volts: str) -> None:
        """Refuse a pulse at which an exponential of Eq. 1 or 2 has no meaning any more."""
        height = abs(getattr(self.pulses, volts))
        for name in ("mu1", "mu2", "delta", "beta"):
            exponent = _largest(getattr(self.memristor, name)) * height
            if exponent > LARGEST_EXPONENT:
                raise InputError(
                    f"{volts} = {height:g} V times {name} makes an exponent of {exponent:.3g} in Eq. 1"
                    f" and 2; they are no model of a device beyond {LARGEST_EXPONENT:g}"
                )

    def facts(self) -> Facts:
        """Constants and pulses with their units; arrays of constants by their smallest and largest."""
        records = {
            **vars(self.memristor), **vars(self.pulses), "full_scale_voltage": self.pulses.full_scale
        }  # fmt: skip
        rows = [(f"{name} [{UNITS[name]}]", _span(value)) for name, value in records.items()]
        if self.spread is not None:
            rows.append(("spread", f"of {', '.join(self.spread.names) or 'writes'}"))
        return Facts(title=f"Device {self.name}", rows=rows)

    def scaled(self, current_scale: float) -> Device:
        """The same device with its currents multiplied by `current_scale`."""
        memristor = dataclasses.replace(self.memristor, current_scale=current_scale)
        return dataclasses.replace(self, memristor=memristor)

    def to_dict(self) -> dict[str, Any]:
        """The TOML document as a dictionary; keys carry units."""
        document: dict[str, Any] = {
            "name": self.name,
            "citation": self.citation,
            "memristor": records.document(self.memristor, UNITS, whole=True),
            "pulses": records.document(self.pulses, UNITS, whole=True),
        }
        return document if self.spread is None else document | {"spread": self.spread.to_dict()}

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
        """As `from_toml`, from the parsed document. Unknown sections are ignored."""
        try:
            return cls(
                name=str(document.get("name", "unnamed")),
                citation=str(document.get("citation", "")),
                memristor=Memristor(**_values(document, "memristor", Memristor)),
                pulses=Pulses(**_values(document, "pulses", Pulses)),
                spread=_spread(document),
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
    return Device.from_toml(toml.read(path), source=text)


def _largest(value: Constant) -> float:
    return float(array_namespace(value).max(value)) if is_array_api_obj(value) else float(value)


def _span(value: Constant) -> str:
    if not is_array_api_obj(value):
        return f"{value:g}"
    xp = array_namespace(value)
    return f"{float(xp.min(value)):.4g} ... {float(xp.max(value)):.4g}, a device a cell"


def _require(name: str, value: object, *, positive: bool = False, negative: bool = False) -> None:
    number = records.require_finite(name, value, UNITS[name])
    if positive and number <= 0:
        raise records.out_of_range(name, number, UNITS[name], "be greater than 0")
    if negative and number >= 0:
        raise records.out_of_range(name, number, UNITS[name], "be less than 0")


def _require_all(name: str, values: Any, *, zero: bool) -> None:
    xp = array_namespace(values)
    good = xp.isfinite(values) & ((values >= 0) if zero else (values > 0))
    if not bool(xp.all(good)):
        limit = "not negative" if zero else "greater than 0"
        bad = float(values[~good][0])
        raise InputError(f"{name} has the value {bad!r} {UNITS[name]}; all must be finite, {limit}")


def _values(document: dict[str, Any], section: str, kind: type) -> dict[str, Any]:
    table = document.get(section)
    if not isinstance(table, dict):
        raise InputError(f"section [{section}] is missing")
    return records.values(kind, table, UNITS, section=section)


def _spread(document: dict[str, Any]) -> Spread | None:
    section = document.get("spread")
    if section is not None and not isinstance(section, dict):
        raise InputError(f"spread = {section!r} must be a section [spread]")
    return None if section is None else Spread.from_dict(section)
