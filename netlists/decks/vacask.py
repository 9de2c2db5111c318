"""A circuit in VACASK's language: one file that `vacask FILE` runs, the cell's Verilog-A within."""

from __future__ import annotations

from collections.abc import Iterator

from netlists.decks._text import exact, folded, level_1, number
from netlists.decks.channel import CHANNEL, VERILOG_A, channel_model
from netlists.decks.circuit import (
    Access,
    Capacitor,
    Cell,
    Circuit,
    Controlled,
    Element,
    Kind,
    Resistor,
    Source,
    Task,
)
from netlists.decks.probes import ENERGY, cell_of, delivering, measured, quantities
from netlists.decks.stimuli import Points
from netlists.simulation.vacask import ANALYSIS
from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.components import NOMINAL_TEMPERATURE
from roa_circuit.device.compact_model import comment
from roa_circuit.device.verilog_a import MODULE, STATE, verilog_a

# Newton's last step decides: the residual at a node of nOhm wires never falls below their rounding.
# Steps after a corner are not checked for their error, so a write takes twenty at least between two.
_OPTIONS = {
    Task.write: "reltol=1e-6 vntol=1e-9 abstol=1e-15 tran_minpts=0 tran_fbr=0.05",
    Task.read: "reltol=1e-6 vntol=1e-9 abstol=1e-18 tran_minpts=0",
    Task.sweep: "reltol=1e-9 vntol=1e-12 abstol=1e-18 op_itl=500 op_itlcont=500",
    Task.points: "reltol=1e-6 vntol=1e-9 abstol=1e-15 op_itl=500 op_itlcont=500",
}
# Simulators lay 1e-12 S across junctions: of a broken line, a ten thousandth of what it carries.
_JUNCTIONS = " gmin=1e-18"
_INDENT = "   "


def vacask_text(circuit: Circuit) -> str:
    """The circuit as a netlist."""
    title, *remarks = circuit.remarks
    source = circuit.cell_source
    lines = [
        title,
        *(comment(remark, "//") for remark in remarks),
        "",
        "ground 0",
        f'load "{MODULE}.va"',
        'load "resistor.osdi"',
        "model vsource vsource",
        "model resistor resistor",
        f"model {MODULE} {source.module if source else MODULE}",
        *_models(circuit),
        "",
        *_sources(circuit),
        *(line for one in circuit.elements for line in _element(one, circuit)),
        "",
        "control",
        *(f"  {line}" for line in _control(circuit)),
        "endc",
        "",
        *_embedded(f"{MODULE}.va", source.text if source else verilog_a(circuit.device)),
        *(_embedded(f"{CHANNEL}.va", VERILOG_A) if _has_channels(circuit) else ()),
    ]
    return "\n".join(lines)


def vacask_vector(expression: str, circuit: Circuit) -> str:
    """The vector of an expression, as VACASK calls it in lower case."""
    cell = cell_of(expression)
    if cell:
        return f"x{cell}.{STATE}"
    name = expression[2:-1].lower()
    return f"{name}:flow(br)" if expression.startswith("i(") else name


def _saved(expression: str) -> str:
    cell = cell_of(expression)
    return f"p(X{cell},{STATE})" if cell else expression


def _models(circuit: Circuit) -> Iterator[str]:
    """Of what stands beside cells, resistors and sources, if there is any of it."""
    if circuit.stores_charge:
        yield 'load "capacitor.osdi"'
        yield "model capacitor capacitor"
    transistor = circuit.circuitry.transistor
    if circuit.gates and transistor and _has_channels(circuit):
        yield f'load "{CHANNEL}.va"'
        yield f"model access {CHANNEL} ({channel_model(transistor, circuit.circuitry.temperature)})"
    elif circuit.gates and transistor:
        yield 'load "spice/mos1.osdi"'
        yield f"model access sp_mos1 (type=1 {level_1(transistor)})"
    kinds = {element.kind.name for element in circuit.elements if isinstance(element, Controlled)}
    yield from (f"model {kind} {kind}" for kind in sorted(kinds))


def _has_channels(circuit: Circuit) -> bool:
    """Whether its transistors are `netlists.decks.channel`'s in place of VACASK's own."""
    return circuit.task is Task.points and circuit.circuitry.transistor is not None


def _sources(circuit: Circuit) -> Iterator[str]:
    of_lines = (*circuit.words, *circuit.senses, *circuit.gates)
    by_number = {Task.sweep: circuit.words, Task.points: of_lines}.get(circuit.task, ())
    several = any(len(source.points) > 1 for source in by_number)
    for source in (*circuit.words, *circuit.senses, *circuit.offsets, *circuit.gates):
        constant = several and len(source.points) == 1  # as that of transistors' bulk
        yield from _by_number(source) if source in by_number and not constant else _in_time(source)


def _in_time(source: Source) -> Iterator[str]:
    head, points = f"V{source.name} ({source.node} 0) vsource", source.points
    if len(points) == 1:
        yield f"{head} dc={exact(points[0][1])}"
        return
    pairs = [f"{number(time)}, {exact(value)}" for time, value in points]
    yield from folded(f'{head} type="pwl" wave=[', _listed(pairs), mark=_INDENT)
    yield "]"


def _by_number(source: Source) -> Iterator[str]:
    """A source that looks its voltage up by the read."""
    head = f"V{source.name} ({source.node} 0) vsource dc=["
    yield from _looked_up(head, source.points)


def _looked_up(head: str, points: Points) -> Iterator[str]:
    yield from folded(head, _listed([exact(value) for _, value in points]), mark=_INDENT)
    yield "][read]"


def _listed(items: list[str]) -> list[str]:
    return [f"{item}," for item in items[:-1]] + items[-1:]


def _element(element: Element, circuit: Circuit) -> Iterator[str]:
    if isinstance(element, Access):
        yield _access(element, circuit)
    elif isinstance(element, Resistor):
        yield f"R{element.name} ({' '.join(element.ends)}) resistor r={number(element.ohms)}"
    elif isinstance(element, Capacitor):
        yield f"C{element.name} ({' '.join(element.ends)}) capacitor c={number(element.farads)}"
    elif isinstance(element, Controlled):
        yield _controlled(element)
    else:
        yield from _cell(element)


def _cell(cell: Cell) -> Iterator[str]:
    head = f"X{cell.name} ({cell.te} {cell.be}) {MODULE}"
    own = {k: exact(v) for k, v in cell.parameters.items() if not (cell.states and k == "w0")}
    parameters = "".join(f" {name}={value}" for name, value in own.items())
    if cell.states:
        yield from _looked_up(f"{head}{parameters} w0=[", cell.states)
    else:
        yield head + parameters


def _access(element: Access, circuit: Circuit) -> str:
    transistor = circuit.circuitry.transistor
    if transistor is None:
        raise InputError(
            "a write with select scheme 'ideal' has no deck for VACASK: use ngspice, or transistors"
        )
    word, te = element.ends
    if _has_channels(circuit):
        return f"M{element.name} ({word} {element.gate} {te}) access"
    size = f"w={number(transistor.width_over_length * 1e-6)} l=1e-06"
    return f"M{element.name} ({word} {element.gate} {te} bulk) access {size}"


def _controlled(element: Controlled) -> str:
    head, ends = f"{element.kind}{element.name}", " ".join(element.ends)
    if element.kind is Kind.ccvs:
        return f'{head} ({ends}) ccvs ctlinst="V{element.control[0]}" gain={number(element.gain)}'
    nodes = f"({ends} {' '.join(element.control)})"
    return f"{head} {nodes} {element.kind.name} gain={number(element.gain)}"


def _control(circuit: Circuit) -> Iterator[str]:
    yield "abort always"
    if circuit.task.is_static:
        yield "var read=0"
    celsius = circuit.circuitry.temperature - (NOMINAL_TEMPERATURE - 27.0)
    temperature = f" temp={number(celsius)}" if celsius != 27.0 else ""
    method = ' tran_method="gear2"' if circuit.stores_charge else ""
    gated = circuit.circuitry.transistor is not None and circuit.task is not Task.write
    junctions = _JUNCTIONS if gated else ""
    yield f"options nr_residualcheck=0 {_OPTIONS[circuit.task]}{method}{temperature}{junctions}"
    kept = list(measured(circuit))
    if circuit.recorded:
        kept += [e for quantity in quantities(circuit) for e in quantity.expressions]
        kept += [e for pair in delivering(circuit) for e in pair]
    saved = dict.fromkeys(_saved(e) for e in kept if e != f"v({ENERGY})")
    yield from folded("save (", [*saved, ")"], mark=_INDENT)
    if circuit.task.is_static:
        numbers = map(str, range(circuit.points))
        yield from folded('sweep read variable="read" values=[', _listed([*numbers]), mark=_INDENT)
        yield "]"
        yield f"  analysis {ANALYSIS} op"
        return
    # What is kept bounds the step too (VACASK 0.3.4), so a write keeps more than its last gap.
    step = circuit.longest_step
    brief = circuit.task is Task.write and not circuit.recorded
    start = max(circuit.duration - step, 0.0) if brief else 0.0
    times = f"step={number(step)} start={number(start)} stop={number(circuit.duration)}"
    # Offsets drive current at time zero, and from there no operating point behind transistors is found.
    offsets = any(source.points[0][1] for source in (*circuit.senses, *circuit.offsets))
    yield f"analysis {ANALYSIS} tran {times}" + (' icmode="uic"' if offsets else "")


def _embedded(name: str, text: str) -> Iterator[str]:
    """A file within the netlist; its mark is one that the text does not have."""
    mark = "FILE"
    while mark in text:
        mark += "E"
    yield f'embed "{name}" <<<{mark}'
    yield text.rstrip("\n")
    yield f">>>{mark}\n"
