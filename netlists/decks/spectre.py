"""A circuit in Spectre's language, its cells in Verilog-A from a file beside it.

Spectre was not at hand: golden decks and the rules of its manual are what the text was checked against.
"""

from __future__ import annotations

from collections.abc import Iterator

from netlists.decks._text import exact, folded, level_1, number
from netlists.decks.circuit import (
    Access,
    Capacitor,
    Circuit,
    Controlled,
    Element,
    Kind,
    Resistor,
    Source,
    Task,
)
from netlists.decks.probes import cell_of, measured
from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.components import NOMINAL_TEMPERATURE, Transistor
from roa_circuit.device.compact_model import comment
from roa_circuit.device.verilog_a import MODULE, STATE

_KINDS = {Kind.vcvs: ("vcvs", "gain"), Kind.vccs: ("vccs", "gm"), Kind.ccvs: ("ccvs", "rm")}
_RELTOL = {Task.write: "1e-6", Task.read: "1e-7"}


def spectre_text(circuit: Circuit) -> str:
    """The circuit as a netlist of a transient, which includes `memristor.va`."""
    if circuit.task not in _RELTOL:
        raise InputError("other languages than ngspice's and VACASK's have decks of transients alone")
    lines = [
        *(comment(remark, "//") for remark in circuit.remarks),
        "simulator lang=spectre",
        "global 0",
        f'ahdl_include "{MODULE}.va"',
        *_models(circuit),
        *(line for source in _sources(circuit) for line in _source(source)),
        *(_element(element, circuit.circuitry.transistor) for element in circuit.elements),
        *_analysis(circuit),
        "",
    ]
    return "\n".join(lines)


def _models(circuit: Circuit) -> Iterator[str]:
    if not circuit.gates:
        return
    transistor = circuit.circuitry.transistor
    if transistor is None:
        yield "model access relay vt1=0.49 vt2=0.51 ropen=1e15 rclosed=1e-3"
    else:
        yield f"model access mos1 type=n {level_1(transistor)}"


def _sources(circuit: Circuit) -> tuple[Source, ...]:
    return (*circuit.words, *circuit.senses, *circuit.offsets, *circuit.gates)


def _source(source: Source) -> Iterator[str]:
    head, points = f"V{source.name} ({source.node} 0) vsource", source.points
    if len(points) == 1:
        yield f"{head} type=dc dc={exact(points[0][1])}"
        return
    pairs = [f"{number(time)} {exact(value)}" for time, value in points]
    yield from folded(f"{head} type=pwl wave=[", [*pairs, "]"])


def _element(element: Element, transistor: Transistor | None) -> str:
    if isinstance(element, Resistor):
        return f"R{element.name} ({' '.join(element.ends)}) resistor r={number(element.ohms)}"
    if isinstance(element, Capacitor):
        return f"C{element.name} ({' '.join(element.ends)}) capacitor c={number(element.farads)}"
    if isinstance(element, Controlled):
        return _controlled(element)
    if isinstance(element, Access):
        return _access(element, transistor)
    parameters = " ".join(f"{name}={exact(value)}" for name, value in element.parameters.items())
    return f"X{element.name} ({element.te} {element.be}) {MODULE} {parameters}"


def _controlled(element: Controlled) -> str:
    kind, gain = _KINDS[element.kind]
    head, ends = f"{element.kind}{element.name}", " ".join(element.ends)
    if element.kind is Kind.ccvs:
        return f"{head} ({ends}) {kind} probe=V{element.control[0]} {gain}={number(element.gain)}"
    return f"{head} ({ends} {' '.join(element.control)}) {kind} {gain}={number(element.gain)}"


def _access(element: Access, transistor: Transistor | None) -> str:
    word, te = element.ends
    if transistor is None:
        return f"S{element.name} ({word} {te} {element.gate} 0) access"
    size = f"w={number(transistor.width_over_length * 1e-6)} l=1e-06"
    return f"M{element.name} ({word} {element.gate} {te} bulk) access {size}"


def _analysis(circuit: Circuit) -> Iterator[str]:
    celsius = circuit.circuitry.temperature - (NOMINAL_TEMPERATURE - 27.0)
    tolerances = f"reltol={_RELTOL[circuit.task]} vabstol=1e-9 iabstol=1e-15"
    yield f"tolerances options {tolerances} temp={number(celsius)} saveahdlvars=selected"
    times = f"stop={number(circuit.duration)} maxstep={number(circuit.longest_step)}"
    strobes = " ".join(number(one) for one in circuit.samples)
    yield from folded(
        f"transient tran {times} skipdc=yes errpreset=conservative strobetimes=[",
        [*strobes.split(), "]"],
    )
    yield from folded("save", [_saved(one) for one in measured(circuit)], mark="+")


def _saved(expression: str) -> str:
    """A state as the cell's own variable, a voltage as its node, a current as that of its source."""
    cell = cell_of(expression)
    if cell:
        return f"X{cell}:{STATE}"
    inner = expression[2:-1]
    return f"{inner}:p" if expression.startswith("i(") else inner
