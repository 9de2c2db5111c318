"""Merging blocks against the sweep row by row, an independent elimination."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import crossbars

from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.solver import merging
from roa_circuit.solver.linear import LinearNetwork


def draw_conductances(shape, seed, open_cells=0.0):
    rng = np.random.default_rng(seed)
    g = 10 ** rng.uniform(-6, -3, shape)
    g[rng.random(shape) < open_cells] = 0.0
    return g


@pytest.mark.long
@settings(max_examples=80, deadline=None)
@given(crossbars(most=40), st.integers(0, 2**31), st.sampled_from([0.0, 0.1]))
def test_agrees_with_the_sweep(crossbar, seed, open_cells):
    g = draw_conductances(crossbar.shape, seed, open_cells)
    network = LinearNetwork(crossbar, g)
    lines, swept = network.lines, network.swept_weights()
    merged = lines.back(merging.effective_weights(lines, lines.turn(g)))
    assert np.abs(merged - swept).max() <= 1e-12 * np.abs(swept).max()


@pytest.mark.long
@pytest.mark.parametrize("shape", [(41, 150), (97, 65), (128, 128)])
@pytest.mark.parametrize("ohms", [0.0, 1.0, 100.0])
def test_wide_arrays_keep_every_digit(shape, ohms):
    crossbar = Crossbar(
        rows=shape[0], columns=shape[1], r_source=ohms, r_word=ohms, r_bit=ohms, r_sense=ohms
    )
    network = LinearNetwork(crossbar, draw_conductances(shape, 4))
    assert network.effective_weights() == pytest.approx(network.swept_weights(), rel=1e-11, abs=0)
