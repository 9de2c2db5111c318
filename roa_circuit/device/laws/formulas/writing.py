"""Formulas in simulators' operators."""

from __future__ import annotations

from roa_circuit.device.laws.formulas.grammar import Tree
from roa_circuit.device.laws.formulas.values import SMALLEST, whole_exponent


def simulator_text(tree: Tree) -> str:
    """The formula as `roa_circuit.device.laws.text.Text` takes it, clamps and guards included."""
    kind = tree[0]
    if kind == "number":
        return repr(tree[1])
    if kind == "name":
        return str(tree[1])
    if kind == "call":
        return _call(tree[1], tree[2])
    if kind == "if":
        a, b, yes, no = map(simulator_text, tree[1:])
        return f"({a} < {b} ? {yes} : {no})"
    if kind == "neg":
        return f"(-{simulator_text(tree[1])})"
    a, b = map(simulator_text, tree[1:])
    return f"({a} {kind} {b})"


def _call(name: str, arguments: tuple[Tree, ...]) -> str:
    first, *rest = map(simulator_text, arguments)
    if name == "pow":
        whole = whole_exponent(arguments[1])
        if whole is not None:
            return f"({'*'.join([first] * whole)})" if whole else "1.0"
        return f"pow(max({first}, {SMALLEST!r}), {rest[0]})"
    if name in ("log", "sqrt"):
        return f"{'ln' if name == 'log' else name}(max({first}, {SMALLEST!r}))"
    if name in ("exp", "sinh", "cosh"):
        return f"{name}(max(min({first}, largest), -largest))"
    return f"{name}({', '.join([first, *rest])})"
