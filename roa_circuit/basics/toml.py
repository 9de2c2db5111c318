"""TOML documents of numbers, strings and sections, read and written exactly."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from roa_circuit.basics.errors import InputError


def loads(text: str, *, source: str) -> dict[str, Any]:
    """The document.

    Raises
    ------
    InputError : not TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{source}: not valid TOML: {error}") from None


def read(path: str | Path) -> str:
    """The text of a TOML file.

    Raises
    ------
    InputError : unreadable.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text; expected a TOML file") from None


def dumps(document: dict[str, Any]) -> str:
    """The document as text; dictionaries become sections, which follow all other keys."""
    return "\n".join(_table(document, "")) + "\n"


def _table(table: dict[str, Any], name: str) -> list[str]:
    lines = [f"{_key(key)} = {_value(v)}" for key, v in table.items() if not isinstance(v, dict)]
    for key, value in table.items():
        if isinstance(value, dict):
            inner = f"{name}.{_key(key)}" if name else _key(key)
            lines += ["", f"[{inner}]", *_table(value, inner)]
    return lines


def _key(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else _quoted(text)


def _value(value: Any) -> str:
    """A string, a number or a list of these as TOML; the rows of a matrix stand one below another."""
    if isinstance(value, str):
        return _quoted(value)
    if not isinstance(value, list):
        return repr(value)
    if value and isinstance(value[0], list):
        return "[\n" + "".join(f"  {_value(row)},\n" for row in value) + "]"
    return "[" + ", ".join(map(_value, value)) + "]"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'
