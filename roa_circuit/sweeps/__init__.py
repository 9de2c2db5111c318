"""Sweeps: one question to thousands of circuits and devices, and how bad each imperfection may be."""

from roa_circuit.sweeps.api import sweep
from roa_circuit.sweeps.axes import Axis
from roa_circuit.sweeps.description import Sweep, described
from roa_circuit.sweeps.layer import LayerSubject
from roa_circuit.sweeps.store import Store
from roa_circuit.sweeps.study import Study, Workers
from roa_circuit.sweeps.subject import Metric, Subject

__all__ = [
    "Axis",
    "LayerSubject",
    "Metric",
    "Store",
    "Study",
    "Subject",
    "Sweep",
    "Workers",
    "described",
    "sweep",
]
