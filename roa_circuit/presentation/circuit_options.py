"""Options of arrays and their circuits, declared once; only commands import this module.

They load what they describe; `options` has those of commands that need no array.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from roa_circuit.basics.errors import InputError, RoaError
from roa_circuit.basics.units import parse_duration, parse_quantity
from roa_circuit.chips import circuitry
from roa_circuit.chips import idle as chips_idle
from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.chips.imperfections import Imperfections, load
from roa_circuit.circuit.crossbar import DRIVES, SENSES
from roa_circuit.circuit.design_point import CURRENT_SCALE, TERMINAL_RESISTANCE, WIRE_RESISTANCE
from roa_circuit.circuit.mapping import REFERENCE, Mapping
from roa_circuit.circuit.wiring import WIRES, Wiring
from roa_circuit.presentation import console


def _ohms(option: str) -> Callable[[str], float]:
    """A parser that reads '4.7k' or '10 Ohm' as a resistance [Ohm]."""

    def parse(text: str) -> float:
        try:
            value = parse_quantity(text, what=option, unit="Ohm")
        except InputError as error:
            # Typer would take a ValueError for its own, and wrap its line in another.
            raise RoaError(str(error)) from None
        if value < 0:
            raise RoaError(f"{option}: {text!r} must be 0 Ohm or more")
        return value

    return parse


def _imperfections(text: str) -> Imperfections:
    try:
        return load(text)
    except InputError as error:
        raise RoaError(str(error)) from None


def _circuit(text: str) -> Circuitry:
    try:
        return circuitry.load(text)
    except InputError as error:
        raise RoaError(str(error)) from None


def _mapping(text: str) -> Mapping:
    try:
        return Mapping.parse(text)
    except InputError as error:
        raise RoaError(f"--mapping: {error}") from None


def _resistance(what: str, text: str) -> Any:
    option = f"--{what}-resistance"
    return typer.Option(
        option, parser=_ohms(option), metavar="OHM", rich_help_panel="Circuit", help=text
    )


_WIRES = f"default: the layer's or the circuit file's own, else {WIRE_RESISTANCE:g} Ohm."
_ENDS = _WIRES.replace(f"{WIRE_RESISTANCE:g} Ohm", f"{TERMINAL_RESISTANCE:g} Ohm")
WireResistance = Annotated[
    float | None, _resistance("wire", f"Of both lines, a segment; 0 is a perfect wire; {_WIRES}")
]
NetworkWires = Annotated[
    float | None,
    _resistance("wire", "Of both lines, a segment; default: the circuit file's own, else no wires."),
]
WordResistance = Annotated[
    float | None, _resistance("word", "Of a word line, a segment; default: as --wire-resistance.")
]
BitResistance = Annotated[
    float | None, _resistance("bit", "Of a bit line, a segment; default: as --wire-resistance.")
]
SourceResistance = Annotated[float | None, _resistance("source", f"Of a word line's driver; {_ENDS}")]
SenseResistance = Annotated[float | None, _resistance("sense", f"Of a bit line's readout; {_ENDS}")]


def _side(what: str, known: tuple[str, ...]) -> Any:
    text = f"{what}: {', '.join(known)}."
    return typer.Option(metavar="SIDE", rich_help_panel="Circuit", help=text)


Drive = Annotated[str | None, _side("Where word lines are driven", DRIVES)]
Sense = Annotated[str | None, _side("Where bit lines are sensed", SENSES)]


@dataclass(frozen=True, kw_only=True)
class Lines:
    """The options of an array's lines; None leaves what the layer or the circuit's file has."""

    wire_resistance: WireResistance = None
    source_resistance: SourceResistance = None
    sense_resistance: SenseResistance = None
    drive: Drive = None
    sense: Sense = None

    @property
    def wiring(self) -> Wiring:
        """The options as `Wiring`."""
        return dataclasses.replace(
            Wiring.of_wires(self.wire_resistance), r_source=self.source_resistance,
            r_sense=self.sense_resistance, drive=self.drive, sense=self.sense,
        )  # fmt: skip

    def over(self, circuit: Circuitry | None) -> Circuitry:
        """The circuit of the file, or a bare one, with these lines in place of its own."""
        whole = circuit or circuitry.BARE
        return dataclasses.replace(whole, lines=self.wiring.over(whole.lines))


CircuitFile = Annotated[
    Circuitry | None,
    typer.Option(
        "--circuit",
        parser=_circuit,
        metavar="FILE",
        rich_help_panel="Circuit",
        help="TOML of what a circuit has: lines, capacitance, amplifiers, transistors, temperature.",
    ),
]
ImperfectionsFile = Annotated[
    Imperfections | None,
    typer.Option(
        "--imperfections",
        parser=_imperfections,
        metavar="FILE",
        rich_help_panel="Circuit",
        help="TOML of what real arrays have: spread, faults, offsets, noise, converters.",
    ),
]
MappingName = Annotated[
    Mapping | None,
    typer.Option(
        "--mapping",
        parser=_mapping,
        metavar="MAPPING",
        rich_help_panel="Circuit",
        help="Columns of an output: reference; reference:K, one in the middle of every K, subtracted"
        " before the converter; pair, or pair:WRITE by lower, room or push-pull. Default: the layer's or"
        " the network's own, else reference.",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        min=0, metavar="N", help="Draws the imperfections; default: 0.", rich_help_panel="Circuit"
    ),
]


def _age(text: str) -> float:
    try:
        return parse_duration(text, what="--age")
    except InputError as error:
        raise RoaError(str(error)) from None


Age = Annotated[
    float | None,
    typer.Option(
        "--age",
        parser=_age,
        metavar="TIME",
        rich_help_panel="Circuit",
        help="Since the write: 1d, 12h, 10y, 3600s; cells age as --imperfections say (drift_exponent,"
        " retention_time).",
    ),
]


def aged(imperfections: Imperfections | None, age: float | None) -> Imperfections | None:
    """The imperfections at an age [s] that an option asks for.

    Raises
    ------
    InputError : nothing of them ages.
    """
    if age is None:
        return imperfections
    return dataclasses.replace(imperfections or Imperfections(), age=age)


def idle(
    imperfections: Imperfections | None, varied: Collection[str] = (), but: Collection[str] = ()
) -> list[str]:
    """The imperfections that change nothing beside the others, with a line on stderr about them.

    varied : the fields that a sweep varies, which count as given
    but : those that something was said of before

    Raises
    ------
    InputError : all that are given change nothing, none of them said before.
    """
    x = imperfections or Imperfections()
    found = {name: needs for name, needs in chips_idle.idle(x, varied).items() if name not in but}
    about = {
        ", ".join(name for name in found if found[name] == needs): needs
        for needs in dict.fromkeys(found.values())
    }
    if found and not but and given(x) <= found.keys():
        each = [f"{names} would change nothing without {needs}" for names, needs in about.items()]
        raise InputError(f"--imperfections: {'; '.join(each)}; add it, or leave the file out")
    for names, needs in about.items():
        console.remark(f"--imperfections: {names} ignored: changes nothing without {needs}")
    return list(found)


def given(x: Imperfections | None) -> set[str]:
    """The names of the imperfections that are given."""
    return set() if x is None else {key.split(" ")[0] for key in x.to_dict()}


def without_subtractors(
    x: Imperfections | None,
    *mappings: Mapping | None,
    why: str = "",
    varied: Collection[str] = (),
    but: Collection[str] = (),
) -> list[str]:
    """The imperfections of subtractors where no mapping has any, with a line on stderr about them.

    mappings : which columns make an output; None is one reference column
    why : there are none, if not by a mapping that could be another
    varied : the fields that a sweep varies, of which it says itself what they change
    but : others that change nothing either

    Raises
    ------
    InputError : no other imperfections are given or varied.
    """
    own = given(x)
    names = [name for name in chips_idle.OF_SUBTRACTORS if name in own - set(varied)]
    if not names or not all((one or REFERENCE).apart for one in mappings):
        return []
    why = why or "signal and reference are digitised apart; --mapping pair subtracts before"
    beside = chips_idle.idle(x or Imperfections(), varied).keys()
    if not (own - {*names, *but} - beside) | set(varied):
        raise InputError(
            f"--imperfections: {', '.join(names)} would change nothing: {why}; leave it out"
        )
    console.remark(f"--imperfections: {', '.join(names)} ignored: {why}")
    return names


_OF_LINES = {
    "--wire-resistance": WIRES, "--source-resistance": ("r_source",),
    "--sense-resistance": ("r_sense",), "--drive": ("drive",), "--sense": ("sense",),
}  # fmt: skip


def overruled(wiring: Wiring, imperfections: Imperfections | None, varied: Collection[str]) -> list[str]:
    """The imperfections that a sweep gives in any case, with a line on stderr about them.

    wiring : the options of lines, None where they are not given
    varied : the attributes of lines and imperfections that the sweep gives values of

    Raises
    ------
    InputError : options of lines that the sweep gives in any case.
    """
    for option, lines in _OF_LINES.items():
        given = getattr(wiring, lines[0])
        if given is not None and set(lines) <= set(varied):
            raise InputError(f"{option} {given}: changes nothing where --vary sets it; leave it out")
    names = sorted(name for name in varied if getattr(imperfections, name, None))
    if names:
        console.remark(f"--imperfections: {', '.join(names)} ignored: --vary gives the values")
    return names


def idle_circuit(
    circuit: Circuitry | None, unused: Collection[str] = (), why: str = "", varied: Collection[str] = ()
) -> list[str]:
    """The settings of a circuit that change nothing here, with a line on stderr about them.

    unused : those that the command has no use for, and `why`
    """
    found = chips_idle.idle_in_circuit(circuit or circuitry.BARE, unused, varied)
    hot = [name for name in found if name in chips_idle.OF_HEAT]
    cold = [name for name in found if name not in hot]
    if cold:
        console.remark(f"--circuit: {', '.join(cold)} ignored: {why}")
    if hot:
        console.remark(f"--circuit: {', '.join(hot)} ignored: changes nothing without a temperature")
    return found


def idle_in_settled_reads(circuit: Circuitry | None, varied: Collection[str] = ()) -> list[str]:
    """`idle_circuit` of a command whose reads are settled, and take no time that it counts."""
    unused = (*chips_idle.OF_CHARGE, *chips_idle.OF_READS)
    return idle_circuit(
        circuit, unused, "reads here have settled, and nothing counts their time", varied
    )


def idle_in_sweep(circuit: Circuitry | None, varied: Collection[str], *, checked: bool) -> list[str]:
    """`idle_circuit` of a sweep; a simulator that checks some points knows of all."""
    if checked:
        return idle_circuit(circuit, varied=varied)
    return idle_in_settled_reads(circuit, varied)


TileOption = Annotated[
    str,
    typer.Option(
        metavar="ROWSxCOLUMNS",
        help="Weights on one array, word lines x bit lines; larger layers are split.",
    ),
]
CompensationName = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="nothing, permuted, predistorted, placed, calibrated, or several joined by +; placed@1.1"
        " reckons with wires of 1.1 times their resistance, calibrated:64 reads the 64 largest inputs in"
        " place of 8 patterns of noise.",
    ),
]
CurrentScale = Annotated[
    float | None,
    typer.Option(
        min=1e-9,
        metavar="FACTOR",
        help="Multiplies the currents of the set; default: 1 with --device, else the design point's "
        f"{CURRENT_SCALE:g}.",
    ),
]
DeviceName = Annotated[
    str | None,
    typer.Option(
        "--device",
        metavar="DEVICE",
        help="Parameter set, a name or a TOML file, at its own currents; default: the design point, "
        f"zhang2021 at {CURRENT_SCALE:g} of its currents.",
    ),
]
OtherDevice = Annotated[
    str | None,
    typer.Option(
        "--device",
        metavar="DEVICE",
        help="Parameter set, a name or a TOML file; default: the cells the layer was made for.",
    ),
]
