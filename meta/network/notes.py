"""The note in a network's file: how it was trained, its best epoch, and the network it went on from."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from roa_circuit.basics.errors import InputError

_MOST_STARTS = 50  # networks that went on from one another
_WORDS = ("method", "dataset")
_COUNTS = ("ways", "iterations", "batch", "seed", "max_pulses", "epoch")
_LARGEST = 2**63


def checked_note(note: Any, path: Path) -> dict[str, Any]:
    """The note, if all that is ever looked up in it is of its kind.

    Raises
    ------
    InputError : it is not.
    """
    one = note
    for _ in range(_MOST_STARTS):
        if not isinstance(one, dict):
            raise InputError(f"{path}: damaged: its note is no record of a training")
        for section in ("training", "epoch"):
            _check(one.get(section, {}), section, path)
        one = one.get("start")
        if not one:
            return dict(note)
    raise InputError(f"{path}: damaged: its note tells of more than {_MOST_STARTS} trainings")


def _check(section: Any, name: str, path: Path) -> None:
    if not isinstance(section, dict):
        raise InputError(f"{path}: damaged: {name} in its note is no record")
    for key, value in section.items():
        if value is None:
            fits = key not in _WORDS and (key not in _COUNTS or key == "max_pulses")
        elif key in _WORDS:
            fits = isinstance(value, str)
        elif key in _COUNTS:
            fits = type(value) is int and abs(value) < _LARGEST
        else:
            fits = isinstance(value, str | bool) or _is_number(value)
        if not fits:
            raise InputError(f"{path}: damaged: {name} in its note has {key} = {str(value)[:40]}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) < _LARGEST and math.isfinite(value)
