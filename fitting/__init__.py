"""Fitting: measured pulses and I-V sweeps in, device parameters with honest errors out."""

from fitting.readers.measurements import Measurements, read_measurements
from fitting.search.estimates import Estimate
from fitting.search.fit import Fit, fit_device

__all__ = ["Estimate", "Fit", "Measurements", "fit_device", "read_measurements"]
