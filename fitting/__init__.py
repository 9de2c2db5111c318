"""Fitting: measured pulses and I-V sweeps in, device parameters with honest errors out."""

from fitting.estimates import Estimate
from fitting.fit import Fit, fit_device
from fitting.measurements import Measurements, read_measurements

__all__ = ["Estimate", "Fit", "Measurements", "fit_device", "read_measurements"]
