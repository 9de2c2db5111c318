"""A device a cell: constants as arrays give what each cell gives alone."""

import dataclasses
import re

import numpy as np
import pytest
import torch

from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_device
from roa_circuit.device import memristor as m
from roa_circuit.device.parameters import Device, load_device
from roa_circuit.device.programming import Programming, pulse_doses, write
from roa_circuit.device.spread import CONSTANTS
from roa_circuit.solver.read import read_currents

TABLE_1 = load_device("zhang2021")
SHAPE = (4, 3)


def spread_out(device=TABLE_1, wrap=np.asarray, seed=0):
    """The device with every constant drawn anew for each of 4 x 3 cells."""
    rng = np.random.default_rng(seed)
    names = (*CONSTANTS, "current_scale")
    drawn = {n: wrap(getattr(device.memristor, n) * rng.uniform(0.8, 1.25, SHAPE)) for n in names}
    return dataclasses.replace(device, memristor=dataclasses.replace(device.memristor, **drawn))


def alone(device, cell):
    values = {name: float(value[cell]) for name, value in vars(device.memristor).items()}
    return dataclasses.replace(device, memristor=dataclasses.replace(device.memristor, **values))


def every_function(device, state, volts):
    """What all functions of the cell give for this device."""
    p, read_voltage = device.memristor, device.pulses.read_voltage
    return [
        m.rate(volts, p),
        m.state_derivative(state, volts, p),
        m.pulse_strength(volts, 1e-6, p, edge=1e-8),
        m.current(state, volts, p),
        m.differential_conductance(state, volts, p),
        m.conductance(state, read_voltage, p),
        m.state_from_conductance(1e-3, read_voltage, p),
        *pulse_doses(device),
    ]


def test_every_function_of_the_cell_takes_arrays():
    device, rng = spread_out(), np.random.default_rng(1)
    state, volts = rng.random(SHAPE), rng.uniform(-1.5, 1.5, SHAPE)
    whole = every_function(device, state, volts)
    for cell in np.ndindex(SHAPE):
        expected = every_function(alone(device, cell), state[cell], volts[cell])
        assert [array[cell] for array in whole] == pytest.approx(expected, rel=1e-12)


def test_numpy_and_torch_constants_give_the_same():
    in_numpy, in_torch = spread_out(), spread_out(wrap=torch.from_numpy)
    state = np.random.default_rng(1).random(SHAPE)
    change = np.full(SHAPE, 0.3)
    written, count = write(state, change, TABLE_1, Programming(), cells=in_numpy)
    tensors = torch.from_numpy(state), torch.from_numpy(change)
    torch_written, torch_count = write(*tensors, TABLE_1, Programming(), cells=in_torch)
    np.testing.assert_allclose(torch_written.numpy(), written, rtol=1e-12)
    np.testing.assert_array_equal(torch_count.numpy(), count)


def test_pulses_are_counted_for_one_device_and_meet_another():
    state = np.full(SHAPE, 0.5)
    slow = dataclasses.replace(
        TABLE_1, memristor=dataclasses.replace(TABLE_1.memristor, k=np.full(SHAPE, 0.5e-4))
    )
    meant, count = write(state, np.full(SHAPE, 0.3), TABLE_1, Programming())
    written, same_count = write(state, np.full(SHAPE, 0.3), TABLE_1, Programming(), cells=slow)
    np.testing.assert_array_equal(count, same_count)
    np.testing.assert_allclose(1 / (1 - written) - 2, 0.5 * (1 / (1 - meant) - 2), rtol=1e-12)


def test_an_ideal_array_adds_what_each_cell_gives():
    device, rng = spread_out(default_device()), np.random.default_rng(2)
    state, volts = rng.random(SHAPE), 0.1 * rng.random((5, SHAPE[0]))
    expected = m.current(state, volts[:, :, None], device.memristor).sum(axis=1)
    currents = read_currents(Crossbar(rows=4, columns=3), state, volts, device)
    np.testing.assert_allclose(currents, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("mu1", 0.0, r"mu1 has the value 0.0 1/V; all must be finite, greater than 0"),
        ("k", -1.0, r"k has the value -1.0 1/s; all must be finite, not negative"),
        ("alpha", np.nan, r"alpha has the value nan A"),
    ],
)
def test_every_number_of_an_array_is_checked(name, value, complaint):
    with pytest.raises(InputError, match=complaint):
        dataclasses.replace(TABLE_1.memristor, **{name: np.array([[1.0, value]])})


def test_edges_are_part_of_the_parameter_set():
    text = TABLE_1.to_toml()
    assert '"edge_fraction [-]" = 0.01' in text
    without = re.sub(r'"edge_fraction \[-\]".*\n', "", text)
    assert Device.from_toml(without) == TABLE_1
