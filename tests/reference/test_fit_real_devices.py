"""Measured devices: read as they were saved, and judged as docs/real-devices.md says."""

import numpy as np
import pytest

from fitting import fit_device, read_measurements
from fitting.comparison import LAWS, compare
from fitting.conventions import Conventions
from roa_circuit.parameters import load_device


@pytest.fixture(scope="module")
def pulses(measured_data):
    """The folder of measured pulses; CI must have it."""
    return measured_data("pulses")


@pytest.mark.parametrize(
    ("name", "voltage", "rows", "misfit"),
    [
        ("sandia_set_trains", -1.0, 3776, (0.018, 0.020)),
        ("sandia_reset_trains", 1.0, 3030, (0.010, 0.011)),
    ],
)
def test_sandia_trains_follow_another_law(pulses, name, voltage, rows, misfit):
    how = Conventions(pulse=(voltage, 1e-6), read_voltage=0.1, unit="A")
    m = read_measurements(pulses / f"{name}.csv", how)
    assert (len(m), len(m.labels)) == (rows, 20)
    verdict = compare(m, load_device("zhang2021"))
    own = next(v for v in verdict.verdicts if v.law == LAWS[0])
    assert misfit[0] < own.rmse < misfit[1]
    assert misfit[0] < own.held_out < misfit[1]
    assert verdict.verdicts[0].law == LAWS[1]
    assert verdict.verdicts[0].rmse < own.rmse / 4
    assert verdict.correlation > 0.9
    assert "misses systematically" in verdict.line()


def test_thousands_of_cells_with_one_pulse_each(pulses):
    how = Conventions(read_voltage=0.2, positive_sets=True)
    m = read_measurements(pulses / "rram64k_set_sweep.tsv", how)
    assert (len(m), len(m.labels)) == (65536, 32768)
    assert m.ignored == ("V_gate [V]",)
    assert np.unique(m.voltage).tolist() == [-3, -2.5, -2, -1.5, -1, -0.5, 0]


def test_a_filament_that_forms_at_once_is_not_described(pulses):
    how = Conventions(read_voltage=0.2, positive_sets=True, where=(("V_gate", "2.5"),))
    m = read_measurements(pulses / "rram64k_set_sweep.tsv", how)
    f = fit_device(m, load_device("zhang2021"))
    assert len(m.labels) == 1092
    assert 0.12 < f.relative_rmse < 0.16
    assert not f.describes
