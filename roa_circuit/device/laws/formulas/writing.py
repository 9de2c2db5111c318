"""Formulas written in other languages: simulators' operators, LaTeX, MathML."""

from __future__ import annotations

from typing import Any

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


def latex(tree: Tree) -> str:
    """The formula in LaTeX."""
    import sympy

    return str(sympy.latex(_symbolic(tree)))


def mathml(tree: Tree) -> str:
    """The formula in presentation MathML."""
    import sympy

    return str(sympy.mathml(_symbolic(tree), printer="presentation"))


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


def _symbolic(tree: Tree) -> Any:
    """The formula for sympy, whose numbers are symbols: nothing is computed, whatever the text says."""
    import sympy

    with sympy.evaluate(False):
        return _expression(tree, sympy)


def _expression(tree: Tree, sympy: Any) -> Any:  # noqa: PLR0911
    kind = tree[0]
    if kind == "number":
        return sympy.Symbol(f"{tree[1]:g}")
    if kind == "name":
        return sympy.Symbol(tree[1])
    if kind == "call":
        arguments = [_expression(one, sympy) for one in tree[2]]
        if tree[1] == "pow":
            return sympy.Pow(*arguments)
        named = {"abs": "Abs", "min": "Min", "max": "Max"}.get(tree[1], tree[1])
        return sympy.Function(named)(*arguments)
    if kind == "if":
        a, b, yes, no = (_expression(one, sympy) for one in tree[1:])
        return sympy.Piecewise((yes, sympy.StrictLessThan(a, b)), (no, True))
    if kind == "neg":
        return sympy.Mul(sympy.Symbol("-1"), _expression(tree[1], sympy))
    a, b = (_expression(one, sympy) for one in tree[1:])
    if kind == "+":
        return sympy.Add(a, b)
    if kind == "-":
        return sympy.Add(a, sympy.Mul(sympy.Integer(-1), b))
    return sympy.Mul(a, b) if kind == "*" else sympy.Mul(a, sympy.Pow(b, sympy.Integer(-1)))
