"""The compact models of every law, the .lib in ngspice and the .va in VACASK, against scipy."""

import itertools

import numpy as np
import pytest
from cell_trains import Train, in_ngspice, in_vacask
from law_devices import DEVICES
from scipy.integrate import solve_ivp

from roa_circuit.device.compact_model import ngspice_library
from roa_circuit.device.laws.table import Table
from roa_circuit.device.verilog_a import verilog_a

START, READ = 0.456, 0.05
EDGE = 0.05  # of a pulse's width
TABLES_EDGE = 1e-4  # which says nothing of the voltages on the way


def train(device):
    """Two pulses up and one down, each with a read behind it."""
    pulses, points, gaps, reads, now = device.pulses, [(0.0, 0.0)], [], [], 0.0
    edge = TABLES_EDGE if isinstance(device.memristor, Table) else EDGE
    up = (pulses.potentiation_voltage, pulses.potentiation_width)
    down = (pulses.depression_voltage, pulses.depression_width)
    for voltage, width in (up, up, down):
        for level in (voltage, READ):
            corners = now + width * np.array([edge, 2 * edge, 1 + 2 * edge, 1 + 3 * edge])
            points += list(zip(corners.tolist(), (0.0, level, level, 0.0), strict=True))
            now = float(corners[-1] + edge * width)
        reads.append(float(corners[2]))
        gaps.append(float(corners[2]))  # with the read, as a weak law moves in it, too
    points.append((now + edge * width, 0.0))
    return Train(points=points, gaps=gaps, reads=reads, omega=solved(device.memristor, points, gaps))


def solved(law, points, gaps):
    """The state in the gaps, as scipy integrates the law over the wave, a stretch at a time."""
    times, volts = np.array(points).T
    states, ends = [START], []
    for t0, t1 in itertools.pairwise(times):
        ends.append(t1)
        if isinstance(law, Table) and np.ptp(np.interp((t0, t1), times, volts)) > 0:
            states.append(states[-1])
            continue
        done = solve_ivp(
            lambda t, w: law.state_derivative(w, np.interp(t, times, volts)),
            (t0, t1), [states[-1]], method="LSODA", rtol=1e-9, atol=1e-11,
        )  # fmt: skip
        states.append(float(done.y[0, -1]))
    return np.interp(gaps, [0.0, *ends], states)


SIMULATORS = [
    pytest.param("lib", marks=pytest.mark.ngspice),
    pytest.param("va", marks=pytest.mark.vacask),
]


@pytest.mark.parametrize("kind", SIMULATORS)
@pytest.mark.parametrize("name", DEVICES)
def test_a_cell_of_every_law_moves_and_conducts_as_its_law_says(name, kind, tmp_path):
    device = DEVICES[name]
    found = train(device)
    assert np.abs(np.diff([START, *found.omega])).min() > 1e-3
    path = tmp_path / f"memristor.{kind}"
    step = found.points[-1][0] / 1000
    if kind == "lib":
        path.write_text(ngspice_library(device))
        states, currents = in_ngspice(f".include {path}", START, found, step)
    else:
        path.write_text(verilog_a(device))
        states, currents = in_vacask(path, START, found, step)
    np.testing.assert_allclose(states, found.omega, atol=1e-4)
    np.testing.assert_allclose(currents, device.memristor.current(states, READ), rtol=1e-6)
