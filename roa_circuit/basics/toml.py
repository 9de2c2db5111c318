"""TOML documents of numbers, strings and sections, read and written exactly."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np

from roa_circuit.basics import files
from roa_circuit.basics.errors import InputError

_DEEPEST = 8  # levels of sections and lists; those here have three


def loads(text: str, *, source: str) -> dict[str, Any]:
    """The document.

    Raises
    ------
    InputError : not TOML.
    """
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # Python refuses numbers of thousands of digits
        why = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InputError(f"{source}: not valid TOML: {why}") from None
    _require_modest(document, source)
    return document


def _require_modest(value: Any, where: str, depth: int = 0) -> None:
    """Refuse whole numbers that TOML does not promise, and what is nested beyond any use."""
    if depth > _DEEPEST:
        raise InputError(f"{where}: is nested more than {_DEEPEST} levels deep")
    if isinstance(value, dict):
        for key, one in value.items():
            _require_modest(one, f"{where}, {key}", depth + 1)
    elif isinstance(value, list):
        for one in value:
            _require_modest(one, where, depth + 1)
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise InputError(f"{where}: the whole number has more than the 64 bits that TOML gives it")


def read(path: str | Path) -> str:
    """The text of a TOML file.

    Raises
    ------
    InputError : unreadable, or no text.
    """
    return files.text(path, expected="a TOML file", most=files.LARGEST_DOCUMENT)


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
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if not isinstance(value, list | tuple):
        raise TypeError(f"{value!r} has no place in a TOML document")
    if value and isinstance(value[0], list | np.ndarray):
        return "[\n" + "".join(f"  {_value(row)},\n" for row in value) + "]"
    return "[" + ", ".join(map(_value, value)) + "]"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else _escaped(c) for c in escaped) + '"'


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xD800 <= code < 0xE000:  # how Python holds a byte of a name that is not UTF-8
        raise InputError("a name that is not UTF-8 cannot be kept in a TOML file; rename the file")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
