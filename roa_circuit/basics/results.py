"""Results on disk: written whole or not at all, with the versions and the command that made them."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import json
import math
import os
import platform
import secrets
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, BinaryIO

from roa_circuit.basics import files
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.interrupts import postponed


@postponed()
def write_file(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let `write` fill a file that appears at `path` only when complete.

    Raises
    ------
    InputError : the folder is missing or not writable, or `path` is a device or a pipe.
    """
    _refuse_special(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = _begun(path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                write(file)
                file.flush()
                os.fsync(handle)  # or a power cut leaves an empty file under the new name
                temporary = temporary or _named(handle, path.parent)
            temporary.replace(path)
        except BaseException:
            if temporary is not None:
                temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None


def _begun(folder: Path) -> tuple[int, Path | None]:
    """(handle, name) of a new file, without a name where that is possible: then no kill leaves it."""
    with contextlib.suppress(OSError, AttributeError):
        return os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o666), None
    handle, name = tempfile.mkstemp(dir=folder, prefix=".roa-", suffix=".part")
    if hasattr(os, "fchmod"):
        os.fchmod(handle, 0o666 & ~_umask())
    return handle, Path(name)


def _named(handle: int, folder: Path) -> Path:
    """A hidden name for a file that has none yet."""
    name = folder / f".roa-{secrets.token_hex(8)}.part"
    # Only with a folder's descriptor, of no use here, does Python follow this link.
    os.link(f"/proc/self/fd/{handle}", name, src_dir_fd=handle, follow_symlinks=True)
    return name


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes, whole or not at all."""
    write_file(path, lambda file: file.write(content))


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, whole or not at all."""
    write_bytes(path, text.encode("utf-8", errors="backslashreplace"))  # of names that are not UTF-8


def write_json(path: Path, document: Any) -> None:
    """Write indented JSON, whole or not at all; NaN and infinities become null."""
    write_text(path, json.dumps(_finite(document), indent=2, allow_nan=False) + "\n")


def write_summary(path: Path | None, document: dict[str, Any]) -> None:
    """Write what `--json FILE` asks for: the document and its provenance. No path, no file."""
    if path is not None:
        write_json(path, {**document, "provenance": provenance()})


def check_writable(*paths: Path | None) -> None:
    """Find out before the work, not after it, that a result cannot be written; touches nothing.

    Raises
    ------
    InputError : a path is a folder, or the folder it lies in cannot be made or written.
    """
    for path in paths:
        if path is None:
            continue
        _refuse_special(path)
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        if not folder.is_dir():
            raise InputError(f"{path}: cannot be written: {folder} is not a folder")
        if not os.access(folder, os.W_OK):
            raise InputError(f"{path}: cannot be written: no permission in {folder}")


def _refuse_special(path: Path) -> None:
    """A new file takes the place of an old one, and must not take that of /dev/stdout."""
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file")
    device = path.is_relative_to("/dev") and not path.is_relative_to("/dev/shm")
    if device or path.name == "-" or (path.exists() and not path.is_file()):
        raise InputError(f"{path}: is no file, but a device or a pipe; name a file")


def write_table(path: Path, rows: Sequence[Any]) -> None:
    """Write instances of one dataclass as CSV, one in each row, whole or not at all."""
    text = io.StringIO()
    names = [field.name for field in dataclasses.fields(rows[0])]
    writer = csv.DictWriter(text, fieldnames=names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(dataclasses.asdict(row) for row in rows)
    write_text(path, text.getvalue())


def provenance(**extra: Any) -> dict[str, Any]:
    """What made a result: versions, platform, time, and whatever the caller adds."""
    packages = ("roa-circuit", "numpy", "scipy")
    versions = {name: metadata.version(name) for name in packages}
    return {
        "versions": {"python": platform.python_version(), **versions},
        "platform": f"{platform.system()} {platform.machine()}",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **extra,
    }


def fingerprint(path: Path) -> dict[str, Any]:
    """What identifies a file: its name, its size and the SHA-256 of its content."""
    size, digest = files.digest(path)
    return {"file": str(path), "bytes": size, "sha256": digest}


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()
    elif hasattr(value, "tolist"):
        return _finite(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
