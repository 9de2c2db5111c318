"""Verification: a layer in a circuit simulator against the same layer in the surrogate."""
