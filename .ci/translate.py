"""Have numba translate the kernels of a package, before tests whose processes would each do it.

python .ci/translate.py solver|network
"""

import sys

import numpy as np


def solver() -> None:
    """Reads, effective weights and a write of arrays that are large enough for compiled sweeps."""
    from roa_circuit import (
        default_crossbar,
        default_device,
        effective_weights,
        read_currents,
        write_in_situ,
    )

    rng, crossbar, device = np.random.default_rng(0), default_crossbar(64, 6), default_device()
    state = rng.random(crossbar.shape)
    read_currents(crossbar, state, 0.1 * rng.random((100, 64)), device)
    effective_weights(crossbar, state, device)
    write_in_situ(crossbar, state, rng.integers(-2, 3, crossbar.shape), device)


def network() -> None:
    """The loss of a task and its gradient, in single precision and in the fastest one."""
    import torch

    from meta.data.glyphs import render_glyphs
    from meta.data.tasks import sample_task
    from meta.learning.learners import outer_loss
    from meta.learning.reads import Passage
    from meta.network.precision import fastest_dtype
    from meta.network.shipped import shipped_network

    classes, rng = render_glyphs().split("train"), np.random.default_rng(0)
    task = sample_task(classes, rng, ways=5, shots=1, queries=1)
    for dtype in {torch.float32, fastest_dtype()}:
        loss, _ = outer_loss(shipped_network(), task, None, passage=Passage(dtype=dtype))
        loss.backward()


if __name__ == "__main__":
    {"solver": solver, "network": network}[sys.argv[1]]()
