"""What results say that they stand on."""

from roa_circuit.circuit.components import Amplifier
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.circuit.footing import cells, footing, to_dict


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
