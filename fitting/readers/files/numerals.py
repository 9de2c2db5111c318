"""Numerals: thousands signs and decimal commas as plain numbers, where a file leaves no doubt."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from fitting.readers.files.preamble import Line, is_number
from roa_circuit.basics.errors import InputError

_CELL = re.compile(
    r"[-+]?(?P<body>[\d.,' \u2019\u00a0\u2009\u202f]*\d[.,]?)"
    r"([eE][-+]?\d{1,3})?(\s*[A-Za-zµμΩ\u2126%]+)?"
)
_EXPONENT = re.compile(r"[-+]?\d+\.\d+[eE][-+]?\d{1,3}")
_FOUR_DIGITS = re.compile(r"[-+]?\d{4,}")
_BLANK = "[' \u2019\u00a0\u2009\u202f]"
_SHAPES = {
    name: re.compile(shape)
    for name, shape in {
        "1 234": rf"[1-9]\d{{0,2}}({_BLANK}\d{{3}})+",
        "1 234.5": rf"[1-9]\d{{0,2}}({_BLANK}\d{{3}})+\.\d*",
        "1 234,5": rf"[1-9]\d{{0,2}}({_BLANK}\d{{3}})+,\d*",
        "1,234.5": r"[1-9]\d{0,2}((,\d{3})+\.\d*|(,\d{3}){2,})",
        "1.234,5": r"[1-9]\d{0,2}((\.\d{3})+,\d*|(\.\d{3}){2,})",
        "1,234": r"[1-9]\d{0,2},\d{3}",
        "1.234": r"[1-9]\d{0,2}\.\d{3}",
        "0,5": r"\d*,\d+|\d+,",
        "0.5": r"\d*\.\d+|\d+\.",
    }.items()
}
_POINTED = {"0.5", "1.234"}  # what a computer writes, whatever a person does

Met = dict[str, tuple[int, str]]  # of each shape the first cell: its line, its text


@dataclass(frozen=True, kw_only=True)
class _Signs:
    """What the comma and the point are; None is a sign that is left as it is."""

    comma: str | None = None  # "." or "", which it becomes
    point: str | None = None  # "", where it parts thousands

    def plain(self, cell: str) -> str:
        """The cell as a number with a point and without other signs, if it is one."""
        shape = _shape(cell)
        if not shape or shape == "0.5":
            return cell
        text = re.sub(rf"(?<=\d){_BLANK}(?=\d)", "", cell) if " " in shape else cell
        text = text if self.point is None else text.replace(".", self.point)
        return text if self.comma is None else text.replace(",", self.comma)


def plain_numbers(
    lines: Sequence[Line], separator: str, source: str, *, pointed: bool = True
) -> tuple[list[Line], tuple[str, ...]]:
    """(the lines with numbers that have a point and no thousands sign, a word on how they were read).

    A file is read in one way, which numbers such as '1,234.5', '1.234,5', '0,5' and '12.75' tell.
    '1,234' tells nothing, but between semicolons, which part columns where the comma is decimal.

    pointed : whether a plain number's point tells anything: that of a workbook's own numbers does not

    Raises
    ------
    InputError : a cell that may be either, or cells that contradict each other.
    """
    titled = bool(lines) and not all(is_number(cell) or not cell for cell in lines[0][1])
    titled = titled and not any(_shape(cell) for cell in lines[0][1])
    body = lines[int(titled) :]
    every: Met = {}
    for number, cells in body:
        for cell in cells:
            every.setdefault(_shape(cell), (number, cell))
    met = {shape: one for shape, one in every.items() if shape and (pointed or shape not in _POINTED)}
    if not set(met) - _POINTED:
        if separator == ";" and set(met) == {"1.234"} and not _tells_points(body):
            _refuse_points(source, met["1.234"])
        return list(lines), ()
    signs, said = _signs(met, separator, source)
    if signs.point is not None and not pointed and "1.234" in every:  # a number, or thousands in a text
        _refuse_either(source, every["1.234"], ".")
    found = [(number, [signs.plain(cell) for cell in cells]) for number, cells in body]
    return [*lines[: int(titled)], *found], said


def _tells_points(body: Sequence[Line]) -> bool:
    """Whether numbers that all look like '1.234' have a decimal point: by an exponent, or by a number
    of four digits without a sign in a column of them.
    """
    cells = [(place, cell) for _, row in body for place, cell in enumerate(row)]
    places = {place for place, cell in cells if _shape(cell) == "1.234"}
    return any(
        _EXPONENT.fullmatch(cell) or (place in places and _FOUR_DIGITS.fullmatch(cell))
        for place, cell in cells
    )


def _refuse_points(source: str, cell: tuple[int, str]) -> None:
    number, text = cell
    raise InputError(
        f"{source}, line {number}: {text!r} between semicolons may be {text.replace('.', '')} or {text},"
        " as all numbers here look so; part columns by commas if the point is decimal, or write the"
        " numbers without thousands signs"
    )


def parted_thousands(cells: Sequence[str]) -> str:
    """'12,345.5' where a thousands sign parted that number into two cells; '' if none looks so."""
    for one, other in pairwise(cells):
        if re.fullmatch(r"[-+]?[1-9]\d{0,2}", one) and re.fullmatch(r"\d{3}(\.\d*)?", other):
            return f"{one},{other}"
    return ""


def _shape(cell: str) -> str:
    """How a cell writes a number; '' for digits alone and for what is none."""
    match = _CELL.fullmatch(cell)
    if match is None or match["body"].isdigit():
        return ""
    return next((name for name, shape in _SHAPES.items() if shape.fullmatch(match["body"])), "")


def _signs(met: Met, separator: str, source: str) -> tuple[_Signs, tuple[str, ...]]:
    """(what the signs are, a word on it where it is not plain to see)."""
    for one, other in (("1,234.5", "1.234,5"), ("1,234.5", "0,5"), ("1,234.5", "1 234,5"),
                       ("1.234,5", "0.5"), ("1.234,5", "1 234.5")):  # fmt: skip
        if one in met and other in met:
            _refuse_both(source, met[one], met[other])
    comma, point = {"0,5", "1.234,5", "1 234,5"} & set(met), {"0.5", "1,234.5", "1 234.5"} & set(met)
    signs = _Signs(
        comma=_of_comma(met, bool(comma), bool(point), separator, source),
        point="" if "1.234,5" in met else None,
    )
    if signs.comma == "." and not point and signs.point is None and "1.234" in met:
        _refuse_either(source, met["1.234"], ".")
    return signs, _said(met, signs, separator)


def _of_comma(met: Met, comma: bool, point: bool, separator: str, source: str) -> str | None:
    """What a comma becomes: a point, or nothing where it parts thousands."""
    if "1,234.5" in met:
        return ""
    if "1,234" in met:
        told = comma != point and (comma or separator != ";")
        if not told and not (separator == ";" and not point):
            _refuse_either(source, met["1,234"], ",")
        return "" if point else "."
    return "." if comma and not (point and separator == "\t") else None


def _said(met: Met, signs: _Signs, separator: str) -> tuple[str, ...]:
    """What is not plain to see: thousands signs, and decimal commas that a separator or others tell."""
    for shape in ("1,234.5", "1.234,5", "1 234", "1 234.5", "1 234,5", "1,234", "0,5"):
        if shape not in met or (shape == "0,5" and separator != ","):
            continue
        cell = met[shape][1]
        if shape != "0,5" and (shape != "1,234" or signs.comma == ""):
            return (f"'{cell}' has thousands signs: it is {signs.plain(cell)}",)
        if signs.comma is not None:
            return (f"'{cell}' has a decimal comma: it is {signs.plain(cell)}",)
    return ()


def _refuse_both(source: str, one: tuple[int, str], other: tuple[int, str]) -> None:
    raise InputError(
        f"{source}, line {one[0]}: {one[1]!r} and {other[1]!r} in line {other[0]} write numbers in two"
        " ways; write all with a point and without thousands signs"
    )


def _refuse_either(source: str, cell: tuple[int, str], sign: str) -> None:
    number, text = cell
    raise InputError(
        f"{source}, line {number}: {text!r} may be {text.replace(sign, '')} or"
        f" {text.replace(sign, '.')}; write all numbers with a point and without thousands signs"
    )
