"""Eight numbers at once, one of each of eight drives: a machine vector as a type of numba's.

A kernel that computes with them reads like one for a single drive, and leaves the compiler no loop
to guess about. Arrays that hold lanes are contiguous and have them as their last axis.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba import extending
from numba.core import cgutils
from numba.extending import lower_builtin, models, register_model, type_callable

LANES = 8

intrinsic: Any = extending.intrinsic  # its calls in kernels have one argument less than its functions

_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_FLAGS = ("contract", "reassoc", "nsz", "arcp")


class _Lanes(numba.types.Type):
    pass


_TYPE = _Lanes(name="Lanes")


@register_model(_Lanes)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)


@intrinsic
def spread(context: Any, x: Any) -> tuple[Any, Callable[..., Any]]:
    """x in every lane."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return _spread(builder, values[0])

    return _TYPE(numba.float64), build


@intrinsic
def load(context: Any, array: Any, index: Any) -> tuple[Any, Callable[..., Any]]:
    """array[index], the lanes of an array (count, lanes)."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.load(_address(context, builder, signature, values), align=8)

    return _TYPE(array, numba.intp), build


@intrinsic
def store(context: Any, array: Any, index: Any, lanes: Any) -> tuple[Any, Callable[..., Any]]:
    """array[index] = lanes, for an array (count, lanes)."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        builder.store(values[2], _address(context, builder, signature, values), align=8)
        return context.get_dummy_value()

    return numba.void(array, numba.intp, _TYPE), build


def _address(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    array = context.make_array(signature.args[0])(context, builder, values[0])
    index = [values[1], ir.Constant(ir.IntType(64), 0)]
    first = cgutils.get_item_pointer(context, builder, signature.args[0], array, index, wraparound=False)
    return builder.bitcast(first, _VECTOR.as_pointer())


def _spread(builder: Any, value: Any) -> Any:
    if value.type == _VECTOR:
        return value
    undefined = ir.Constant(_VECTOR, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.IntType(32)(0))
    order = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(first, undefined, order)


def _define(function: Callable[..., Any], instruction: str) -> None:
    """`function` of lanes and lanes, lanes and a number, a number and lanes."""

    @type_callable(function)
    def kind(context: Any) -> Callable[..., Any]:
        def kind_of_result(a: Any, b: Any) -> Any:
            return _TYPE if _TYPE in (a, b) and {a, b} <= {_TYPE, numba.float64} else None

        return kind_of_result

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        a, b = (_spread(builder, value) for value in values)
        return getattr(builder, instruction)(a, b, flags=_FLAGS)

    for pair in ((_TYPE, _TYPE), (_TYPE, numba.float64), (numba.float64, _TYPE)):
        lower_builtin(function, *pair)(build)


_define(operator.add, "fadd")
_define(operator.sub, "fsub")
_define(operator.mul, "fmul")
