"""Layers: a network layer on its chips: states and inputs, tiles, and what is done about the wires."""
