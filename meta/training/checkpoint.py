"""Checkpoints: everything that a training needs to go on as if it had never stopped.

One safetensors file, replaced whole: parameters, the optimiser's moments, and in its metadata the random
streams, the epochs so far and the configuration. There is no other state: the learning rate is a
function of the iteration.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from meta.network.tensors import read_tensors, write_tensors
from roa_circuit.basics.errors import InputError

FORMAT = "roa-training-1"


def save_state(
    path: Path,
    network: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    streams: dict[str, np.random.Generator],
    record: dict[str, Any],
) -> None:
    """Write the state to `path`, with a `record` (JSON) for the caller's own use."""
    tensors = {f"network.{name}": t.detach().contiguous() for name, t in network.state_dict().items()}
    for name, parameter in network.named_parameters():
        for key, value in optimiser.state.get(parameter, {}).items():
            if value is not None:
                tensors[f"{_kind(optimiser)}.{key}.{name}"] = value.contiguous()
    states = {name: rng.bit_generator.state for name, rng in streams.items()}
    write_tensors(path, tensors, FORMAT, streams=states, record=record)


def recorded(path: Path) -> dict[str, Any]:
    """The caller's record of a checkpoint alone.

    Raises
    ------
    InputError : not such a file.
    """
    _, documents = read_tensors(path, FORMAT, expected="a training checkpoint")
    record = documents.get("record")
    return record if isinstance(record, dict) else {}


def load_state(
    path: Path,
    network: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    streams: dict[str, np.random.Generator],
) -> dict[str, Any]:
    """Restore network, optimiser and random streams from `path`; returns the caller's record.

    Raises
    ------
    InputError : not such a file, or one of a network of another shape.
    """
    tensors, documents = read_tensors(path, FORMAT, expected="a training checkpoint")
    try:
        network.load_state_dict(
            {n.removeprefix("network."): t for n, t in tensors.items() if n.startswith("network.")}
        )
    except RuntimeError as error:
        raise InputError(f"{path}: of another network: {' '.join(str(error).split())}") from None
    for name, parameter in network.named_parameters():
        moments = {
            key: tensors[f"{_kind(optimiser)}.{key}.{name}"]
            for key in ("step", "exp_avg", "exp_avg_sq", "momentum_buffer")
            if f"{_kind(optimiser)}.{key}.{name}" in tensors
        }
        if moments:
            moved = {key: t if key == "step" else t.to(parameter.device) for key, t in moments.items()}
            optimiser.state[parameter] = moved
    try:
        for name, state in documents["streams"].items():
            streams[name].bit_generator.state = state
        return dict(documents["record"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: damaged checkpoint: {type(error).__name__} {error}") from None


def state_of(folder: Path) -> Path:
    """The checkpoint of a run's folder.

    Raises
    ------
    InputError : it is missing.
    """
    path = folder / "state.safetensors"
    if not path.exists():
        raise InputError(f"{path}: is missing, and with it all to go on from; start another run")
    return path


def require_same(was: Mapping[str, Any], now: Mapping[str, Any], folder: Path) -> None:
    """Raise InputError, about the first, where settings are not those that a run was begun with."""
    for name, value in now.items():
        if was.get(name) != value:
            raise InputError(
                f"{folder}: this run has {name} = {was.get(name)!r}, not {value!r}; resume it with its"
                " own config.toml, or give another --output-dir"
            )


def require_same_images(record: Mapping[str, Any], now: str, folder: Path) -> None:
    """Raise InputError where a run was begun with other images; runs of earlier versions do not say."""
    if record.get("images", now) != now:
        raise InputError(
            f"{folder}: the images are not those that this run was begun with; give their --data, or"
            " another --output-dir"
        )


def _kind(optimiser: torch.optim.Optimizer) -> str:
    return type(optimiser).__name__.lower()
