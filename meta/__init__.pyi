"""Learning: few-shot networks whose weights live on crossbars and adapt in one write."""

from .circuits.behind_circuit import Hardware
from .circuits.conversion.chips import Chips
from .circuits.conversion.convert import convert

__all__ = ["Chips", "Hardware", "convert"]
