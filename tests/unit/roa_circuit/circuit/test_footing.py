"""What results say that they stand on."""

from roa_circuit.circuit.design_point import default_device
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
