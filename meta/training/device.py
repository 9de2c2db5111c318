"""The device of a run: loaded by name once, and kept by the run, whatever becomes of its file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from meta.training.checkpoint import recorded
from meta.training.configuration import Training
from meta.training.pretraining import Pretraining
from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.design_point import chosen_device
from roa_circuit.device.parameters import Device

STATE = "state.safetensors"


def device_of_run(how: Training | Pretraining, folder: Path, *, resume: bool) -> Device:
    """The device that a run writes on: that of its configuration, or the design point's.

    A run that goes on has its own, even if the file that it came from is gone.

    Raises
    ------
    InputError : no such device, or one that is no longer that of the run.
    """
    own = _kept(folder / STATE) if resume else None
    if own is None:
        return chosen_device(how.device)
    try:
        now = chosen_device(how.device)
    except InputError:
        return own
    if change := _difference(own.to_dict(), now.to_dict()):
        raise InputError(
            f"{folder}: device {how.device!r} is no longer that of this run: {change}; put it back, or"
            " give another --output-dir"
        )
    return own


def _kept(path: Path) -> Device | None:
    """The device in a checkpoint; None without one, or where an earlier version kept none."""
    document = recorded(path).get("device") if path.exists() else None
    return None if document is None else Device.from_dict(document, source=str(path))


def _difference(own: dict[str, Any], now: dict[str, Any]) -> str:
    """The first number in which two devices differ, in words; '' if none does."""
    for section in ("memristor", "pulses", "spread"):
        mine, theirs = own.get(section) or {}, now.get(section) or {}
        for key in {**mine, **theirs}:
            if mine.get(key) != theirs.get(key):
                return f"{key} was {mine.get(key)}, and is {theirs.get(key)}"
    return ""
