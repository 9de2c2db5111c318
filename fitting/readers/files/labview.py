"""LabVIEW: measurement files (LVM), tables with a head of keys and units of their own."""

from __future__ import annotations

from fitting.readers.files.preamble import Line
from fitting.readers.files.text import before

_FIRST = "LabVIEW Measurement"
_HEAD_ENDS = "***End_of_Header***"
_UNITS = {"volts": "V", "volt": "V", "amps": "A", "amperes": "A", "ohms": "Ohm", "siemens": "S"}


def is_measurement(text: str) -> bool:
    """Whether a text is an LVM file: a log that only begins with these words has no end of a head."""
    return text.lstrip("\ufeff").startswith(_FIRST) and _HEAD_ENDS in text


def measurement_lines(text: str) -> tuple[list[Line], tuple[str, ...]]:
    """(the titles with their units, and the rows; what was left out).

    Of several segments the first is read. A comment behind the last column may be missing.
    """
    raw = text.lstrip("\ufeff").splitlines()
    separator = "," if any(line.strip() == "Separator,Comma" for line in raw[:30]) else "\t"
    units: list[str] = []
    ends = [place for place, line in enumerate(raw) if line.strip().startswith(_HEAD_ENDS)]
    if not ends:
        return [], ()
    begin = ends[1] if len(ends) > 1 else ends[0]
    for line in raw[:begin]:
        cells = line.split(separator)
        if cells[0] == "Y_Unit_Label":
            units = [_UNITS.get(cell.strip().lower(), cell.strip()) for cell in cells[1:]]
    stop = next((p for p, line in enumerate(raw) if p > begin and line.startswith("Channels")), len(raw))
    unused = [before(begin + 2)] + ([f"lines {stop + 1} to {len(raw)}"] if stop < len(raw) else [])
    lines: list[Line] = []
    for place in range(begin + 1, stop):
        cells = [cell.strip() for cell in raw[place].split(separator)]
        if any(cells):
            lines.append((place + 1, cells))
    if not lines:
        return [], ()
    titles = [_titled(cell, place, units) for place, cell in enumerate(lines[0][1])]
    width = len(titles)
    rows = [(n, (cells + [""] * width)[:width]) for n, cells in lines[1:]]
    decimal = any("," in cell for _, cells in rows for cell in cells[:-1]) and separator == "\t"
    points = [(n, [c.replace(",", ".") if decimal else c for c in cells]) for n, cells in rows]
    return [(lines[0][0], titles), *points], tuple(unused)


def _titled(cell: str, place: int, units: list[str]) -> str:
    if cell == "X_Value":
        return "X_Value [s]"
    unit = units[place - 1] if 0 < place <= len(units) else ""
    return f"{cell} [{unit}]" if unit and cell != "Comment" else cell
