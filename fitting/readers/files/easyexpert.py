"""EasyEXPERT: records as Keysight's parameter analysers export them.

A line is a key and its cells. `TestParameter` says which channel was swept and the compliance,
`DataName` has the titles, `DataValue` a row. Its numbers are in SI units.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fitting.readers.files.preamble import RECORD, Line, is_number
from roa_circuit.basics.errors import InputError

_TITLES, _ROW = "DataName", "DataValue"
_SWEPT = ("VAR1", "VAR1'")


@dataclass(frozen=True, kw_only=True)
class Export:
    """The rows of all records under one line of titles, and what the records say of them.

    `columns` says which titles are the voltage and the current of the channel that was swept, `limit`
    is its compliance [A]; of several records, what all of them say.
    """

    lines: list[Line]
    columns: dict[str, str] = field(default_factory=dict)
    limit: float | None = None
    said: tuple[str, ...] = ()


def is_export(keys: list[str]) -> bool:
    """Whether the first cells of a file's lines are those of an export."""
    return _TITLES in keys and _ROW in keys


def records(lines: list[Line], source: str) -> Export:
    """Read every record as a train.

    Raises
    ------
    InputError : records with other titles.
    """
    found: list[Line] = []
    parameters: dict[str, list[str]] = {}
    swept: list[tuple[str, str]] = []
    limits: list[float | None] = []
    record, titles = 0, [""]
    for number, cells in lines:
        if cells[0] == "SetupTitle":
            parameters = {}
        elif cells[0] == "TestParameter" and len(cells) > 1:
            parameters[cells[1]] = cells[2:]
        elif cells[0] == _TITLES:
            record += 1
            if found and set(filter(None, cells[1:])) != set(filter(None, titles)):
                raise InputError(
                    f"{source}, line {number}: a record with other columns ({', '.join(cells[1:])}); "
                    "export records of one kind in one file"
                )
            order = [cells.index(text) if text else 0 for text in titles] if found else []
            if not found:
                titles, order = cells[1:], list(range(1, len(cells)))
                found.append((number, [RECORD, *titles]))
            swept.append(_swept(parameters, titles))
            limits.append(_limit(parameters))
        elif cells[0] == _ROW and record:
            row = cells + [""] * (max(order, default=0) + 1 - len(cells))
            found.append(
                (number, [f"record {record}", *(row[place] if place else "" for place in order)])
            )
    return Export(lines=found, **_shared(swept, limits))  # type: ignore[arg-type]


def _shared(swept: list[tuple[str, str]], limits: list[float | None]) -> dict[str, object]:
    """What all records say alike."""
    result: dict[str, object] = {}
    if len(set(swept)) == 1 and all(swept[0]):
        result["columns"] = dict(zip(("voltage", "current"), swept[0], strict=True))
        result["said"] = (f"{swept[0][0]} was swept and {swept[0][1]} measured, as TestParameter says",)
    if len(set(limits)) == 1 and limits[0] is not None:
        result["limit"] = limits[0]
    return result


def _swept(parameters: dict[str, list[str]], titles: list[str]) -> tuple[str, str]:
    """The titles of the swept channel's voltage and current; '' where that is not told."""
    for place, function in enumerate(parameters.get("Channel.Func", [])):
        if function.upper() in _SWEPT:
            named = [parameters.get(key, []) for key in ("Channel.VName", "Channel.IName")]
            found = [names[place] if place < len(names) else "" for names in named]
            if all(name in titles for name in found):
                return found[0], found[1]
    return "", ""


def _limit(parameters: dict[str, list[str]]) -> float | None:
    """The compliance [A] of the swept channel, None where a voltage is none or it is not told."""
    cells = parameters.get("Measurement.Primary.Compliance", [])
    modes = parameters.get("Channel.Mode", [])
    functions = [text.upper() for text in parameters.get("Channel.Func", [])]
    place = next((functions.index(text) for text in _SWEPT if text in functions), 0)
    by_voltage = place >= len(modes) or modes[place].upper() == "V"
    if not by_voltage or not cells or not is_number(cells[0]) or float(cells[0]) <= 0:
        return None
    return float(cells[0])
