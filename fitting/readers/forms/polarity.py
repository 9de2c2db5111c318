"""Polarity: the sign of pulses whose voltage is a size, as another column tells it."""

from __future__ import annotations

import dataclasses

import numpy as np

from fitting.readers.columns.roles import Found
from fitting.readers.conventions import Conventions
from fitting.readers.files.sheet import Sheet
from fitting.readers.forms.table import RISES, FloatArray, Table
from fitting.readers.titles import is_absolute, plain

_TITLES = {"polarity", "pulsepolarity", "voltagepolarity", "sign", "voltagesign", "pulsesign"}
_SIGNS = {
    **dict.fromkeys(("+", "+1", "1", "p", "pos", "positive", "plus"), 1.0),
    **dict.fromkeys(("-", "\u2212", "-1", "n", "neg", "negative", "minus"), -1.0),
}


def with_signs(sheet: Sheet, found: Found, table: Table, how: Conventions) -> Table:
    """The table with signed voltages, where its voltages are sizes.

    Signs come from a column such as 'polarity', else from what the pulses of each row do.

    Raises
    ------
    InputError : of sizes such as |V|, a pulse whose polarity is no sign.
    """
    V, column = table.column("voltage"), found.known.get("voltage")
    if column is None or not (V > 0).any() or (V < 0).any():
        return table
    size = is_absolute(column.title)
    places = [p for p, text in enumerate(sheet.titles) if plain(text) in _TITLES]
    if len(places) == 1 and len(sheet.cells) == len(V):
        text = sheet.titles[places[0]]
        signs = np.array([_sign(row[places[0]]) for row in sheet.cells])
        unknown = np.isnan(signs) & (V > 0)
        if not unknown.any():
            said = f"{column.title!r} has the sign of {text!r}"
            ignored = tuple(one for one in table.ignored if one != text)
            return dataclasses.replace(_signed(table, signs), ignored=ignored).noted(assumed=[said])
        if size:
            row = int(np.argmax(unknown))
            table = dataclasses.replace(table, headers={**table.headers, text: text})
            table.refuse(
                row, text, f"is {sheet.cells[row][places[0]]!r}; give + or -, the sign of the voltage"
            )
    if not size:
        return table
    ways = table.column(RISES)
    if not np.isnan(ways[V > 0]).any():
        raised = 1.0 if how.positive_sets else -1.0
        said = f"{column.title!r} is a size, positive where the conductance " + (
            "rises" if how.positive_sets else "falls"
        )
        return _signed(table, raised * ways).noted(assumed=[said])
    return table.noted(assumed=[
        f"{column.title!r} is a size without a sign, and all pulses count as positive: a column"
        " 'polarity' of + and - gives signs"
    ])  # fmt: skip


def _sign(cell: str) -> float:
    text = cell.strip().lower()
    try:
        return _SIGNS.get(text, _SIGNS.get(f"{float(text):g}", np.nan))
    except ValueError:
        return _SIGNS.get(text, np.nan)


def _signed(table: Table, signs: FloatArray) -> Table:
    voltage = np.where(np.isnan(signs), 1.0, signs) * table.columns["voltage"]
    return dataclasses.replace(table, columns={**table.columns, "voltage": voltage})
