"""Which simulator verifies a layer where none is asked for: ngspice, or VACASK where that is long."""

from __future__ import annotations

from collections.abc import Callable

from netlists.decks import costs
from netlists.decks.dialect import PLAIN, Dialect
from netlists.simulation.simulators import Engine
from roa_circuit.chips.circuitry import Circuitry

LONG = 120.0
"""Seconds that ngspice may take before another simulator is looked for."""

_GAIN = 2.0  # times as fast as VACASK must be to be worth a simulator that fewer people have


def chosen_engine(
    seconds: Callable[[costs.Prices], float], dialect: Dialect, circuitry: Circuitry, *, relays: bool
) -> tuple[Engine, str]:
    """The simulator, and what to say where it is not ngspice.

    seconds : of the work, at a simulator's prices
    dialect : of ngspice's decks
    relays : whether access devices are ideal, of which VACASK has none
    """
    own = seconds(costs.prices(Engine.ngspice, dialect, circuitry))
    if own < LONG or relays or not Engine.vacask.simulator.is_available():
        return Engine.ngspice, ""
    other = seconds(costs.prices(Engine.vacask, PLAIN, circuitry))
    if other * _GAIN > own:
        return Engine.ngspice, ""
    took = f"{costs.said(other)} instead of {costs.said(own)}"
    return Engine.vacask, f"VACASK is here and takes about {took}: --engine ngspice for ngspice"
