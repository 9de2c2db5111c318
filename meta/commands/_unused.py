"""Imperfections that a command has no use for: said to be ignored, or refused where they are all."""

from __future__ import annotations

from collections.abc import Collection

from roa_circuit.basics.errors import InputError
from roa_circuit.chips.idle import idle
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.mapping import Mapping
from roa_circuit.presentation import circuit_options, console

_IN_FULL = "every cell gets its pulses in full; add --in-situ to write through the wires"


def idle_of(
    imperfections: Imperfections | None,
    *,
    in_situ: bool,
    mapping: Mapping | None,
    varied: Collection[str] = (),
    why: str = _IN_FULL,
) -> list[str]:
    """The imperfections that change nothing, with a line on stderr about them.

    mapping : which columns make an output; None is one reference column
    varied : the fields that a sweep varies, which count as given
    why : those of writes change nothing, where they do not go through the wires

    Raises
    ------
    InputError : all that are given change nothing.
    """
    of_writes = () if in_situ or imperfections is None else ("write_gain", "edge_fraction")
    names = [name for name in of_writes if getattr(imperfections, name)]
    if imperfections is not None and names:
        beside = idle(imperfections, varied)
        if circuit_options.given(imperfections) <= {*names, *beside}:
            raise InputError(
                f"--imperfections: {', '.join(names)} would change nothing, so leave the file out: {why}"
            )
        console.remark(f"--imperfections: {', '.join(names)} ignored: {why}")
    names += circuit_options.without_subtractors(imperfections, mapping, varied=varied, but=names)
    return names + circuit_options.idle(imperfections, varied, but=names)
