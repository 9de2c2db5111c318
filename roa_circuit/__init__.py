"""The physics of memristor crossbars that learn in one write: device, programming, circuit."""

from roa_circuit.basics.errors import ConvergenceError, InputError, RoaError, SimulatorError, WorkerError
from roa_circuit.chips.chip import Chip, draw
from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.chips.in_situ import WriteOutcome, write_in_situ
from roa_circuit.chips.programmable import FreeCells, WiredArray
from roa_circuit.chips.write_verify import VerifiedWrite, write_verify
from roa_circuit.circuit.breaks import Break
from roa_circuit.circuit.components import Amplifier, Transistor
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.device.parameters import Device, Memristor, Pulses, load_device
from roa_circuit.device.programming import Programming, write
from roa_circuit.device.spread import Spread
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.solver.many_arrays import read_arrays
from roa_circuit.solver.operating_point import OperatingPoint, operating_point
from roa_circuit.solver.read import effective_weights, read_currents
from roa_circuit.solver.weights import EffectiveWeights

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
