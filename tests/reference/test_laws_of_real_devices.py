"""Laws on measured devices: what `roa-fit` takes of itself, and how far it is off unseen readings."""

import pytest

from fitting import read_measurements
from fitting.judgement.choice import chosen
from fitting.readers.conventions import Conventions
from roa_circuit.device.parameters import load_device

UP, DOWN = (-1.0, 1e-6), (1.0, 1e-6)


@pytest.mark.long
@pytest.mark.parametrize(
    ("files", "pulses", "how", "limit"),
    [
        (("C_potentiation", "C_depression"), (UP, DOWN), {}, 0.0006),
        pytest.param(("E_potentiation", "E_depression"), (UP, DOWN), {"dropped": (2,)}, 0.085,
                     marks=pytest.mark.slow),
        pytest.param(("nb_sto_depression", "nb_sto_potentiation"), ((-2.0, 1.0), (1.0, 1.0)),
                     {"read_voltage": 0.3, "positive_sets": True}, 0.033, marks=pytest.mark.slow),
        pytest.param(("A_potentiation", "A_depression"), (UP, DOWN), {}, 0.13, marks=pytest.mark.slow),
        pytest.param(("afefet_potentiation_cycles",), (UP,), {}, 0.025, marks=pytest.mark.slow),
        pytest.param(("sandia_set_trains",), (UP,), {"unit": "S"}, 0.0053, marks=pytest.mark.slow),
        pytest.param(("sandia_reset_trains",), (DOWN,), {"unit": "S"}, 0.0028, marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_the_law_that_is_taken_meets_readings_that_no_fit_saw(measured_data, files, pulses, how, limit):
    folder = measured_data("pulses" if files[0].startswith("sandia") else "devices")
    each = [Conventions(**{"read_voltage": 0.1, "pulse": one} | how) for one in pulses]
    if "dropped" in how:  # its first reading is there twice, in the file of potentiation alone
        each[1:] = [Conventions(read_voltage=0.1, pulse=one) for one in pulses[1:]]
    m = read_measurements([folder / f"{name}.csv" for name in files], each).fitted()
    choice = chosen(m, load_device("zhang2021"), "auto", weighting="auto", loss="linear")
    said = choice.document()
    assert choice.fit.describes
    assert said["law"] == choice.fit.memristor.name
    assert said["law"] in ("windows", "table")
    assert said["held_out_rmse"] <= limit
    own = next(one for one in said["laws"] if one["name"] == said["law"])
    assert own["held_out_rmse"] == said["held_out_rmse"]
    assert own["constants"] == choice.fit.memristor.constants


@pytest.mark.slow
def test_normalised_readings_of_both_signs_are_fitted_over_their_range(measured_data):
    how = Conventions(unit="1", read_voltage=0.1, pulses=(UP, DOWN))
    m = read_measurements(measured_data("devices") / "gong_et_al.csv", how).fitted()
    assert m.conductance.min() > 0
    assert "is added to each" in m.assumed[-1]
    choice = chosen(m, load_device("zhang2021"), "auto", weighting="auto", loss="linear")
    assert choice.fit.describes
    told = [one.held_out for one in choice.contest.contenders] if choice.contest else []
    assert (choice.document()["held_out_rmse"] or choice.fit.relative_rmse) <= 0.064
    assert all(one < 0.07 for one in told)
