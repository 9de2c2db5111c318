"""Values of formulas, with their slopes by one name: forward differentiation on numpy and torch.

Every part carries (value, slope), so a slope is exact and costs about as much as the value. Exponents
are clamped at +-80, roots and powers take what is below 0 for 0, as the simulators' text does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roa_circuit.device.arrays import LARGEST_EXPONENT, Array, as_array, namespace
from roa_circuit.device.laws.formulas.grammar import Tree

SMALLEST = 1e-30
"""The least that powers, logarithms and roots are taken of."""
_MOST_FACTORS = 16

Pair = tuple[Array, Array]


def value_and_slope(tree: Tree, names: Mapping[str, Any], by: str) -> Pair:
    """(the formula's value, its derivative by the name `by`), at these values of names."""
    place = {name: (value, 1.0 if name == by else 0.0) for name, value in names.items()}
    return _at(tree, place)


def value(tree: Tree, names: Mapping[str, Any]) -> Array:
    """The formula's value."""
    return value_and_slope(tree, names, "")[0]


def _at(tree: Tree, names: Mapping[str, Pair]) -> Pair:  # noqa: PLR0911
    kind = tree[0]
    if kind == "number":
        return tree[1], 0.0
    if kind == "name":
        return names[tree[1]]
    if kind == "call":
        return _call(tree[1], [_at(one, names) for one in tree[2]], tree[2])
    if kind == "if":
        (a, _), (b, _), yes, no = (_at(one, names) for one in tree[1:])
        return _where(a < b, yes, no)
    (a, da), *rest = (_at(one, names) for one in tree[1:])
    if kind == "neg":
        return -a, -da
    b, db = rest[0]
    if kind == "+":
        return a + b, da + db
    if kind == "-":
        return a - b, da - db
    if kind == "*":
        return a * b, a * db + da * b
    return a / b, (da - a / b * db) / b


def _where(is_so: Any, yes: Pair, no: Pair) -> Pair:
    if isinstance(is_so, bool):
        return yes if is_so else no
    xp = namespace(is_so)
    none = 0.0 * xp.zeros_like(is_so)
    found, slope = (xp.where(is_so, a + none, b + none) for a, b in zip(yes, no, strict=True))
    return found, slope


def _call(name: str, pairs: list[Pair], trees: tuple[Tree, ...]) -> Pair:  # noqa: PLR0911
    if name == "pow":
        return _power(pairs[0], pairs[1], trees[1])
    if name in ("min", "max"):
        (a, _), (b, _) = pairs
        low, high = pairs if name == "min" else pairs[::-1]
        return _where(a < b, low, high)
    x, dx = as_array(pairs[0][0]), pairs[0][1]
    xp = namespace(x)
    if name == "abs":
        return xp.abs(x), xp.where(x < 0, -1.0, 1.0) * dx
    if name == "log":
        safe = xp.clip(x, SMALLEST, None)
        return xp.log(safe), dx / safe
    if name == "sqrt":
        root = xp.sqrt(xp.clip(x, SMALLEST, None))
        return root, 0.5 * dx / root
    if name == "tanh":
        t = xp.tanh(x)
        return t, (1.0 - t * t) * dx
    bounded = xp.clip(x, -LARGEST_EXPONENT, LARGEST_EXPONENT)
    if name == "exp":
        e = xp.exp(bounded)
        return e, e * dx
    own, other = (xp.sinh, xp.cosh) if name == "sinh" else (xp.cosh, xp.sinh)
    return own(bounded), other(bounded) * dx


def _power(base: Pair, exponent: Pair, written: Tree) -> Pair:
    (a, da), (b, db) = base, exponent
    whole = whole_exponent(written)
    if whole is not None:
        a = as_array(a)
        return a**whole, whole * a ** (whole - 1) * da if whole else 0.0 * a
    a = as_array(a)
    xp = namespace(a)
    safe = xp.clip(a, SMALLEST, None)
    power = safe**b
    return power, power * (b * da / safe + db * xp.log(safe))


def whole_exponent(tree: Tree) -> int | None:
    """The exponent if it is a small whole number, as it is written."""
    if tree[0] == "number" and tree[1] == int(tree[1]) and 0 <= tree[1] <= _MOST_FACTORS:
        return int(tree[1])
    return None
