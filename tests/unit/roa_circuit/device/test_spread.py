"""Spread: what is drawn has the stated covariance; files keep it; nonsense is refused."""

import dataclasses

import numpy as np
import pytest

from roa_circuit import Spread
from roa_circuit.basics.errors import InputError
from roa_circuit.device.parameters import Device, load_device
from roa_circuit.device.spread import CONSTANTS

TABLE_1 = load_device("zhang2021")
SPREAD = Spread(
    names=("k", "gamma"), log_covariance=((0.04, -0.01), (-0.01, 0.09)), sigma_wn=1 / 30, devices=12
)


def test_draws_have_the_stated_covariance():
    factors = SPREAD.draw(np.random.default_rng(1), (200, 100))
    assert set(factors) == set(CONSTANTS)
    assert factors["k"].shape == (200, 100)
    logs = np.log([factors[name].ravel() for name in CONSTANTS])
    np.testing.assert_allclose(np.cov(logs), SPREAD.covariance, atol=0.003)
    np.testing.assert_allclose(logs.mean(axis=1), 0.0, atol=0.01)
    assert (factors["mu1"] == 1).all()


def test_the_same_seed_draws_the_same_devices():
    one, two = (SPREAD.draw(np.random.default_rng(7), 5)["k"] for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert np.shape(SPREAD.draw(np.random.default_rng(7))["k"]) == ()


def test_a_covariance_without_full_rank_can_be_drawn_from():
    tied = Spread(names=("gamma", "alpha"), log_covariance=((0.04, 0.04), (0.04, 0.04)))
    factors = tied.draw(np.random.default_rng(2), 50)
    np.testing.assert_allclose(factors["gamma"], factors["alpha"], rtol=1e-6)


def test_toml_round_trip_is_exact(tmp_path):
    device = dataclasses.replace(TABLE_1, spread=SPREAD)
    path = tmp_path / "device.toml"
    path.write_text(device.to_toml(), encoding="utf-8")
    assert load_device(path) == device
    assert hash(load_device(path)) == hash(device)
    assert Device.from_dict(device.to_dict()) == device
    assert "spread" not in TABLE_1.to_toml()


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        ({"names": ["kk"], "log_covariance [-]": [[1.0]]}, "did you mean 'k'"),
        ({"names": ["k", "k"], "log_covariance [-]": [[1.0, 0.0], [0.0, 1.0]]}, "repeats"),
        ({"names": ["k"]}, "must have 1 rows of 1"),
        ({"names": ["k"], "log_covariance [-]": [["x"]]}, "finite numbers"),
        ({"names": ["k"], "log_covariance [-]": [1.0]}, "list of rows"),
        ({"names": "k"}, "list of constants"),
        ({"names": ["k"], "log_covariance [-]": [[-1.0]]}, "no covariance"),
        ({"names": ["k", "mu1"], "log_covariance [-]": [[1.0, 2.0], [2.0, 1.0]]}, "no covariance"),
        ({"names": ["k"], "log_covariance [-]": [[1e9]]}, "the limit is"),
        ({"sigma_wn [-]": -0.1}, "not negative"),
        ({"sigma [-]": 0.1}, r"did you mean 'sigma_wn \[-\]'"),
        ({"devices": 1.5}, "whole number"),
    ],
)
def test_complaints_say_what_is_wrong(section, complaint):
    with pytest.raises(InputError, match=complaint):
        Device.from_dict(TABLE_1.to_dict() | {"spread": section})


def test_a_spread_that_is_no_section():
    with pytest.raises(InputError, match=r"section \[spread\]"):
        Device.from_dict(TABLE_1.to_dict() | {"spread": 0.1})
