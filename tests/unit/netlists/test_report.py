"""What a verification shows, and how its errors are counted."""

import dataclasses
import io

import numpy as np
import pytest

from netlists import engines
from netlists.ngspice import Simulation
from netlists.report import headline, page, save_plot, summary_rows
from netlists.verify import relative_error, verify
from roa_circuit.in_situ import write_in_situ
from roa_circuit.solver import read_currents


@pytest.fixture
def pretender(monkeypatch, make_layer):
    """A verification in which the surrogate itself plays ngspice, with errors put in."""

    def run(*, current_error=0.0, state_error=0.0, flip=False, **layer_options):
        layer = make_layer(**layer_options)
        written = write_in_situ(layer.crossbar, layer.initial_state, layer.pulses, layer.device).state
        written = written + state_error
        currents = read_currents(layer.crossbar, written, 0.1 * layer.inputs, layer.device)
        currents = (currents[:, ::-1] if flip else currents) * (1 + current_error)

        def simulate(deck, *, name, progress, **_):
            progress(1.0)
            cells = np.ndindex(layer.crossbar.shape)
            if name == "write":
                vectors = {f"xword{i}_col{j}.omega": written[i, j : j + 1] for i, j in cells}
            else:
                vectors = {f"vsense{j}#branch": column for j, column in enumerate(currents.T)}
            return Simulation(vectors=vectors, version="ngspice-0", log="", seconds=1.0)

        monkeypatch.setattr(engines, "simulate", simulate)
        return verify(layer)

    return run


def test_agreement_passes(pretender):
    result = pretender()
    assert result.passed
    assert result.max_relative_current_error < 1e-12
    assert result.max_state_error == 0
    assert result.prediction_agreement == 1
    assert result.accuracy_spice == result.accuracy_surrogate
    assert result.ngspice_version == "ngspice-0"


@pytest.mark.parametrize(
    "fault", [{"current_error": 2e-5}, {"state_error": 0.02}, {"flip": True, "columns": 4}]
)
def test_each_limit_fails_on_its_own(pretender, fault):
    assert not pretender(**fault).passed


def test_current_error_is_elementwise_and_relative(pretender):
    assert pretender(current_error=1e-6).max_relative_current_error == pytest.approx(1e-6, rel=1e-6)
    assert relative_error(np.array([[1.0, 1.001e-3]]), np.array([[1.0, 1e-3]])) == pytest.approx(1e-3)
    assert relative_error(np.zeros((2, 2)), np.zeros((2, 2))) == 0.0


def test_the_state_error_does_not_leak_into_the_current_error(pretender):
    result = pretender(state_error=1e-3)
    assert result.max_relative_current_error < 1e-12
    assert result.end_to_end_current_error > 1e-5
    assert result.passed


def test_json_fields(pretender):
    fields = set(pretender().to_dict())
    wanted = (
        "layer rows columns reads pulses max_relative_current_error max_state_error"
        " prediction_agreement accuracy_ideal accuracy_surrogate accuracy_spice spice_seconds"
        " surrogate_seconds speedup ngspice_version passed"
    )
    assert set(wanted.split()) <= fields
    assert not any(name.endswith(("_state", "_currents")) for name in fields)


@pytest.mark.parametrize(("rows", "columns"), [(20, 3), (3, 5), (2, 14)])
def test_page_and_plot(pretender, rows, columns):
    result = pretender(rows=rows, columns=columns)
    assert f"{rows} x {columns} cells" in headline(result)
    assert "passed" in page(result)
    assert len(summary_rows(result)) == 10
    picture = io.BytesIO()
    save_plot(result, picture)
    assert picture.getvalue().startswith(b"\x89PNG")


def test_a_layer_without_labels_has_no_accuracy(pretender):
    result = dataclasses.replace(pretender(), accuracy_spice=None)
    assert "no labels" in page(result)
