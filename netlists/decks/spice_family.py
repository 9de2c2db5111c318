"""A circuit in the languages of LTspice, Xyce and HSPICE, which share SPICE's cards and little more.

The cell is that of `memristor.lib` (`roa_circuit.device.compact_model`), its behavioural sources written
as each language has them. None of the three was at hand: golden decks and the rules of the manuals are
what these texts were checked against.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from netlists.decks._text import exact, folded, level_1, number
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
from netlists.decks.probes import ENERGY, cell_of, measured
from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.components import NOMINAL_TEMPERATURE
from roa_circuit.device.compact_model import DYNAMIC_SUBCIRCUIT, comment, ngspice_library

_FUNCTIONS = frozenset(("abs", "cosh", "exp", "ln", "max", "min", "pow", "sinh", "sqrt", "tanh"))


@dataclass(frozen=True, kw_only=True)
class Spelling:
    """How one language spells what SPICE left open.

    parameters : between the pins of a subcircuit and its parameters
    current, voltage : a behavioural source of a card's name, nodes and expression
    conditional : 'if(c, a, b)' or 'c ? a : b' of three texts
    within : between a subcircuit's instance and a node within it
    switch : model of an ideal access device
    options : of a write and of a read
    transient : card of step, end, start, longest step
    output : cards that say what is kept
    functions : those of laws' formulas that mean the same in the language
    """

    parameters: str
    current: Callable[[str, str, str], str]
    voltage: Callable[[str, str, str], str]
    conditional: Callable[[str, str, str], str]
    within: str
    switch: str
    options: Callable[[Task], list[str]]
    transient: Callable[[str, str, str, str], str]
    output: Callable[[list[str]], Iterator[str]]
    celsius: str = ".temp {}"
    functions: frozenset[str] = _FUNCTIONS


def _braced(kind: str) -> Callable[[str, str, str], str]:
    """A B source of an expression in braces, in which parameters have none of their own."""
    return lambda name, nodes, text: f"B{name} {nodes} {kind}={{{_bare(text)}}}"


def _if(condition: str, yes: str, no: str) -> str:
    return f"if({condition},{yes},{no})"


LTSPICE = Spelling(
    parameters="params: ",
    current=lambda name, nodes, text: f"B{name} {nodes} I={text}",
    voltage=lambda name, nodes, text: f"B{name} {nodes} V={text}",
    conditional=_if,
    within=":",
    switch=".model access SW(Ron=1m Roff=1e15 Vt=0.5 Vh=0)",
    options=lambda task: [
        f".options reltol={'1e-6' if task is Task.write else '1e-7'} abstol=1e-15 vntol=1e-9 trtol=1"
        " plotwinsize=0 numdgt=15"
    ],
    transient=lambda step, end, start, longest: f".tran 0 {end} {start} {longest} uic",
    output=lambda probes: folded(".save", probes),
)
XYCE = Spelling(
    parameters="PARAMS: ",
    current=_braced("I"),
    voltage=_braced("V"),
    conditional=lambda c, a, b: f"IF({c},{a},{b})",
    within=":",
    switch=".model access VSWITCH(RON=1m ROFF=1e15 VON=0.51 VOFF=0.49)",
    options=lambda task: [
        f".options TIMEINT METHOD=GEAR RELTOL={'1e-6' if task is Task.write else '1e-7'} ABSTOL=1e-9",
        ".options NONLIN-TRAN RELTOL=1e-6 ABSTOL=1e-12",
    ],
    transient=lambda step, end, start, longest: f".tran {step} {end} {start} {longest} UIC",
    output=lambda probes: folded(".print TRAN FORMAT=CSV PRECISION=15", probes),
    celsius=".options DEVICE TEMP={}",
)
HSPICE = Spelling(
    parameters="",
    current=lambda name, nodes, text: f"G{name} {nodes} CUR='{_bare(text)}'",
    voltage=lambda name, nodes, text: f"E{name} {nodes} VOL='{_bare(text)}'",
    conditional=lambda c, a, b: f"({c} ? {a} : {b})",
    within=".",
    switch="",
    options=lambda task: [".option RUNLVL=6 ACCURATE METHOD=GEAR ABSVAR=0.01 INGOLD=2 NUMDGT=10 POST=1"],
    transient=lambda step, end, start, longest: (
        f".option DELMAX={longest}\n.tran {step} {end} START={start} UIC"
    ),
    output=lambda probes: folded(".probe TRAN", probes),
    functions=_FUNCTIONS - {"ln", "pow"},  # its pow cuts exponents to whole numbers, and ln is log
)


def spice_text(circuit: Circuit, spelling: Spelling) -> str:
    """The circuit as a deck of a transient in one of the family's languages."""
    if circuit.task not in {Task.write, Task.read}:
        raise InputError("other languages than ngspice's and VACASK's have decks of transients alone")
    if circuit.circuitry.transistor is None and circuit.gates and not spelling.switch:
        raise InputError(
            "HSPICE has no ideal switch for select scheme 'ideal': use transistors ([transistor] of"
            " --circuit), or scheme V/2 or V/3"
        )
    title, *remarks = circuit.remarks
    lines = [
        comment(title),
        *map(comment, remarks),
        *_cell(circuit, spelling),
        *(_source(source) for group in _sources(circuit) for source in group),
        *_access_model(circuit, spelling),
        *(line for element in circuit.elements for line in _element(element, circuit)),
        *_energy(circuit, spelling),
        *_analysis(circuit, spelling),
        ".end\n",
    ]
    return "\n".join(lines)


def rewritten(expression: str, conditional: Callable[[str, str, str], str]) -> str:
    """An expression of ngspice's with `**` for powers and the language's own conditional."""
    text = expression.replace("^", "**")
    while (found := _ternary(text)) is not None:
        begin, question, colon, end = found
        parts = text[begin + 1 : question], text[question + 1 : colon], text[colon + 1 : end]
        told = conditional(*(part.strip() for part in parts))
        if told.startswith("("):
            return text[:begin] + told + rewritten(text[end + 1 :], conditional)
        text = text[:begin] + told + text[end + 1 :]
    return text


def _ternary(text: str) -> tuple[int, int, int, int] | None:
    """Where '(', '?', ':' and ')' of the first conditional in brackets stand."""
    question = text.find("?")
    if question < 0:
        return None
    depth, begin = 0, question
    while depth >= 0:
        begin -= 1
        depth += {")": 1, "(": -1}.get(text[begin], 0)
    depth, colon, end = 0, -1, question
    while depth >= 0:
        end += 1
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        colon = end if text[end] == ":" and depth == 0 and colon < 0 else colon
    return begin, question, colon, end


def _bare(text: str) -> str:
    """An expression whose parameters stand without braces."""
    return text.replace("{", "").replace("}", "")


def _cell(circuit: Circuit, spelling: Spelling) -> Iterator[str]:
    """The moving cell of ngspice's library, card by card."""
    text = ngspice_library(circuit.device)
    _require_words(text, circuit.device.memristor.name, spelling)
    head, _, rest = text.partition(f".subckt {DYNAMIC_SUBCIRCUIT} ")
    body, _, _ = rest.partition(f".ends {DYNAMIC_SUBCIRCUIT}")
    yield from (line for line in head.splitlines() if "Parameters:" in line)
    pins, *cards = body.strip().splitlines()
    yield f".subckt {DYNAMIC_SUBCIRCUIT} {pins.replace('PARAMS: ', spelling.parameters)}"
    for card in cards:
        plain = re.sub(r"\s*;.*", "", card)
        source = re.fullmatch(r"B(\w+) (\w+ \w+) ([IV])=(.*)", plain)
        if source:
            write = spelling.current if source[3] == "I" else spelling.voltage
            yield write(source[1], source[2], rewritten(source[4], spelling.conditional))
        elif plain.startswith(".ic "):
            continue  # each capacitor has its own, which `uic` takes
        elif spelling is HSPICE:
            yield plain.replace("{", "'").replace("}", "'")
        else:
            yield plain
    yield f".ends {DYNAMIC_SUBCIRCUIT}"


def _require_words(text: str, law: str, spelling: Spelling) -> None:
    """Raise InputError where the cell needs a function that the language lacks."""
    cards = "".join(line for line in text.splitlines() if not line.startswith("*"))
    missing = set(re.findall(r"\b([a-z]\w*)\(", cards)) - spelling.functions - {"v"}
    if missing:
        raise InputError(
            f"law {law!r} needs {', '.join(sorted(missing))}, which this language lacks or means"
            " otherwise: take --language ltspice, xyce or spectre"
        )


def _sources(circuit: Circuit) -> tuple[tuple[Source, ...], ...]:
    return circuit.words, circuit.senses, circuit.offsets, circuit.gates


def _source(source: Source) -> str:
    head, points = f"V{source.name} {source.node} 0", source.points
    if len(points) < 2:
        return f"{head} {exact(points[0][1])}"
    pairs = [f"{number(time)} {exact(value)}" for time, value in points]
    return "\n".join(folded(f"{head} PWL(", [*pairs, ")"]))


def _access_model(circuit: Circuit, spelling: Spelling) -> Iterator[str]:
    transistor = circuit.circuitry.transistor
    if not circuit.gates:
        return
    if transistor is None:
        yield spelling.switch
    else:
        yield f".model access nmos(level=1 {level_1(transistor)})"


def _element(element: Element, circuit: Circuit) -> Iterator[str]:
    if isinstance(element, Resistor):
        yield f"R{element.name} {' '.join(element.ends)} {number(element.ohms)}"
    elif isinstance(element, Capacitor):
        yield f"C{element.name} {' '.join(element.ends)} {number(element.farads)}"
    elif isinstance(element, Controlled):
        control = (f"V{name}" if element.kind is Kind.ccvs else name for name in element.control)
        nodes = " ".join((*element.ends, *control))
        yield f"{element.kind}{element.name} {nodes} {number(element.gain)}"
    elif isinstance(element, Access):
        yield _access(element, circuit)
    else:
        yield from _instance(element)


def _access(element: Access, circuit: Circuit) -> str:
    word, te = element.ends
    transistor = circuit.circuitry.transistor
    if transistor is None:
        return f"S{element.name} {word} {te} {element.gate} 0 access"
    size = f"w={number(transistor.width_over_length * 1e-6)} l=1e-06"
    return f"M{element.name} {word} {element.gate} {te} bulk access {size}"


def _instance(cell: Cell) -> Iterator[str]:
    parameters = [f"{name}={exact(value)}" for name, value in cell.parameters.items()]
    yield from folded(f"X{cell.name} {cell.te} {cell.be} {DYNAMIC_SUBCIRCUIT}", parameters)


def _energy(circuit: Circuit, spelling: Spelling) -> Iterator[str]:
    """As ngspice's deck sums up what the sources deliver: 1 V of the node is 1 mJ."""
    if circuit.task is not Task.write:
        return
    yield f"Cenergy {ENERGY} 0 1e-12 IC=0"
    for source in (*circuit.words, *circuit.senses):
        power = f"1e-09*V({source.node})*I(V{source.name})"
        yield spelling.current(f"energy_{source.name}", f"{ENERGY} 0", power)


def _analysis(circuit: Circuit, spelling: Spelling) -> Iterator[str]:
    probes = [_probe(expression, spelling) for expression in measured(circuit)]
    kept = [*probes, f"V({ENERGY})"] if circuit.task is Task.write else probes
    yield from spelling.options(circuit.task)
    celsius = circuit.circuitry.temperature - (NOMINAL_TEMPERATURE - 27.0)
    if celsius != 27.0:
        yield spelling.celsius.format(number(celsius))
    longest = number(circuit.longest_step)
    yield spelling.transient(longest, number(circuit.duration), "0", longest)
    yield from spelling.output(kept)
    names = [f"omega_{cell.name}" for cell in circuit.cells]
    if circuit.task is Task.write:
        at = number(circuit.samples[0])
        for name, probe in zip((*names, "millijoules"), kept, strict=True):
            yield f".meas TRAN {name} FIND {probe} AT={at}"
        return
    for column, probe in enumerate(probes):
        for read, instant in enumerate(circuit.samples):
            yield f".meas TRAN read{read}_column{column} FIND {probe} AT={number(instant)}"


def _probe(expression: str, spelling: Spelling) -> str:
    cell = cell_of(expression)
    return f"V(X{cell}{spelling.within}omega)" if cell else expression[0].upper() + expression[1:]
