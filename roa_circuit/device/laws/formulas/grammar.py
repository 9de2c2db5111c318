"""The grammar of formulas: what the text of a law file may say. Nothing of it is ever run as code.

    sum, difference, product, quotient, power **, signs, parentheses, decimal numbers,
    names of the voltage, the state, constants and definitions,
    exp log sqrt sinh cosh tanh abs (one argument), min max pow (two),
    A if B < C else D, with one of < <= > >=

A formula becomes a tree of tuples: ("number", x), ("name", n), ("call", f, arguments),
("if", a, b, yes, no) for yes where a < b, and (operator, a, b) or ("neg", a).
"""

from __future__ import annotations

import ast
import functools
import math
import re
from collections.abc import Iterator
from typing import Any

from roa_circuit.basics.errors import InputError, nearest

Tree = tuple[Any, ...]

LONGEST = 1000
"""Characters of a formula, at most."""
_MOST_PARTS, _DEEPEST = 400, 40
FUNCTIONS = dict.fromkeys(("exp", "log", "sqrt", "sinh", "cosh", "tanh", "abs"), 1) | dict.fromkeys(
    ("min", "max", "pow"), 2
)
"""How many arguments each function takes."""
_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "pow",
}  # fmt: skip
_SWAPPED = (ast.Gt, ast.GtE)


def parse(text: object, names: set[str], *, where: str) -> Tree:
    """The tree of a formula in which these names may stand.

    Raises
    ------
    InputError : anything that the grammar does not have, or a formula that is too long or too deep.
    """
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{where} = {text!r} must be a formula in quotes")
    if len(text) > LONGEST:
        raise InputError(
            f"{where}: {len(text)} characters; a formula has at most {LONGEST}: define terms"
        )
    if not re.fullmatch(r"[\w\s.+\-*/()<>=,]*", text, re.ASCII):
        odd = re.sub(r"[\w\s.+\-*/()<>=,]", "", text, flags=re.ASCII)[:1]
        raise InputError(f"{where}: {odd!r} has no place in a formula")
    try:
        expression = ast.parse(" ".join(text.split()), mode="eval").body
        if sum(1 for _ in ast.walk(expression)) > _MOST_PARTS:
            raise InputError(f"{where}: too many parts; define terms")
        return _tree(expression, names, where, 0)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{where}: {_short(text)!r} is no formula") from None


@functools.lru_cache(maxsize=1024)
def names_in(tree: Tree) -> frozenset[str]:
    """The names that stand in a formula."""
    return frozenset(part[1] for part in _parts(tree) if part[0] == "name")


def substituted(tree: Tree, by: dict[str, Tree]) -> Tree:
    """The formula with formulas for names."""
    if tree[0] == "name":
        return by.get(tree[1], tree)
    return tuple(_substituted(part, by) for part in tree)


def _substituted(part: Any, by: dict[str, Tree]) -> Any:
    if isinstance(part, tuple) and part and isinstance(part[0], str):
        return substituted(part, by)
    return tuple(substituted(one, by) for one in part) if isinstance(part, tuple) else part


def _parts(tree: Tree) -> Iterator[Tree]:
    yield tree
    for part in tree[1:]:
        if isinstance(part, tuple):
            inner = (part,) if part and isinstance(part[0], str) else part
            for one in inner:
                yield from _parts(one)


def _tree(node: ast.expr, names: set[str], where: str, depth: int) -> Tree:  # noqa: PLR0911
    if depth > _DEEPEST:
        raise InputError(f"{where}: more than {_DEEPEST} operations within one another; define terms")

    def inner(one: ast.expr) -> Tree:
        return _tree(one, names, where, depth + 1)

    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return ("number", _number(value, where))
        case ast.Name(id=name):
            if name not in names:
                raise InputError(f"{where}: {name!r} is not defined; {nearest(name, names)}")
            return ("name", name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return ("neg", inner(operand))
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return inner(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            operator = _OPERATORS[type(op)]
            parts = inner(left), inner(right)
            return ("call", "pow", parts) if operator == "pow" else (operator, *parts)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _call(name, tuple(map(inner, arguments)), where)
        case ast.IfExp(test=ast.Compare(left=left, ops=[op], comparators=[right])) if isinstance(
            op, ast.Lt | ast.LtE | ast.Gt | ast.GtE
        ):
            a, b = (right, left) if isinstance(op, _SWAPPED) else (left, right)
            return ("if", inner(a), inner(b), inner(node.body), inner(node.orelse))
    raise InputError(f"{where}: {_short(ast.unparse(node))!r} is not in the grammar of formulas")


def _call(name: str, arguments: tuple[Tree, ...], where: str) -> Tree:
    if name not in FUNCTIONS:
        raise InputError(f"{where}: no function {name!r}; {nearest(name, FUNCTIONS)}")
    if len(arguments) != FUNCTIONS[name]:
        raise InputError(f"{where}: {name} takes {FUNCTIONS[name]} argument(s), not {len(arguments)}")
    return ("call", name, arguments)


def _number(value: float, where: str) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InputError(f"{where}: a number is too large")
    return number


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
