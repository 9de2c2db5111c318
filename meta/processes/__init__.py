"""Processes: work over the cores of a processor."""
