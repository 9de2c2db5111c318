"""Files that are read: opened in one place, which takes regular files of a sensible size alone.

A pipe would hang, a device never end, and a few bytes can announce gigabytes. So each reader here looks
at what a file is, and how much it says it holds, before it takes memory for it.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import InputError
from roa_circuit.basics.flags import flags

LARGEST_TEXT = 256 << 20
"""Bytes of a table or another text."""

LARGEST_DOCUMENT = 16 << 20
"""Bytes of a TOML file."""

LARGEST_DATA = 4 << 30
"""Bytes of arrays or tensors, on the disk and unpacked."""

_last: list[Path] = []


def last_opened() -> Path | None:
    """The file that was opened last, for whoever must say where something went wrong."""
    return _last[0] if _last else None


@contextmanager
def opened(path: str | Path, *, most: int = LARGEST_DATA) -> Iterator[BinaryIO]:
    """A regular file of at most so many bytes, open for reading.

    Raises
    ------
    InputError : missing, unreadable, a folder, a device, a pipe, or too large.
    """
    path = Path(path)
    _last[:] = [path]
    try:
        # A pipe that nobody writes to would hang without O_NONBLOCK; files do not care.
        handle = os.open(path, flags("O_RDONLY", "O_NONBLOCK"))
        with os.fdopen(handle, "rb") as file:  # which closes what is a folder, too
            _require_regular(path, os.fstat(handle), most)
            yield file
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        if isinstance(error, OSError) and error.errno is not None:
            raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
        raise InputError(f"{path}: cannot be read: {error}") from None


def _require_regular(path: Path, about: os.stat_result, most: int) -> None:
    if not stat.S_ISREG(about.st_mode):
        raise InputError(f"{path}: is no file, but a device or a pipe; save its content to a file first")
    if about.st_size > most:
        raise InputError(f"{path}: larger than the limit of {most >> 20} MiB")


def content(path: str | Path, *, most: int = LARGEST_TEXT) -> bytes:
    """All bytes of a file. Raises as `opened`."""
    with opened(path, most=most) as file:
        return file.read(most + 1)


def text(path: str | Path, *, expected: str, most: int = LARGEST_TEXT) -> str:
    """All of a UTF-8 file, with or without a mark; `expected` says what it should hold.

    Raises
    ------
    InputError : as `opened`, or no text.
    """
    try:
        return content(path, most=most).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text; expected {expected}") from None


def digest(path: str | Path) -> tuple[int, str]:
    """(bytes, SHA-256) of a file. Raises as `opened`."""
    with opened(path, most=2**62) as file:
        found = hashlib.sha256()
        while piece := file.read(1 << 20):
            found.update(piece)
        return file.tell(), found.hexdigest()


def arrays(path: Path, *, expected: str, names: Sequence[str] = ()) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz by name: those named, or all of them.

    expected : what the file should be, such as 'a layer file'

    Raises
    ------
    InputError : as `opened`, no such file, an array is missing or damaged, or too large together.
    """
    with opened(path) as file:
        try:
            with zipfile.ZipFile(file) as packed:
                _require_honest(packed)
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                return {name: archive[name] for name in names or archive.files}
        except Exception as error:  # zipfile, zlib and numpy raise whatever they meet in damaged files
            raise _damaged(path, expected, error) from None


def array(path: Path) -> NDArray[Any]:
    """The array of an .npy.

    Raises
    ------
    InputError : as `opened`, or not such a file.
    """
    with opened(path) as file:
        try:
            _require_size(file, os.fstat(file.fileno()).st_size)
            file.seek(0)
            return np.asarray(np.load(file, allow_pickle=False))
        except Exception as error:  # as above
            raise _damaged(path, "an array that numpy saved", error) from None


def from_json(written: str) -> Any:
    """The document in a JSON text.

    Raises
    ------
    ValueError : no JSON, nested too deeply, or with a number of thousands of digits.
    """
    try:
        return json.loads(written)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _require_honest(packed: zipfile.ZipFile) -> None:
    """Raise ValueError where the arrays would not fit in memory, or not be what they say they are."""
    if sum(one.file_size for one in packed.infolist()) > LARGEST_DATA:
        raise ValueError(f"unpacked, it has more than {LARGEST_DATA >> 20} MiB")
    for one in packed.infolist():
        with packed.open(one) as member:
            _require_size(member, one.file_size)


def _require_size(file: Any, size: int) -> None:
    """Raise ValueError unless an array's head announces as much as there is."""
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"format {version} is unknown")
    read = (
        np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    )
    shape, _, dtype = read(file)
    if math.prod(shape) * dtype.itemsize != size - file.tell():
        raise ValueError("an array has not the size that its head announces")


def _damaged(path: Path, expected: str, error: Exception) -> InputError:
    if isinstance(error, InputError):
        return error
    why = " ".join(str(error).split())[:80] or type(error).__name__
    return InputError(f"{path}: not {expected}, or damaged ({why})")
