"""SPICE raw files, binary: a header in text, then the vectors point by point."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import SimulatorError

_DATA = b"Binary:\n"


def read_raw(path: Path) -> dict[str, NDArray[np.float64]]:
    """The real vectors of the file's first plot, by name in lower case.

    Raises
    ------
    SimulatorError : no such file, another kind of file, or one that ends before its last point.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SimulatorError(f"{path.name}: {error.strerror or error}") from None
    header, found, data = content.partition(_DATA)
    fields, _, listed = header.decode("utf-8", errors="replace").partition("Variables:\n")
    entries = dict(line.split(":", 1) for line in fields.splitlines() if ":" in line)
    names = [line.split()[1].lower() for line in listed.splitlines() if line.strip()]
    points = int(entries.get("No. Points", "0"))
    if not found or entries.get("Flags", "").strip() != "real":
        raise SimulatorError(f"{path.name} is not a binary raw file of real vectors")
    size = 8 * points * len(names)
    if len(data) < size:
        raise SimulatorError(f"{path.name} ends after {len(data)} of {size} bytes: is the disk full?")
    table = np.frombuffer(data[:size]).reshape(points, len(names))
    return {name: table[:, index].copy() for index, name in enumerate(names)}
