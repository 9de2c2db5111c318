"""Which ends of the range readings reach; where they reach few, the device is not called ready."""

import dataclasses

import numpy as np
import pytest

from fitting import fit_device
from fitting.judgement import ends
from fitting.judgement.conclusion import _doubts
from fitting.model.loss import Loss
from fitting.readers.measurements import Measurements
from roa_circuit.device.laws.zhang2021 import after_dose

V_READ = 0.1


def of_device(prior, low, high, pulses=40):
    """A fit to a train up and one down between two states of Table 1's device, with 0.3 % noise."""
    law, G, V, train = prior.memristor, [], [], []
    up = (1.0 / (1.0 - high) - 1.0 / (1.0 - low)) / pulses
    down = (1.0 / low - 1.0 / high) / pulses
    for number, (volts, begin, dose) in enumerate(((-1.0, low, up), (1.2, high, -down))):
        state = begin
        for place in range(pulses + 1):
            if place:
                state = float(after_dose(np.array(state), np.array(dose)))
            G.append(float(law.conductance(state, V_READ)))
            V.append(volts if place else 0.0)
            train.append(number)
    noise = 1.0 + 0.003 * np.random.default_rng(0).standard_normal(len(G))
    m = Measurements(
        source="made", labels=("up", "down"), train=np.array(train), voltage=np.array(V),
        width=np.where(np.array(V) != 0, 1e-6, 0.0), read_voltage=np.full(len(V), V_READ),
        current=V_READ * np.array(G) * noise, sweep=np.zeros(len(V), bool),
    )  # fmt: skip
    return fit_device(m, prior)


def test_a_range_that_was_read_through_has_no_ends_beyond(prior):
    f = of_device(prior, 0.005, 0.995)
    assert ends.beyond(f) == []
    assert ends.said(f) is None
    assert ends.to_measure(f) is None


def test_ends_that_no_reading_reaches_are_the_law_s(prior):
    f = of_device(prior, 0.2, 0.8)
    found = ends.beyond(f)
    smallest, largest = f.memristor.conductance_range(V_READ)
    assert [(one.name, one.way) for one in found] == [("Gmax", "up"), ("Gmin", "down")]
    assert [one.value for one in found] == pytest.approx([largest, smallest])
    assert ends.said(f).startswith("not measured: Gmax, 1.")
    assert ends.said(f).endswith("are as the law continues the readings")


def test_readings_of_a_small_part_of_the_range_leave_something_to_measure(prior):
    """'device.toml is ready' stood below a range of 65 times what was read."""
    f = of_device(prior, 0.2, 0.4)
    found = ends.to_measure(f)
    assert found.startswith(ends.spanned(f))
    assert found.startswith("readings span ")
    assert found.endswith("add pulses up and down until the conductance saturates")


def test_what_the_loss_threw_out_is_no_part_of_the_trusted_range(prior):
    f = of_device(prior, 0.2, 0.8)
    far = np.arange(len(f.residual)) == 7
    m = f.objective.measurements
    spoilt = dataclasses.replace(m, current=np.where(far, 3.0 * m.current, m.current))
    objective = dataclasses.replace(
        f.objective, measurements=spoilt, loss=Loss(name="cauchy", size=0.01)
    )
    f = dataclasses.replace(f, objective=objective, residual=np.where(far, 2.0, 0.003))
    assert not ends.met(f)[7]
    assert ends.met(f).sum() == len(m) - 1

    @dataclasses.dataclass
    class Choice:
        fit: object
        own: object = None

    largest = float(np.delete(m.conductance, 7).max())
    said = next(line for line in _doubts(Choice(fit=f)) if line.startswith("outside"))
    assert said.endswith(f"to {1e3 * largest:.3g} mS"), said
