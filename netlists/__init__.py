"""Circuit to simulators and back: decks, simulation in worker processes, verification."""

from netlists.decks.deck import read_deck, sweep_deck, write_deck
from netlists.decks.runnable import Deck
from netlists.layers.shipped import load_layer, shipped_layers
from netlists.simulation.ngspice import simulate, simulate_all
from netlists.simulation.run import Simulation
from netlists.simulation.simulators import Engine
from netlists.verification.result import Verification

__all__ = [
    "Deck",
    "Engine",
    "Simulation",
    "Verification",
    "load_layer",
    "read_deck",
    "shipped_layers",
    "simulate",
    "simulate_all",
    "sweep_deck",
    "write_deck",
]
