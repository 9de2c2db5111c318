"""Whether pulses move anything: flat readings make no device, weak, noisy or alternating motion does."""

import numpy as np
import pytest

from fitting.judgement.choice import chosen
from fitting.population.spread import spread
from fitting.readers.measurements import Measurements
from fitting.search.fit import fit_device
from fitting.search.motion import require_motion, require_motion_of_each
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


def test_nor_does_it_in_python(prior):
    """`fit_device` gave the prior's constants, with a misfit of the noise."""
    m = readings(noisy(np.full(61, 5e-5)))
    with pytest.raises(InputError, match=r"made: no pulse moves the conductance by more than the noise"):
        fit_device(m, prior)


def test_a_population_that_stands_has_no_spread(prior):
    m = readings(noisy(np.full(180, 5e-5)), trains=3)
    with pytest.raises(InputError, match=r"made: no pulse moves the conductance by more than the noise"):
        spread(m, m.labels, prior)


def test_one_device_that_stands_is_named(prior):
    """Its constants were anything, and widened those of the population."""
    G = np.linspace(5e-5, 8e-5, 60)
    m = readings(noisy(np.concatenate([G, np.full(60, 5e-5), G])), trains=3)
    with pytest.raises(
        InputError, match=r"made: nothing moves in t1 by more than the noise of a reading"
    ):
        spread(m, m.labels, prior)


def test_of_many_devices_that_stand_five_are_named():
    G = np.linspace(5e-5, 8e-5, 60)
    m = readings(noisy(np.concatenate([G, *[np.full(60, 5e-5)] * 7])), trains=8)
    each = {name: m.of_trains([place]) for place, name in enumerate(m.labels)}
    with pytest.raises(InputError, match=r"nothing moves in t1, t2, t3, t4, t5 and 2 more by"):
        require_motion_of_each(m, each)


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
