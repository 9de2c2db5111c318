"""Fitting: measured pulses and I-V sweeps in, device parameters with honest errors out."""

from .readers.measurements import Measurements, read_measurements
from .search.estimates import Estimate
from .search.fit import Fit, fit_device
from .search.law_model import LawModel

__all__ = ["Estimate", "Fit", "LawModel", "Measurements", "fit_device", "read_measurements"]
