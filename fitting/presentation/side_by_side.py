"""The page and the figures of devices side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fitting.judgement.devices import PULSES, STATES, Side
from roa_circuit.basics.units import counted, engineering, percent, prefix_for
from roa_circuit.presentation.drawing import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    RED,
    SOFT,
    VIOLET,
    Drawing,
    draw,
    plain,
    shortened,
)
from roa_circuit.presentation.page import (
    Page,
    Section,
    bullets,
    made_by,
    shown,
    side_by_side,
    table,
)
from roa_circuit.presentation.plots import Axis, Column, Curve, Mark, Panel, Plot, curves, program

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from roa_circuit.device.laws import Law

_COLOURS = {"blue": BLUE, "red": RED, "green": GREEN, "violet": VIOLET, "ink": INK, "soft": SOFT,
            "faint": FAINT}  # fmt: skip
_NONE = "-"


def head(sides: Sequence[Side]) -> list[str]:
    """The head of `rows`: a column for each device."""
    return ["", *(plain(one.device.name, 32) for one in sides)]


def rows(sides: Sequence[Side]) -> list[list[str]]:
    """What the devices do in numbers, a quantity a row."""
    found = {
        "law": [one.device.memristor.name for one in sides],
        "read at": [engineering(one.read_voltage, "V") for one in sides],
        "Gmin": [engineering(one.gmin, "S") for one in sides],
        "Gmax": [engineering(one.gmax, "S") for one in sides],
        "Gmax / Gmin": [f"{one.gmax / one.gmin:.3g}" for one in sides],
        "pulses up": [_pulses(one.pulses_up) for one in sides],
        "pulses down": [_pulses(one.pulses_down) for one in sides],
        "energy of one up": [_joule(one.energy_up) for one in sides],
        "energy of one down": [_joule(one.energy_down) for one in sides],
        "write noise": [_number(one.sigma_wn) for one in sides],
        "levels": [_NONE if one.levels is None else str(one.levels) for one in sides],
    }
    return [[name, *values] for name, values in found.items()]


def constant_rows(sides: Sequence[Side]) -> tuple[list[str], list[list[str]]]:
    """(head, a row for each constant that any of the devices has)."""
    laws = [one.device.memristor for one in sides]
    names = dict.fromkeys((name, law.units[name]) for law in laws for name in law.constants)
    rows = [
        [f"{name} [{unit}]" if unit != "-" else name,
         *(_constant(law, name) if law.units.get(name) == unit else _NONE for law in laws)]
        for name, unit in names
    ]  # fmt: skip
    return ["constant", *(plain(one.device.name, 32) for one in sides)], rows


def _constant(law: Law, name: str) -> str:
    return f"{float(law.constants[name]):.4g}"


def step_rows(sides: Sequence[Side]) -> list[list[str]]:
    """A row for each state: what one pulse of each device changes there, up and down."""
    rows = []
    for place, state in enumerate(STATES):
        cells = []
        for one in sides:
            both = (one.raised, one.lowered)
            cells += [
                _NONE if change is None else percent(float(change[place]), 2, significant=True)
                for change in both
            ]
        rows.append([f"{state:.2f}", *cells])
    return rows


def drawings(sides: Sequence[Side]) -> list[Drawing]:
    """One pulse from every state, trains, and I-V."""
    return [_steps(sides), _trains(sides), _currents(sides)]


def page(sides: Sequence[Side], noise: float, drawn: Sequence[Drawing], made: dict[str, Any]) -> Page:
    """The report."""
    names = [plain(one.device.name, 32) for one in sides]
    most = max(sides, key=lambda one: one.levels or 0)
    remarks = [f"{text}." for one in sides for text in one.said]
    laws = dict.fromkeys(one.device.memristor.name for one in sides)
    of_constants, constants = constant_rows(sides)
    step_head = ["ω", *(f"{name}, {way}" for name in names for way in ("up", "down"))]
    figures = [shown(one) for one in drawn]
    return Page(
        command="roa-fit compare",
        title=f"{counted(len(sides), 'device')} side by side",
        verdict="compared",
        passed=True,
        lead="Every device with its own pulses, by the law that its file names.",
        numbers=[
            ("devices", str(len(sides)), ", ".join(laws)),
            ("most levels", str(most.levels or 0), most.device.name),
            ("noise", percent(noise, 2, significant=True), "of a reading, for levels"),
        ],
        sections=[
            Section(title="In numbers", parts=[
                *([bullets(remarks)] if remarks else []),
                table(head(sides), rows(sides), caption="The foot of the page says what is meant."),
            ]),
            Section(title="Curves", parts=[side_by_side(figures)]),
            Section(title="One pulse from every state", parts=[
                table(step_head, step_rows(sides), caption="The change of ω, in per cent of the range.")
            ]),
            Section(title="Constants", parts=[
                table(of_constants, constants, caption="A name may mean different things in "
                      "different laws.")
            ]),
            Section(title="How it was made", parts=[made_by(made["provenance"], [
                ("files", ", ".join(made["files"])),
                *((f"citation of {one.device.name}", one.device.citation) for one in sides),
            ])]),
        ],
        footer=_ABOUT,
        program=program(drawn),
    )  # fmt: skip


_ABOUT = (
    "Pulses lead from a tenth of the range of ω to nine tenths, and back. Energy is V I T of one pulse"
    " with its edges, the mean over ω. Write noise is σ_WN of Eq. 7, as a [spread] has it. Levels are"
    " states of whole pulses from ω = 1/2, each two standard deviations of write and reading clear of"
    " the next."
)


def _number(value: float | None) -> str:
    return _NONE if value is None else f"{value:.3g}"


def _pulses(value: float | None) -> str:
    return "< 1" if value is not None and value < 1.0 else _number(value)


def _joule(value: float | None) -> str:
    return _NONE if value is None else engineering(value, "J")


def _lines(sides: Sequence[Side]) -> list[tuple[Side, str, str]]:
    """Every device with a colour and a label."""
    colours = list(_COLOURS)
    return [
        (one, colours[i % len(colours)], shortened(one.device.name, 24)) for i, one in enumerate(sides)
    ]


def _steps(sides: Sequence[Side]) -> Drawing:
    lines = [
        Curve(whose={"device": label, "pulse": way}, x=STATES, y=sign * 100.0 * change, colour=colour,
              dash=dash, label=label if sign > 0 or one.raised is None else "")
        for one, colour, label in _lines(sides)
        for change, sign, way, dash in ((one.raised, 1, "up", ""), (one.lowered, -1, "down", "dash"))
        if change is not None
    ]  # fmt: skip
    x = Column(values=[], title="ω before the pulse", digits=3)
    y = Column(values=[], title="change", unit="%", digits=4)
    axes = Axis(title="state ω before the pulse"), Axis(title="change of ω by one pulse [%]")
    caption = "One potentiation pulse (lines) and one depression pulse (dashes) from every state."
    return _drawing("steps", caption, lines, (x, y), axes)


def _trains(sides: Sequence[Side]) -> Drawing:
    count = np.arange(PULSES + 1.0)
    lines = [
        Curve(whose={"device": label, "pulses": way}, x=count, y=course, colour=colour, dash=dash,
              label=label if way == "up" or one.up is None else "")
        for one, colour, label in _lines(sides)
        for course, way, dash in ((one.up, "up", ""), (one.down, "down", "dash"))
        if course is not None
    ]  # fmt: skip
    x, y = Column(values=[], title="after pulse"), Column(values=[], title="ω")
    axes = Axis(title="pulses"), Axis(title="state ω", span=(0.0, 1.0))
    caption = "Trains of a device's own pulses, up from ω = 0.05 (lines) and down from 0.95 (dashes)."
    return _drawing("trains", caption, lines, (x, y), axes)


def _currents(sides: Sequence[Side]) -> Drawing:
    reach = max(abs(one.read_voltage) for one in sides)
    V = np.linspace(-reach, reach, 81)
    lines = [
        Curve(whose={"device": label, "state": f"ω = {omega:g}"}, x=V,
              y=np.asarray(one.device.memristor.current(omega, V)), colour=colour, dash=dash,
              label=label if omega else "")
        for one, colour, label in _lines(sides)
        for omega, dash in ((1.0, ""), (0.0, "dash"))
    ]  # fmt: skip
    size, prefix = prefix_for(float(max(np.abs(line.y).max() for line in lines)))
    x, y = Column(values=[], title="voltage", unit="V"), Column(values=[], title="current", unit="A")
    axes = Axis(title="voltage [V]"), Axis(title=f"current [{prefix}A]", size=size)
    caption = "I–V at ω = 1 (lines) and ω = 0 (dashes), up to the largest of the read voltages."
    return _drawing("current-voltage", caption, lines, (x, y), axes)


def _drawing(
    name: str,
    caption: str,
    lines: Sequence[Curve],
    columns: tuple[Column, Column],
    axes: tuple[Axis, Axis],
) -> Drawing:
    """Curves of devices, as a figure and as a plot."""
    along, up = axes

    def paint(figure: Figure) -> None:
        drawn = figure.subplots()
        for line in lines:
            style = "--" if line.dash else "-"
            drawn.plot(line.x, line.y / up.size, style, lw=1.3, color=_COLOURS[line.colour],
                       label=plain(line.label) or None)  # fmt: skip
        if up.span is None:
            drawn.axhline(0.0, color=FAINT, lw=0.6)
        else:
            drawn.set_ylim(up.span)
        drawn.set_xlabel(along.title)
        drawn.set_ylabel(up.title)
        drawn.legend(loc="lower left", ncols=3, bbox_to_anchor=(0.0, 1.02), borderaxespad=0.0)

    plot = None
    if lines:
        _, traces = curves(name, lines, *columns)
        zero = [Mark(kind="across")] if up.span is None else []
        plot = Plot(x=along, panels=[Panel(y=up, traces=traces, marks=zero)])
    return draw(name, caption, paint, top=0.5, plot=plot)
