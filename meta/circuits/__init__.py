"""Circuits: adapted networks on chips, behind wires and readout, and in ngspice."""
