"""lmfit's own result: the same optimum and the same errors as the fit reports."""

import numpy as np
import pytest

from fitting import fit_device
from fitting.model.residuals import NAMES


def test_lmfit_ends_where_the_fit_says(shipped_fit, shipped):
    result = shipped_fit.result
    assert result.success
    assert result.chisqr == pytest.approx(np.sum(shipped_fit.residual**2), rel=1e-9)
    assert result.nvarys == len(NAMES)
    for name, e in shipped_fit.estimates.items():
        assert np.exp(result.params[name].value) == pytest.approx(e.value, rel=1e-6)


def test_lmfits_errors_are_the_intervals(shipped_fit, shipped):
    """lmfit does not know that each train's start was fitted, too; where nothing else widens them."""
    counted = np.sqrt((len(shipped) - len(NAMES)) / (len(shipped) - len(NAMES) - len(shipped.labels)))
    for i, (name, e) in enumerate(shipped_fit.estimates.items()):
        expected = shipped_fit.result.params[name].stderr * counted * shipped_fit.widening[i]
        assert e.stderr / e.value == pytest.approx(expected, rel=1e-3), name


def test_what_the_data_leave_open_does_not_vary(shipped, prior):
    fit = fit_device(shipped.of_trains([0]), prior)
    assert fit.solution.held
    assert {name for name in NAMES if not fit.result.params[name].vary} == fit.solution.held
