"""Law files: those that come with the package, and others."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from roa_circuit.basics import toml
from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.device.laws.formulas.definition import Definition


def shipped_laws() -> list[str]:
    """The names of the law files that come with the package."""
    folder = resources.files("roa_circuit.device.laws") / "files"
    return sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml"))


def load_definition(name_or_path: str | Path) -> Definition:
    """A shipped law by name, or one from a file with a section [law].

    Raises
    ------
    InputError : no such law or file, or its content is unusable.
    """
    text = str(name_or_path)
    if text in shipped_laws():
        resource = resources.files("roa_circuit.device.laws") / "files" / f"{text}.toml"
        return Definition.from_document(toml.loads(resource.read_text(encoding="utf-8"), source=text))
    if not text.endswith(".toml"):
        raise InputError(f"law {text!r} is neither known nor a file; {nearest(text, shipped_laws())}")
    try:
        return Definition.from_document(toml.loads(toml.read(text), source=text))
    except InputError as error:
        raise InputError(str(error) if text in str(error) else f"{text}: {error}") from None
