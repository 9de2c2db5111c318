"""The pulses that ship with the toolkit: synthetic, drawn from Table 1 of the paper, 1 % of noise."""

from __future__ import annotations

from pathlib import Path


def example() -> Path:
    """The file: in a checkout data/pulses.csv, of which an installation has a copy."""
    shipped = Path(__file__).with_name("pulses.csv")
    return shipped if shipped.exists() else Path(__file__).parents[2] / "data" / "pulses.csv"
