"""Formulas: text of a law file as a checked tree, its values and slopes, and other ways to write it."""
