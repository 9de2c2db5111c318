"""Every law's text for simulators says what its array functions do, to the last digits."""

import math
import re

import pytest
from law_devices import DEVICES

from roa_circuit.device.compact_model import inlined, limited, ngspice_library
from roa_circuit.device.verilog_a import verilog_a


def evaluated(text, names):
    """An expression with `c ? a : b`, read by Python."""
    while "?" in text:
        start = text.rfind("(", 0, opening(text, text.index("?")) + 1)
        end = closing(text, start)
        condition, rest = text[start + 1 : end].split("?", 1)
        place = next(k for k, letter in enumerate(rest) if letter == ":" and depth(rest[:k]) == 0)
        choice = f"choose({condition}, {rest[:place]}, {rest[place + 1 :]})"
        text = text[:start] + choice + text[end + 1 :]
    functions = {n: getattr(math, n) for n in ("exp", "sinh", "cosh", "tanh", "sqrt", "pow")}
    functions |= {"ln": math.log, "min": min, "max": max, "abs": abs, "square": lambda x: x * x}
    functions["choose"] = lambda condition, yes, no: yes if condition else no
    return eval(text, functions, names)


def depth(text):
    return text.count("(") - text.count(")")


def opening(text, mark):
    """Where the parenthesis opens that `mark` stands in."""
    return next(k for k in range(mark, -1, -1) if text[k] == "(" and depth(text[k:mark]) == 1)


def closing(text, start):
    return next(k for k in range(start, len(text)) if text[k] == ")" and depth(text[start : k + 1]) == 0)


@pytest.mark.long
@pytest.mark.parametrize("name", DEVICES)
@pytest.mark.parametrize("v", [-1.05, -0.31, -0.05, 0.05, 0.32, 1.1])
@pytest.mark.parametrize("omega", [0.13, 0.5, 0.88])
def test_the_text_is_the_law(name, v, omega):
    law = DEVICES[name].memristor
    text = law.text()
    names = {**law.constants, **text.parameters, "largest": 80.0, "v": v, "w0": omega, "omega": omega}
    names[text.state] = evaluated(text.start, names)
    assert evaluated(text.omega, names) == pytest.approx(omega, rel=1e-12)
    moved = evaluated(inlined(text.motion, {n: limited(t) for n, t in text.terms.items()}), names)
    h = 1e-6 * abs(names[text.state])
    sides = [evaluated(text.omega, names | {text.state: names[text.state] + s * h}) for s in (1, -1)]
    stretch = 1.0 if text.state == "omega" else (sides[0] - sides[1]) / (2 * h)
    tolerance = 1e-12 if text.state == "omega" else 1e-8  # the stretch is a difference
    tolerance = 1e-6 if name == "table" else tolerance  # whose coordinate is tabulated
    assert moved * stretch == pytest.approx(float(law.state_derivative(omega, v)), rel=tolerance)
    current = evaluated(inlined(text.current, text.branches), names)
    assert current == pytest.approx(float(law.current(omega, v)), rel=1e-12)


@pytest.mark.parametrize("v", [-1.05, -0.97, 1.03, 1.1])
def test_the_text_of_a_table_chooses_the_amplitudes_on_either_side(v):
    test_the_text_is_the_law("table", v, 0.5)


@pytest.mark.long
@pytest.mark.parametrize("name", DEVICES)
@pytest.mark.parametrize("write", [ngspice_library, verilog_a])
def test_every_name_of_the_text_is_declared(name, write):
    text = "\n".join(line for line in write(DEVICES[name]).splitlines() if line[:1] != "*")
    text = re.sub(r"//.*|\(\*.*?\*\)|;.*", "", text)
    for constant in DEVICES[name].memristor.constants:
        declared = (
            rf"\.param {constant}=" if write is ngspice_library else rf"parameter real {constant} ="
        )
        assert re.search(declared, text)
