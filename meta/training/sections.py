"""A configuration as the one section of a TOML file, whose names and types are checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

from roa_circuit.basics import toml
from roa_circuit.basics.errors import InputError, nearest

C = TypeVar("C")


def require_counts(configuration: object, limits: Mapping[str, tuple[int, int]]) -> None:
    """Raise InputError unless every count of a configuration lies within its (least, most)."""
    for name, (least, most) in limits.items():
        value = getattr(configuration, name)
        if value is not None and not least <= value <= most:
            limit = f"at least {least}" if value < least else f"at most {most:,}"
            raise InputError(f"{name} = {value} must be {limit}")


def write_section(section: str, configuration: Any) -> str:
    """A configuration as TOML text, without what is None."""
    given = {name: value for name, value in asdict(configuration).items() if value is not None}
    return toml.dumps({section: given}).lstrip()


def read_section(kind: type[C], section: str, path: Path, changes: Mapping[str, Any]) -> C:
    """Read a configuration of a kind from a TOML file, in which `changes` replace values.

    Raises
    ------
    InputError : unreadable, an unknown key or section, a value of another type or out of range.
    """
    document = toml.loads(toml.read(path), source=str(path))
    for name in document:
        if name != section:
            raise InputError(f"{path}: unknown section [{name}]; only [{section}] is known")
    given = document.get(section, {})
    if not isinstance(given, dict):
        raise InputError(f"{path}: {section} = {given!r} must be a section [{section}]")
    try:
        return kind(**{**checked(kind, given), **changes})
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def checked(kind: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Check the names and types of a section against a kind of configuration.

    Raises
    ------
    InputError : an unknown key, answered with the nearest, or a value of another type.
    """
    known = {field.name: field for field in fields(kind)}
    for name, value in given.items():
        if name not in known:
            raise InputError(f"unknown key {name!r}; {nearest(name, known)}")
        wanted = str(known[name].type).split(" | ", maxsplit=1)[0]
        if type(value).__name__ not in {wanted, "int" if wanted == "float" else wanted}:
            raise InputError(f"{name} = {value!r} must be a {wanted}, not a {type(value).__name__}")
    return given
