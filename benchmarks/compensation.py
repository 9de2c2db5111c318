"""Pre-distortion beside bounded least squares with the exact gradient: error reached, and time.

python benchmarks/compensation.py [--quick] --json FILE
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from _table import Row, in_turns, main, row
from scipy.optimize import minimize

from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_device
from roa_circuit.circuit.scaling import mapping_constants
from roa_circuit.device.memristor import conductance, conductance_range
from roa_circuit.layers.compensation import predistort
from roa_circuit.solver.linear import LinearNetwork

DEVICE = default_device()
V_R = DEVICE.pulses.read_voltage
BOUNDS = conductance_range(V_R, DEVICE.memristor)


def least_squares(crossbar: Crossbar, wanted: np.ndarray, steps: int) -> tuple[np.ndarray, float]:
    """(conductances, rms error [S]) by L-BFGS-B within the bounds; a gain a column is eliminated.

    The adjoint: dW_ij / dG_kl = u_kl v_kl, cell voltages under 1 V on word line i and on bit line j.
    """
    (m, n), (smallest, largest) = crossbar.shape, BOUNDS
    on_rows, on_columns = np.zeros((m, m, n)), np.zeros((n, m, n))
    on_rows[np.arange(m), np.arange(m)] = 1.0
    on_columns[np.arange(n), :, np.arange(n)] = 1.0

    def deviation(G: np.ndarray, W: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        gain = (W * wanted).sum(axis=0) / (W**2).sum(axis=0)
        return gain, gain * W - wanted

    def cost(x: np.ndarray) -> tuple[float, np.ndarray]:
        network = LinearNetwork(crossbar, x.reshape(m, n) * largest)
        u = network.cell_voltages(on_rows)
        W = (network.conductances * u).sum(axis=1)
        gain, residual = deviation(network.conductances, W)
        adjoint = np.einsum("ij,jkl->ikl", residual * gain, network.cell_voltages(on_columns))
        scale = (largest - smallest) ** 2
        gradient = (adjoint * u).sum(axis=0) * largest / scale
        return 0.5 * float((residual**2).sum()) / scale, gradient.ravel()

    found = minimize(
        cost,
        (wanted / largest).ravel(),
        jac=True,
        method="L-BFGS-B",
        bounds=[(smallest / largest, 1.0)] * wanted.size,
        options={"maxiter": steps, "maxcor": 20, "ftol": 1e-15, "gtol": 1e-12},
    )
    G = found.x.reshape(m, n) * largest
    _, residual = deviation(G, LinearNetwork(crossbar, G).effective_weights())
    return G, float(np.sqrt(np.mean(residual**2)))


def compare(rows: int, columns: int, ohms: float, spread: float, repeats: int) -> Row:
    """One array of weights drawn from [-spread, spread], by both ways, interleaved."""
    rng = np.random.default_rng(rows)
    crossbar = Crossbar(rows=rows, columns=columns, r_source=10.0, r_word=ohms, r_bit=ohms, r_sense=10.0)
    states = 0.5 + 0.5 * rng.uniform(-spread, spread, (rows, columns))
    wanted = np.asarray(conductance(states, V_R, DEVICE.memristor))
    ours = predistort(crossbar, wanted, *BOUNDS)
    _, theirs = least_squares(crossbar, wanted, 100)
    own, other = in_turns(
        [lambda: predistort(crossbar, wanted, *BOUNDS), lambda: least_squares(crossbar, wanted, 100)],
        repeats,
    )
    per_siemens, _ = mapping_constants(DEVICE)
    return row(
        f"{rows}x{columns}, {ohms:g} Ohm, g within {spread:g}",
        own,
        "L-BFGS-B",
        other,
        per_siemens * ours.error,
        peer_error=per_siemens * theirs,
        clipped=ours.clipped,
    )


def measure(quick: bool) -> Iterator[Row]:
    """Small arrays first; errors are rms of g."""
    cases = [(32, 16, 1.0, 1.0), (32, 16, 10.0, 1.0)]
    if not quick:
        cases += [(65, 6, 1.0, 1.0), (65, 6, 10.0, 1.0), (64, 65, 1.0, 0.5), (64, 65, 5.0, 0.5)]
    for case in cases:
        yield compare(*case, repeats=1 if quick else 3)


if __name__ == "__main__":
    main(__doc__ or "", measure)
