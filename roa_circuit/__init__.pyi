"""The physics of memristor crossbars that learn in one write: device, programming, circuit."""

from .basics.errors import ConvergenceError, InputError, RoaError, SimulatorError, WorkerError
from .chips.chip import Chip
from .chips.circuitry import Circuitry
from .chips.draw import draw
from .chips.imperfections import Imperfections
from .chips.in_situ import WriteOutcome, write_in_situ
from .chips.programmable import FreeCells, WiredArray
from .chips.write_verify import VerifiedWrite, write_verify
from .circuit.breaks import Break
from .circuit.components import Amplifier, Transistor
from .circuit.crossbar import Crossbar
from .circuit.design_point import default_crossbar, default_device
from .device.laws.zhang2021 import Memristor
from .device.parameters import Device, Pulses, load_device
from .device.programming import Programming, write
from .device.spread import Spread
from .layers.programmed import ProgrammedLayer
from .solver.many_arrays import read_arrays
from .solver.operating_point import OperatingPoint, operating_point
from .solver.read import effective_weights, read_currents
from .solver.weights import EffectiveWeights

__all__ = [
    "Amplifier",
    "Break",
    "Chip",
    "Circuitry",
    "ConvergenceError",
    "Crossbar",
    "Device",
    "EffectiveWeights",
    "FreeCells",
    "Imperfections",
    "InputError",
    "Memristor",
    "OperatingPoint",
    "ProgrammedLayer",
    "Programming",
    "Pulses",
    "RoaError",
    "SimulatorError",
    "Spread",
    "Transistor",
    "VerifiedWrite",
    "WiredArray",
    "WorkerError",
    "WriteOutcome",
    "default_crossbar",
    "default_device",
    "draw",
    "effective_weights",
    "load_device",
    "operating_point",
    "read_arrays",
    "read_currents",
    "write",
    "write_in_situ",
    "write_verify",
]
