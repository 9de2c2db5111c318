"""Scripts: waves of Igor and arrays of MATLAB, written out as the text that makes them."""

from __future__ import annotations

import re
from itertools import zip_longest

from fitting.readers.files.preamble import Line

_WAVES = re.compile(r"\s*WAVES\S*\s+(?P<names>.+)", re.IGNORECASE)
_UNIT = re.compile(r'SetScale\s*(?:/\w\s*)?[dy]\s[^"]*"(?P<unit>[^"]*)"\s*,\s*(?P<names>[^;]+)', re.I)
_ARRAY = re.compile(r"(?P<name>[A-Za-z]\w*)\s*=\s*\[(?P<numbers>[^\]\[]*)\]\s*;?")
_MATLAB_COMMENT = re.compile(r"%[^\n]*")


def script_lines(text: str) -> list[Line] | None:
    """The lines of a table that a script makes, titles first; None for text that is no such script."""
    if text.lstrip("\ufeff").lstrip().upper().startswith("IGOR"):
        return _igor(text)
    return _matlab(text)


def _igor(text: str) -> list[Line] | None:
    """Waves between BEGIN and END, block behind block side by side; X SetScale says their units."""
    blocks: list[list[Line]] = []
    names: list[str] = []
    inside = False
    for number, line in enumerate(text.splitlines(), start=1):
        head = _WAVES.fullmatch(line)
        if head is not None and not inside:
            names = re.split(r"[\s,]+", head["names"].strip())
        elif line.strip().upper() == "BEGIN":
            inside = True
            blocks.append([(number, names)])
        elif line.strip().upper() == "END":
            inside = False
        elif inside and line.strip():
            blocks[-1].append((number, line.split()))
    if not blocks:
        return None
    units = {
        name.strip().strip("'"): match["unit"].strip()
        for match in _UNIT.finditer(text) for name in match["names"].split(",")
    }  # fmt: skip
    for block in blocks:
        number, titles = block[0]
        block[0] = number, [f"{t} [{units[t]}]" if units.get(t) else t for t in titles]
    return _beside(blocks)


def _matlab(text: str) -> list[Line] | None:
    """Arrays of numbers, and nothing else but comments; as variables of a .mat file."""
    bare = _MATLAB_COMMENT.sub("", text)
    found = list(_ARRAY.finditer(bare))
    if not found or re.sub(r"[;\s]|clear|close|clc|all", "", _ARRAY.sub("", bare)):
        return None
    blocks: list[list[Line]] = []
    for match in found:
        number = bare.count("\n", 0, match.start()) + 1
        cells = [cell for cell in re.split(r"[\s,;]+|\.\.\.", match["numbers"]) if cell]
        blocks.append([(number, [match["name"]]), *((number, [cell]) for cell in cells)])
    return _beside(blocks)


def _beside(blocks: list[list[Line]]) -> list[Line]:
    """Blocks side by side, shorter ones with empty cells at their end."""
    widths = [len(block[0][1]) for block in blocks]
    lines = []
    for rows in zip_longest(*blocks):
        cells: list[str] = []
        for row, width in zip(rows, widths, strict=True):
            cells += row[1] if row is not None else [""] * width
        lines.append((next(row[0] for row in rows if row is not None), cells))
    return lines
