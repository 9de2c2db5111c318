"""The solver over its whole stated range: 0-100 Ohm, cells of 1 kOhm-1 MOhm, 1-1024 lines."""

import numpy as np
import pytest

from roa_circuit.circuit.crossbar import DRIVES, OF_WORD_LINES, RESISTANCES, SENSES, Crossbar
from roa_circuit.device.memristor import conductance
from roa_circuit.device.parameters import load_device
from roa_circuit.solver.linear import LinearNetwork
from roa_circuit.solver.read import read_currents, solve_cells

TABLE_1 = load_device("zhang2021")


def solve_random_array(rng, most_lines):
    """The worst error of one exact read, in voltages or in what `read_currents` says."""
    rows, columns = (int(np.exp(rng.uniform(0, np.log(most_lines)))) for _ in range(2))
    ohms = {name: rng.choice([0.0, 10 ** rng.uniform(-2, 2)]) for name in RESISTANCES}
    uneven = rng.random() < 0.5
    for name in RESISTANCES if uneven else ():
        lines = rows if name in OF_WORD_LINES else columns
        ohms[name] = np.minimum(ohms[name] * rng.lognormal(0, 1, lines), 100.0)
    ends = {"drive": str(rng.choice(DRIVES)), "sense": str(rng.choice(SENSES))}
    crossbar = Crossbar(rows=rows, columns=columns, **ohms, **ends)
    device = TABLE_1.scaled(10 ** rng.uniform(-2.9, -0.2))  # 1 kOhm to 1 MOhm
    p = device.memristor
    state = rng.random(crossbar.shape)
    network = LinearNetwork(crossbar, conductance(state, 0.05, p))
    volts = rng.uniform(0, 0.1, (2, rows, 1))
    e = np.broadcast_to(volts, (2, rows, columns))
    cells = solve_cells(network, state, e, p)
    residual = e - cells.voltages - network.line_drops(cells.currents)
    sensed = cells.currents.sum(axis=1)
    apart = np.abs(read_currents(crossbar, state, volts[:, :, 0], device) - sensed)
    return max(np.abs(residual).max() / volts.max(), apart.max() / sensed.max())


@pytest.mark.parametrize("seed", range(40))
def test_every_array_is_solved(seed):
    assert solve_random_array(np.random.default_rng(seed), 128) <= 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_two_thousand_arrays_of_up_to_1024_lines_are_solved(seed):
    rng = np.random.default_rng([seed, 1])
    assert max(solve_random_array(rng, 1025) for _ in range(100)) <= 1e-9
