"""What results say that they stand on."""

import dataclasses

import pytest

from roa_circuit.circuit.components import Amplifier
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.circuit.footing import cells, footing, remarks, to_dict
from roa_circuit.device.laws.windows import Windows


def test_a_device_that_potentiation_turns_down_is_said_to_be_reversed():
    """Layers, verifications and sweeps once took it without a word."""
    device = default_device()
    assert "reversed" not in footing(device, None)
    assert to_dict(device, None)["reversed"] is False
    law = device.memristor
    turned = device.with_constants(gamma=0.1 * law.alpha * law.beta / law.delta)
    assert cells(turned).endswith(", reversed: potentiation lowers its current at 0.05 V")
    assert footing(turned, None).endswith("at 0.05 V; without wires")
    assert to_dict(turned, None)["reversed"] is True


def test_what_a_sweep_varies_has_no_value_of_its_own():
    device, crossbar = default_device(), default_crossbar(2, 3)
    varied = {"r_word", "r_bit", "current_scale"}
    text = footing(device, crossbar, varied)
    assert text.endswith("current scale varied; wires varied, source 10 Ohm, sense 10 Ohm")
    assert "wires varied and 1 Ohm a segment, source 10 Ohm" in footing(device, crossbar, {"r_word"})
    assert footing(device, crossbar).endswith("wires 1 Ohm a segment, source 10 Ohm, sense 10 Ohm")
    found = to_dict(device, crossbar, {"r_sense"})
    assert found["lines"]["r_sense [Ohm]"] == "varied"
    assert found["lines"]["r_word [Ohm]"] == 1.0


def test_reads_that_end_in_amplifiers_do_not_end_in_the_sense_resistance():
    amplifier = Amplifier(r_feedback=1e5, gain=99.0)
    text = footing(default_device(), default_crossbar(2, 3), amplifier=amplifier)
    assert text.endswith("sense 10 Ohm, in reads amplifiers with inputs of 1 kOhm")


def in_ln_g(ratio):
    base = default_device()
    law = Windows(**base.memristor.constants, p=0.5, q=0.3, ratio=ratio)
    return dataclasses.replace(base, memristor=law)


@pytest.mark.parametrize("factor", [0.5, 1.5, 100.0])
def test_a_ratio_that_is_not_the_device_s_own_is_said_where_something_is_written(factor):
    """It was taken without a word, and pulses moved cells by it."""
    low, high = default_device().memristor.conductance_range(0.05)
    device = in_ln_g(max(factor * high / low, 1.01))
    (said,) = remarks(device)
    assert f"moves cells in ln G as if that were Gmax/Gmin, which is {high / low:.4g} at 0.05 V" in said
    assert remarks(device, writes=False) == []


def test_a_ratio_that_is_the_device_s_own_at_about_its_read_voltage_is_not():
    low, high = default_device().memristor.conductance_range(0.2)
    assert remarks(in_ln_g(high / low)) == []
    assert remarks(in_ln_g(1.0)) == []
    turned = in_ln_g(high / low)
    law = turned.memristor
    assert remarks(turned.with_constants(gamma=0.1 * law.alpha * law.beta / law.delta)) == []
