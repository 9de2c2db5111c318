"""Values of formulas, with their slopes by one name: forward differentiation on numpy and torch.

Every part carries (value, slope), so a slope is exact and costs about as much as the value. Without the
name in it, it is the number 0 and costs nothing. Exponents are clamped at +-80, roots and powers take
what is below 0 for 0, as the simulators' text does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from roa_circuit.device.arrays import LARGEST_EXPONENT, Array, as_array, namespace
from roa_circuit.device.laws.formulas.grammar import Tree, names_in

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
        (a, _), (b, _) = (_at(one, names) for one in tree[1:3])
        return _chosen(a < b, tree[3], tree[4], names)
    (a, da), *rest = (_at(one, names) for one in tree[1:])
    if kind == "neg":
        return -a, -da
    b, db = rest[0]
    if kind == "+":
        return a + b, da + db
    if kind == "-":
        return a - b, da - db
    if _level(da, db):
        return a * b if kind == "*" else a / b, 0.0
    if kind == "*":
        return a * b, a * db + da * b
    return a / b, (da - a / b * db) / b


def _level(*slopes: Array) -> bool:
    """Whether slopes are none: the number 0."""
    return all(isinstance(one, float) and one == 0.0 for one in slopes)


def _chosen(is_so: Any, yes: Tree, no: Tree, names: Mapping[str, Pair]) -> Pair:
    """The one formula or the other; only that which is asked for everywhere, if one is."""
    if isinstance(is_so, np.ndarray) and is_so.size:
        for same, one, other in ((is_so.all(), yes, no), (not is_so.any(), no, yes)):
            if same:
                left_out = (np.shape(names[name][0]) for name in names_in(other))
                return _spread(_at(one, names), np.broadcast_shapes(is_so.shape, *left_out))
    return _where(is_so, _at(yes, names), _at(no, names))


def _spread(pair: Pair, shape: tuple[int, ...]) -> Pair:
    """The pair in the shape that a choice has."""
    none = np.zeros(shape)
    return pair[0] + none, pair[1] if _level(pair[1]) else pair[1] + none


def _where(is_so: Any, yes: Pair, no: Pair) -> Pair:
    if isinstance(is_so, bool):
        return yes if is_so else no
    xp = namespace(is_so)
    none = 0.0 * xp.zeros_like(is_so)
    found = xp.where(is_so, yes[0] + none, no[0] + none)
    if _level(yes[1], no[1]):
        return found, 0.0
    return found, xp.where(is_so, yes[1] + none, no[1] + none)


def _call(name: str, pairs: list[Pair], trees: tuple[Tree, ...]) -> Pair:  # noqa: PLR0911
    if name == "pow":
        return _power(pairs[0], pairs[1], trees[1])
    if name in ("min", "max"):
        (a, _), (b, _) = pairs
        low, high = pairs if name == "min" else pairs[::-1]
        return _where(a < b, low, high)
    x, dx = as_array(pairs[0][0]), pairs[0][1]
    xp = namespace(x)
    if _level(dx):
        return _plain(xp, name, x), 0.0
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


def _plain(xp: Any, name: str, x: Array) -> Array:
    """The function's value alone."""
    if name == "abs":
        return xp.abs(x)
    if name in ("log", "sqrt"):
        return getattr(xp, name)(xp.clip(x, SMALLEST, None))
    if name == "tanh":
        return xp.tanh(x)
    return getattr(xp, name)(xp.clip(x, -LARGEST_EXPONENT, LARGEST_EXPONENT))


def _power(base: Pair, exponent: Pair, written: Tree) -> Pair:
    (a, da), (b, db) = base, exponent
    whole = whole_exponent(written)
    if whole is not None:
        a = as_array(a)
        if _level(da):
            return a**whole, 0.0
        return a**whole, whole * a ** (whole - 1) * da if whole else 0.0 * a
    a = as_array(a)
    xp = namespace(a)
    safe = xp.clip(a, SMALLEST, None)
    power = safe**b
    if _level(da, db):
        return power, 0.0
    return power, power * (b * da / safe + db * xp.log(safe))


def whole_exponent(tree: Tree) -> int | None:
    """The exponent if it is a small whole number, as it is written."""
    if tree[0] == "number" and tree[1] == int(tree[1]) and 0 <= tree[1] <= _MOST_FACTORS:
        return int(tree[1])
    return None
