"""Learning: few-shot networks whose weights live on crossbars and adapt in one write."""

from .circuits.behind_circuit import Hardware
from .circuits.conversion.chips import Chips
from .circuits.conversion.convert import convert
from .network.own_backbone import adopt_backbone
from .network.rules import adopt_rule

__all__ = ["Chips", "Hardware", "adopt_backbone", "adopt_rule", "convert"]
