"""Simulation: processes that run decks, and the circuit simulators that they hold."""
