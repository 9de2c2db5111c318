"""A circuit in ngspice's language; plain `ngspice -b` runs it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

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
from netlists.decks.dialect import MODULE
from netlists.decks.probes import ENERGY, cell_of, measured, quantities
from netlists.decks.stimuli import Points
from roa_circuit.circuit.components import NOMINAL_TEMPERATURE, Transistor
from roa_circuit.device.compact_model import (
    DYNAMIC_SUBCIRCUIT,
    GIVEN_SUBCIRCUIT,
    STATIC_SUBCIRCUIT,
    comment,
    given_subcircuit,
    ngspice_library,
)
from roa_circuit.device.verilog_a import verilog_a

_ACCESS_MODEL = ".model access sw vt=0.5 vh=0 ron=1m roff=1e15"

_OPTIONS = {
    # Breakpoints set most of the steps; a state lands within 5e-5 of a far tighter run.
    Task.write: "reltol=1e-6 trtol=1 abstol=1e-15 vntol=1e-9 noacct",
    # `interp` keeps one row of currents a read, at its sample. Newton's last step is far below vntol.
    Task.read: "reltol=1e-7 abstol=1e-18 vntol=1e-12 interp noacct",
    Task.sweep: "reltol=1e-9 abstol=1e-18 vntol=1e-12 itl1=500 itl2=500 noacct",
    # What is bounded is Newton's last step; the error left is some square of it, below 1e-9 V.
    Task.points: "reltol=2e-5 abstol=1e-13 vntol=2e-6 itl1=500 itl2=500 noacct",
}

# Where nodes store charge trapezoids ring, and 1e-14 C, ngspice's own limit, is more than lines hold.
_CHARGED = {
    Task.write: "reltol=1e-6 trtol=1 abstol=1e-15 vntol=1e-9 method=gear chgtol=1e-16 noacct",
    Task.read: "reltol=1e-6 abstol=1e-18 vntol=1e-12 method=gear chgtol=1e-16 interp noacct",
    Task.sweep: _OPTIONS[Task.sweep],
    Task.points: _OPTIONS[Task.points],
}

# Simulators lay 1e-12 S across junctions: of a broken line, a ten thousandth of what it carries.
_JUNCTIONS = " gmin=1e-18"
# A broken line whose transistors are off has nothing to hold it in the first time step.
_FLOATING = " cshunt=1e-17"


def ngspice_text(circuit: Circuit) -> str:
    """The circuit as a deck."""
    remarks = list(circuit.remarks)
    if circuit.task is Task.read:
        sensed = "outputs of the amplifiers [V]" if circuit.outputs else "sensed currents [A]"
        remarks.append(f"Columns of the printed table are the {sensed}; a row is a read.")
    lines = [
        *map(comment, remarks),
        *(_compiled(circuit) if circuit.dialect.osdi else (_library(circuit),)),
        *((given_subcircuit(circuit.device),) if circuit.task is Task.points else ()),
        *_sources(circuit),
        *(_access_model(circuit.circuitry.transistor) if circuit.gates else ()),
        *(line for element in circuit.elements for line in _element(element, circuit)),
        *(() if circuit.dialect.klu else _cuts(circuit)),
        *(_energy(circuit) if circuit.task is Task.write else ()),
        *_analysis(circuit),
        ".end\n",
    ]
    return "\n".join(lines)


def compiled_text(circuit: Circuit) -> str:
    """The Verilog-A of the cells of a deck that loads them compiled."""
    source = circuit.cell_source
    return source.text if source else verilog_a(circuit.device, module=MODULE)


def _compiled(circuit: Circuit) -> Iterator[str]:
    yield comment(f"{MODULE}.osdi is {MODULE}.va, compiled by openvaf-r")
    yield from (".control", f"pre_osdi {MODULE}.osdi", ".endc")
    yield f".model cell {circuit.cell_source.module if circuit.cell_source else MODULE}"


def _library(circuit: Circuit) -> str:
    """The cells; a law that no simulator can move has a frozen one for reads all the same."""
    moving = not circuit.task.is_static or circuit.device.memristor.in_simulators is None
    return ngspice_library(circuit.device, moving=moving)


def ngspice_vector(expression: str, circuit: Circuit) -> str:
    """The vector of an expression, as ngspice calls it in lower case: 'vsense0#branch'."""
    name = _saved(expression, circuit).lower()
    if name.startswith("@"):
        return name
    return f"{name[2:-1]}#branch" if name.startswith("i(") else name[2:-1]


def _saved(expression: str, circuit: Circuit) -> str:
    cell = cell_of(expression)
    if cell and circuit.dialect.osdi:
        return f"@n{cell}[omega]"
    # Where all lines go by the number of the point, their sources are behavioural.
    return expression.replace("i(V", "i(B") if circuit.task is Task.points else expression


def _sources(circuit: Circuit) -> Iterator[str]:
    if circuit.task.is_static:
        yield "Vread read 0 0"
        yield from map(_lookup, circuit.words)
    else:
        yield from map(_driven, circuit.words)
    by_number = circuit.task is Task.points
    yield from map(_lookup if by_number else _driven, circuit.senses)
    yield from map(_driven, circuit.offsets)
    yield from map(_lookup if by_number else _driven, circuit.gates)


def _driven(source: Source) -> str:
    head, points = f"V{source.name} {source.node} 0", source.points
    if len(points) < 2:
        return f"{head} {exact(points[0][1])}"
    pairs = [f"{number(time)} {exact(value)}" for time, value in points]
    return "\n".join(folded(f"{head} PWL(", [*pairs, ")"]))


def _lookup(source: Source) -> str:
    """A source that follows the read number; braces keep all digits, literals would lose them."""
    return _by_number(source.name, source.node, source.points)


def _by_number(name: str, node: str, points: Points) -> str:
    head = f"B{name} {node} 0"
    if len(points) == 1:
        return f"{head} V={{{exact(points[0][1])}}}"
    pairs = [f",{read},{{{exact(value)}}}" for read, value in _corners(points)]
    return "\n".join(folded(f"{head} V=pwl(V(read)", [*pairs, ")"]))


def _corners(points: Points) -> Points:
    """The points without those amid equal ones."""
    before, after = [None, *points[:-1]], [*points[1:], None]
    return [
        one
        for last, one, following in zip(before, points, after, strict=True)
        if last is None or following is None or not last[1] == one[1] == following[1]
    ]


def _access_model(transistor: Transistor | None) -> Iterator[str]:
    if transistor is None:
        yield _ACCESS_MODEL
    else:
        yield f".model access nmos level=1 {level_1(transistor)}"


def _element(element: Element, circuit: Circuit) -> Iterator[str]:
    if isinstance(element, Access):
        yield _access(element, circuit.circuitry.transistor)
        return
    if isinstance(element, Resistor):
        yield f"R{element.name} {' '.join(element.ends)} {number(element.ohms)}"
        return
    if isinstance(element, Capacitor):
        yield f"C{element.name} {' '.join(element.ends)} {number(element.farads)}"
        return
    if isinstance(element, Controlled):
        control = (f"V{name}" if element.kind is Kind.ccvs else name for name in element.control)
        nodes = " ".join((*element.ends, *control))
        yield f"{element.kind}{element.name} {nodes} {number(element.gain)}"
        return
    if circuit.dialect.osdi:
        parameters = [f"{name}={exact(value)}" for name, value in element.parameters.items()]
        yield from folded(f"N{element.name} {element.te} {element.be} cell", parameters)
        return
    frozen = circuit.task.is_static
    subcircuit = STATIC_SUBCIRCUIT if frozen else DYNAMIC_SUBCIRCUIT
    pins, left_out = f"{element.te} {element.be}", circuit.device.memristor.moving if frozen else ()
    if element.states:
        node, subcircuit, left_out = f"omega_{element.name}", GIVEN_SUBCIRCUIT, (*left_out, "w0")
        pins += f" {node}"
        yield _by_number(node, node, element.states)
    parameters = [f"{k}={exact(v)}" for k, v in element.parameters.items() if k not in left_out]
    yield from folded(f"X{element.name} {pins} {subcircuit}", parameters)


def _access(element: Access, transistor: Transistor | None) -> str:
    word, te = element.ends
    if transistor is None:
        return f"S{element.name} {word} {te} {element.gate} 0 access"
    size = f"w={number(transistor.width_over_length * 1e-6)} l=1e-06"
    return f"M{element.name} {word} {element.gate} {te} bulk access {size}"


def _options(circuit: Circuit) -> str:
    options = (_CHARGED if circuit.stores_charge else _OPTIONS)[circuit.task]
    if circuit.dialect.klu:
        options += " klu"
    if circuit.dialect.osdi and not circuit.stores_charge:
        options += " chgtol=1"  # compiled cells store how far they moved, and near 0 steps would be tiny
    if circuit.circuitry.transistor:
        options += _FLOATING if circuit.task is Task.write and circuit.floating else ""
        options += "" if circuit.task is Task.write else _JUNCTIONS
    celsius = circuit.circuitry.temperature - (NOMINAL_TEMPERATURE - 27.0)
    return options + (f" temp={number(celsius)}" if celsius != 27.0 else "")


def _cuts(circuit: Circuit) -> Iterator[str]:
    """Sources without gain between the nodes of each cut, which Sparse 1.3 then eliminates last."""
    pairs = (pair for cut in circuit.cuts for pair in combinations(cut, 2))
    for count, (a, b) in enumerate(pairs):
        yield f"Gcut{count} {a} {b} {a} {b} 0"


def _energy(circuit: Circuit) -> Iterator[str]:
    """Sum up what each source delivers; the charge is so small that no time step heeds it.

    The capacitor is not: ngspice 46 lays 1e-15 S across each.
    """
    yield f"Cenergy {ENERGY} 0 1e-12 IC=0"
    for source in (*circuit.words, *circuit.senses):
        power = f"V({source.node})*I(V{source.name})"
        yield f"Benergy_{source.name} {ENERGY} 0 I=1e-09*{power}"


def _analysis(circuit: Circuit) -> Iterator[str]:
    wanted = [_saved(expression, circuit) for expression in measured(circuit)]
    kept = [*wanted, f"v({ENERGY})"] if circuit.task is Task.write else wanted
    end, longest = number(circuit.duration), number(circuit.longest_step)
    kept_from = circuit.kept_from
    if circuit.recorded:
        recorded = (e for q in quantities(circuit) for e in q.expressions)
        kept += [_saved(expression, circuit) for expression in recorded]
        kept, kept_from = list(dict.fromkeys(kept)), 0.0
    yield from folded(".save", dict.fromkeys(kept))
    yield f".options {_options(circuit)}"
    if circuit.task is Task.write:
        # The longest step also sets how close breakpoints may lie: 5e-5 of it.
        yield f".tran {longest} {end} {number(kept_from)} {longest} uic"
        at = number(circuit.samples[0])
        for cell, state in zip(circuit.cells, wanted, strict=True):
            yield f".meas tran omega_{cell.name} FIND {state} AT={at}"
        yield f".meas tran millijoules FIND v({ENERGY}) AT={at}"
    elif circuit.task is Task.read:
        yield f".tran {number(circuit.samples[0])} {end} 0 {longest} uic"
        yield from _print("tran", wanted)
    else:
        yield f".dc Vread 0 {circuit.points - 1} 1"
        yield from _print("dc", wanted if circuit.task is Task.sweep else wanted[:2])


def _print(analysis: str, currents: Sequence[str]) -> Iterator[str]:
    """What plain `ngspice -b` prints, to twelve digits."""
    yield from folded(f".print {analysis}", currents)
    yield from (".control", "set numdgt=12", ".endc")
