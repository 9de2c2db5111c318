"""The files of a run: all of them or none, and no folder left behind by a run that failed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from roa_circuit.basics.errors import InputError
from roa_circuit.basics.interrupts import postponed
from roa_circuit.basics.results import write_file


def as_json(document: Any) -> bytes:
    """The document as indented JSON; a number that is not finite is an error, not a word."""
    return (json.dumps(document, indent=2, allow_nan=False) + "\n").encode()


def write_all(files: Mapping[Path, bytes], gone: Iterable[Path] = ()) -> None:
    """Write every file; if one cannot be written, remove those that this call has made.

    Then `gone` goes: what an earlier run left there and this one has not; it would pass for this one's.

    Raises
    ------
    InputError : a path is a folder, or its folder cannot be made or written.
    """
    for path in files:
        if path.is_dir():
            raise InputError(f"{path}: is a folder, not a file; move it or choose another name")
    made_folders = [folder for path in files for folder in _missing(path.parent)]
    made_files = [path for path in files if not path.exists()]
    with postponed():  # all or none: not new files beside those of an earlier run, either
        try:
            for path, content in files.items():
                write_file(path, lambda file, content=content: file.write(content) and None)  # type: ignore[misc]
        except BaseException:
            _take_back(made_files, made_folders)
            raise
        for path in gone:
            path.unlink(missing_ok=True)


def _missing(folder: Path) -> list[Path]:
    """The folders that writing below `folder` will make, innermost first."""
    return [step for step in (folder, *folder.parents) if not step.exists()]


def _take_back(files: list[Path], folders: list[Path]) -> None:
    for file in files:
        if file.is_file():
            file.unlink()
    for folder in sorted(set(folders), key=lambda step: len(step.parts), reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
