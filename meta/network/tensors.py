"""Tensors in a file: safetensors with a format's name and JSON texts in its metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from roa_circuit.basics import files
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.results import write_bytes


def read_tensors(
    path: Path, format_name: str, *, expected: str
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """(tensors by name, documents of the metadata by name) of a file that has that format.

    expected : what the file should be, such as 'a network of this toolkit'

    Raises
    ------
    InputError : missing, not such a file, damaged, or a tensor with a number that is not finite.
    """
    content = files.content(path, most=files.LARGEST_DATA)
    try:
        from safetensors.torch import load

        tensors = load(content)
        head = files.from_json(content[8 : 8 + int.from_bytes(content[:8], "little")].decode())
    except Exception as error:  # safetensors and torch raise whatever they meet in damaged files
        raise InputError(f"{path}: not {expected} (.safetensors), or damaged ({_line(error)})") from None
    metadata = head.get("__metadata__", {})
    if metadata.get("format") != format_name:
        raise InputError(f"{path}: not {expected} (format {metadata.get('format')!r})")
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise InputError(f"{path}: damaged: {name} has numbers that are not finite")
    try:
        return tensors, {key: files.from_json(text) for key, text in metadata.items() if key != "format"}
    except ValueError as error:
        raise InputError(f"{path}: damaged: its metadata are no JSON ({_line(error)})") from None


def write_tensors(path: Path, tensors: dict[str, Tensor], format_name: str, **documents: Any) -> None:
    """Write a file that `read_tensors` reads, whole or not at all."""
    from safetensors.torch import save

    metadata = {name: json.dumps(document) for name, document in documents.items()}
    whole = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    write_bytes(path, save(whole, metadata={"format": format_name, **metadata}))


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:80] or type(error).__name__
