"""A law as text, in the operators that simulators share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Text:
    """The formulas of a law, for ngspice's B sources and for Verilog-A.

    They are written in + - * /, `c ? a : b`, and exp, ln, sinh, cosh, tanh, sqrt, abs, min, max, pow and
    `square`, of the names of constants, `v` (the voltage [V]) and `largest` (the clamp of exponents).

    state : the variable that the simulator integrates, `omega` or another
    start : that variable where omega is `w0`
    omega : omega, in terms of that variable
    terms : terms of the motion, by name and in order, in terms of the state and v
    motion : the time derivative of the state [1/s], in terms of `terms`
    branches : terms of the current, by name, in terms of v
    current : [A], in terms of omega and `branches`
    parameters : further numbers that the formulas name
    """

    terms: Mapping[str, str]
    motion: str
    branches: Mapping[str, str]
    current: str
    state: str = "omega"
    start: str = "w0"
    omega: str = "omega"
    parameters: Mapping[str, float] = field(default_factory=dict)
