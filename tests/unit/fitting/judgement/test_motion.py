"""Whether pulses move anything: flat readings make no device, weak, noisy or alternating motion does."""

import numpy as np
import pytest

from fitting.judgement.choice import chosen
from fitting.judgement.motion import require_motion
from fitting.readers.measurements import Measurements
from roa_circuit.basics.errors import InputError


def readings(G, V=-1.0, trains=1):
    """Conductances [S] at 0.1 V behind a pulse of V [V] each."""
    G, count = np.asarray(G), len(G) // trains
    volts = np.broadcast_to(np.asarray(V, float), len(G)).copy()
    return Measurements(
        source="made", labels=tuple(f"t{n}" for n in range(trains)),
        train=np.repeat(np.arange(trains), count), voltage=volts, width=np.where(volts != 0, 1e-6, 0.0),
        read_voltage=np.full(len(G), 0.1), current=0.1 * G, sweep=np.zeros(len(G), bool),
    )  # fmt: skip


def noisy(G, seed=0, size=0.01):
    return np.asarray(G) * (1.0 + size * np.random.default_rng(seed).standard_normal(len(G)))


def test_a_flat_train_makes_no_device(prior):
    """A device with the prior's constants was written, and said to hold."""
    m = readings(noisy(np.full(61, 5e-5)))
    with pytest.raises(InputError, match=r"made: no pulse moves the conductance by more than the noise"):
        chosen(m, prior, "auto", weighting="auto", loss="linear")


def is_refused(m):
    try:
        require_motion(m)
    except InputError:
        return True
    return False


@pytest.mark.parametrize("trains", [1, 3])
def test_few_flat_readings_in_a_hundred_pass_for_motion(trains):
    G = np.full(60 * trains, 5e-5)
    assert sum(is_refused(readings(noisy(G, seed), trains=trains)) for seed in range(100)) >= 97


@pytest.mark.parametrize(
    ("G", "V"),
    [
        (np.linspace(5e-5, 5.15e-5, 61), -1.0),
        (5e-5 + 1e-7 * np.abs(np.arange(61) % 40 - 20), np.where(np.arange(61) % 40 < 20, 1, -1)),
        (np.tile([5e-5, 8e-5], 30), np.tile([1.0, -1.0], 30)),
        (np.tile([5e-5, 5.2e-5], 30), -1.0),
        (np.full(5, 5e-5), -1.0),
    ],
    ids=["weak", "up and down", "in turn", "of like pulses", "too few"],
)  # fmt: skip
def test_what_moves_or_may_have_moved_is_fitted(G, V):
    for seed in range(5):
        require_motion(readings(noisy(G, seed), V))


def test_retention_alone_makes_no_device():
    with pytest.raises(InputError, match="made: no pulse and no sweep"):
        require_motion(readings(noisy(np.linspace(5e-5, 4e-5, 30)), 0.0))
