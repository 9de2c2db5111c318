"""Fitting: measured pulses and I-V sweeps in, device parameters with honest errors out."""

from typing import Any

from fitting.readers.measurements import Measurements, read_measurements
from fitting.search.estimates import Estimate
from fitting.search.fit import Fit, fit_device

__all__ = ["Estimate", "Fit", "LawModel", "Measurements", "fit_device", "read_measurements"]


def __getattr__(name: str) -> Any:
    """`LawModel` when it is asked for: lmfit takes longer to load than all the rest."""
    if name == "LawModel":
        from fitting.search.law_model import LawModel

        return LawModel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
