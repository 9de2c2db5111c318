"""The page of a map: a read of a layer, its heat maps and the array with its currents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from roa_circuit.basics.units import engineering, percent
from roa_circuit.chips.read_energy import IN_WORDS
from roa_circuit.layers.maps import ReadMap
from roa_circuit.presentation.drawing import Drawing
from roa_circuit.presentation.map_drawings import drawings
from roa_circuit.presentation.markup import Markup
from roa_circuit.presentation.page import (
    Page,
    Section,
    made_by,
    shown,
    side_by_side,
    table,
)
from roa_circuit.presentation.plots import program

_FOOTER = (
    "IR drop is a cell's drive less the voltage between its two nodes: what drivers, lines and readouts"
    " take. A word-line current is that of the segment that leads to a cell, a bit-line current that of"
    " the segment that leaves it towards the readout. Currents are those before any converter."
)


def parts(found: ReadMap, drawn: Iterable[Drawing] | None = None) -> list[Markup]:
    """The figures and tables of a read, for its own page or a section of another.

    drawn : its `drawings`, if they are made already
    """
    figures = [shown(one) for one in drawn or drawings(found)]
    facts = found.facts()
    ranges = table(
        facts.head, facts.rows, caption="Every map's range, and the place of its largest value."
    )
    whole = found.energy.total
    rows = [
        (IN_WORDS[name], engineering(joules, "J"), percent(joules / whole) if whole else "–")
        for name, joules in found.energy.joules.items()
    ]
    caption = f"Where the energy of this read goes, of {engineering(found.energy.seconds, 's')}."
    heat = table(("", "energy", "share"), rows, caption=caption)
    return [*figures, side_by_side([ranges, heat])]


def page(
    found: ReadMap,
    drawn: Sequence[Drawing],
    conditions: Iterable[tuple[str, str]],
    provenance: Mapping[str, Any],
) -> Page:
    """The page of one read.

    conditions : on what it stands, (name, text)
    provenance : the command, its files, versions and time
    """
    said = found.said()
    meanings = {
        "worst IR drop": "of the largest drive", "power": "of all arrays, settled",
        "energy": f"of the read, in {engineering(found.energy.seconds, 's')}", "most of it in": "",
    }  # fmt: skip
    return Page(
        command="roa-spice map",
        title=f"Layer {found.layer}, read {found.read}",
        verdict="computed",
        passed=True,
        lead="Where a read's voltage, current and heat go, cell by cell, in the surrogate.",
        numbers=[(name, text, meanings[name]) for name, text in said.items()],
        sections=[
            Section(title="Maps", parts=parts(found, drawn)),
            Section(title="How it was made", parts=[made_by(provenance, conditions)]),
        ],
        footer=_FOOTER,
        program=program(drawn),
    )
