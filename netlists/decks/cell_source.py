"""A cell that users wrote themselves: the text of a Verilog-A module, and what decks ask of it.

    module mine(te, be);                 // two pins, in this order
        (* type="instance" *) parameter real w0 = 0.5;   // the state at time zero, 0 ... 1
        (* desc="state" *) real omega;   // the state, as an output variable

Everything else is the module's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from roa_circuit.basics.errors import InputError
from roa_circuit.device.verilog_a import STATE

START = "w0"
"""The parameter of an instance that sets its state at time zero."""

_NEEDED = {
    f"parameter real {START}": rf"\bparameter\s+real\s+{START}\b",
    f'the attribute (* type="instance" *) of {START}, by which each cell has its own': (
        rf'\(\*[^;]*?\btype\s*=\s*"instance"[^;]*?\*\)\s*parameter\s+real\s+{START}\b'
    ),
    f'an output variable {STATE}, as in (* desc="state" *) real {STATE};': (
        rf"\(\*[^;]*?\*\)\s*real\s+(?:\w+\s*,\s*)*{STATE}\b"
    ),
}


@dataclass(frozen=True, kw_only=True)
class CellSource:
    """A Verilog-A module in place of the device's own cell.

    text : of the file
    module : its name
    name : of the file, for messages and headers
    """

    text: str
    module: str
    name: str


def read_cell_source(path: Path) -> CellSource:
    """The module of a Verilog-A file.

    Raises
    ------
    InputError : the file cannot be read, or holds no module that decks can use.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise InputError(f"--cell-model {path}: cannot be read: {why}") from None
    plain = re.sub(r"//[^\n]*|/\*.*?\*/", " ", text, flags=re.DOTALL)
    found = re.findall(r"\bmodule\s+(\w+)\s*\(([^)]*)\)", plain)
    if len(found) != 1:
        raise InputError(f"--cell-model {path}: {len(found)} modules, not one; give a file for each")
    module, pins = found[0]
    if len(pins.split(",")) != 2:
        raise InputError(
            f"--cell-model {path}: module {module} has pins ({' '.join(pins.split())}); a cell has two,"
            " that of the word line first"
        )
    for what, pattern in _NEEDED.items():
        if not re.search(pattern, plain):
            raise InputError(f"--cell-model {path}: module {module} lacks {what}")
    return CellSource(text=text, module=module, name=path.name)
