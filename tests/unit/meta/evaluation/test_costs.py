"""What a write costs, against the waveforms and against Eq. 1-2 integrated step by step."""

import dataclasses

import numpy as np
import pytest

from meta.evaluation.costs import erase_cost, write_cost
from roa_circuit.circuit.waveforms import write_programme
from roa_circuit.device.laws.windows import Windows
from roa_circuit.device.memristor import current, state_derivative
from roa_circuit.device.parameters import load_device
from roa_circuit.device.programming import after_pulses, pulse_doses

DEVICE = load_device("zhang2021")


def test_time_is_that_of_the_pulse_programme():
    pulses = np.random.default_rng(0).integers(-3, 4, (6, 4))
    cost = write_cost(np.full((6, 4), 0.5), pulses, DEVICE)
    programme = [pulse.duration for pulse in write_programme(pulses, DEVICE)]
    assert cost.seconds == pytest.approx(sum(programme))
    assert cost.pulses == np.abs(pulses).sum()
    assert cost.cells_written == np.count_nonzero(pulses)


@pytest.mark.long
@pytest.mark.parametrize("count", [2, -3])
def test_energy_is_the_integral_of_voltage_and_current(count):
    p = DEVICE.pulses
    voltage, width = (
        (p.potentiation_voltage, p.potentiation_width)
        if count > 0
        else (p.depression_voltage, p.depression_width)
    )
    omega, energy, parts = 0.3, 0.0, 4000
    for _ in range(abs(count) * parts):
        energy += voltage * current(omega, voltage, DEVICE.memristor) * width / parts
        omega += state_derivative(omega, voltage, DEVICE.memristor) * width / parts
    cost = write_cost(np.array([[0.3]]), np.array([[count]]), DEVICE)
    assert cost.energy == pytest.approx(energy, rel=5e-3)


def test_erasing_is_the_sum_of_every_pulse_back():
    """Cell by cell, pulse by pulse, beside the sum in closed form."""
    p, (up, down) = DEVICE.pulses, pulse_doses(DEVICE)
    state = np.array([[0.02, 0.02], [0.02, 0.02]])
    pulses = np.array([[3, 1], [0, 2]])
    energy, slowest = 0.0, [0, 0]
    for (row, _), count in np.ndenumerate(pulses):
        omega, taken = 1 - 1 / (1 / 0.98 + count * up), 0
        while count and abs(1 / omega - 50) > down / 2:
            along = 1 / (1 / omega + down * (np.arange(200) + 0.5) / 200)
            flow = current(along, p.depression_voltage, DEVICE.memristor)
            energy += p.depression_voltage * p.depression_width * float(np.mean(flow))
            omega, taken = 1 / (1 / omega + down), taken + 1
        slowest[row] = max(slowest[row], taken)
    found = erase_cost(state, pulses, DEVICE)
    assert found[0] == pytest.approx(energy, rel=1e-6)
    assert found[1] == pytest.approx(sum(slowest) * p.depression_width * 1.03, rel=1e-9)
    assert energy > 50 * write_cost(state, pulses, DEVICE).energy
    assert erase_cost(state, 0 * pulses, DEVICE) == (0.0, 0.0)


def test_erasing_follows_the_law():
    """It once counted pulses, and summed them, by Eq. 1 whatever the law was."""
    own = DEVICE.memristor
    branches = {name: getattr(own, name) for name in ("gamma", "delta", "alpha", "beta")}
    law = Windows(**branches, k=1e-4, mu1=19.25, mu2=13.0, p=1.0, q=0.5, ratio=20.0)
    device = dataclasses.replace(DEVICE, memristor=law)
    state, pulses = np.array([[0.02, 0.3]]), np.array([[3, 1]])
    now = after_pulses(state, pulses, device)
    count = np.array([[-5, -1]])
    back, short = (np.asarray(after_pulses(now, count + one, device)) for one in (0, 1))
    assert (np.abs(back - state) < np.abs(short - state)).all()
    cost = write_cost(now, count, device)
    assert erase_cost(state, pulses, device) == pytest.approx((cost.energy, cost.seconds), rel=1e-6)


def test_nothing_written_costs_nothing():
    cost = write_cost(np.full((2, 3), 0.5), np.zeros((2, 3), dtype=int), DEVICE)
    assert (cost.pulses, cost.energy, cost.seconds) == (0, 0.0, 0.0)


@pytest.mark.parametrize("kind", [np.uint8, bool])
def test_unsigned_counts_cost_what_signed_ones_do(kind):
    """Their negative was a raw error of numpy's."""
    pulses, state = np.array([[1, 0], [1, 1]]), np.full((2, 2), 0.3)
    unsigned = pulses.astype(kind)
    assert write_cost(state, unsigned, DEVICE) == write_cost(state, pulses, DEVICE)
    assert erase_cost(state, unsigned, DEVICE) == erase_cost(state, pulses, DEVICE)
    programme = [list(write_programme(one, DEVICE)) for one in (unsigned, pulses)]
    assert [one.duration for one in programme[0]] == [one.duration for one in programme[1]]
