"""Sweeps round a circuit of one's own: its amplifiers, transistors, lines and temperature."""

import dataclasses
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roa_circuit.basics.errors import InputError
from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.chips.in_situ import write_in_situ
from roa_circuit.circuit.components import Amplifier, Transistor
from roa_circuit.circuit.scaling import voltage_from_input
from roa_circuit.circuit.wiring import Wiring
from roa_circuit.device.programming import after_pulses
from roa_circuit.layers.recovery import recover
from roa_circuit.layers.tiling import TileSize
from roa_circuit.solver.dense import read_currents_dense
from roa_circuit.sweeps import LayerSubject, sweep
from roa_circuit.sweeps.fields import shared_fields
from roa_circuit.sweeps.summary import said

UNEVEN = Wiring(r_word=3.0, r_bit=(1.0, 4.0, 2.0, 9.0), drive="both")
WHOLE = Circuitry(
    temperature=350.0,
    activation_energy=0.1,
    c_word=1e-16,
    lines=UNEVEN,
    amplifier=Amplifier(r_feedback=2e3, gain=40.0, gain_bandwidth=1e8),
    transistor=Transistor(width_over_length=2.0),
)


def unwritten(layer):
    return dataclasses.replace(layer, pulses=np.zeros_like(layer.pulses))


def test_a_point_is_the_circuit_of_the_file_in_plain_steps(make_layer):
    layer = make_layer(rows=8, columns=4, reads=12)
    found = sweep(LayerSubject(layer=layer, circuitry=WHOLE), {"wire_factor": [2.0]}).squeeze()
    warmth = 1.0 + 3.9e-3 * (350.0 - 300.15)
    crossbar = dataclasses.replace(
        layer.crossbar,
        r_word=2 * 3.0 * warmth,
        r_bit=tuple(2 * warmth * ohms for ohms in UNEVEN.r_bit),
        drive="both",
        scheme="ideal",
        temperature=350.0,
    )
    p = layer.device.memristor
    rate = np.exp(0.1 / 8.617333262e-5 * (1 / 300.15 - 1 / 350.0))
    warm = dataclasses.replace(layer.device, memristor=dataclasses.replace(p, k=p.k * rate))
    gate = {"transistor": WHOLE.transistor}
    state = write_in_situ(crossbar, layer.initial_state, layer.pulses, warm, **gate).state
    volts = np.asarray(voltage_from_input(layer.inputs, layer.device))
    ended = dataclasses.replace(crossbar, r_sense=2e3 / 41.0)
    currents = Circuitry(**gate).settled(ended, state, warm).currents(volts)
    intended = after_pulses(layer.initial_state, layer.pulses, layer.device)
    ideal = read_currents_dense(layer.crossbar.ideal(), intended, volts, layer.device)
    error = np.sqrt(np.mean((currents - ideal) ** 2) / np.mean(ideal**2))
    assert found.current_error.item() == pytest.approx(error, rel=1e-7)


@settings(max_examples=8)
@given(st.floats(100, 1e5), st.floats(1, 1e4))
def test_an_amplifier_is_its_input_resistance(make_layer, feedback, gain):
    layer = unwritten(make_layer(rows=6, columns=4))
    amplified = LayerSubject(layer=layer, circuitry=Circuitry(amplifier=Amplifier(r_feedback=1.0)))
    point = {"amplifier_r_feedback": feedback, "amplifier_gain": gain}
    resistor = {"sense_resistance": feedback / (1 + gain)}
    assert amplified.evaluate(point, [0]) == LayerSubject(layer=layer).evaluate(resistor, [0])


def test_warm_wires_are_longer_wires_and_warm_noise_is_louder(make_layer):
    subject = LayerSubject(layer=unwritten(make_layer()))
    warm = subject.evaluate({"temperature": 400.15, "wire_resistance": 2.0}, [0])
    assert warm == subject.evaluate({"wire_resistance": 2.0 * (1 + 3.9e-3 * 100)}, [0])
    noisy = dataclasses.replace(subject, imperfections=Imperfections(bandwidth=1e9))
    still = {"wire_coefficient": [0.0], "temperature": [100.0, 400.0]}
    quiet, loud = sweep(noisy, still).mac_error.values.ravel()
    assert loud > 1.2 * quiet


def test_tiles_have_the_amplifiers_too_and_workers_carry_them(make_layer):
    subject = LayerSubject(
        layer=make_layer(rows=9, columns=4),
        circuitry=dataclasses.replace(WHOLE, lines=Wiring()),
        tile=TileSize(rows=4, columns=2),
    )
    numbers = subject.evaluate({"amplifier_gain": 5.0}, [0])
    assert numbers["mac_error"][0] > subject.evaluate({"amplifier_gain": 5e3}, [0])["mac_error"][0]
    assert pickle.loads(pickle.dumps(subject)).evaluate({"amplifier_gain": 5.0}, [0]) == numbers


def test_compensation_gives_back_what_amplifiers_and_transistors_take(make_layer):
    layer = unwritten(make_layer(rows=12, columns=4, reads=20))
    found = {one.compensation.name: one for one in recover(layer, circuitry=WHOLE)}
    assert found["nothing"].mac_error > 0.05
    assert found["calibrated"].mac_error < 0.3 * found["nothing"].mac_error
    best = found["predistorted"]
    assert best.clipped == 0.0
    assert best.weight_error < 1e-5
    swept = sweep(LayerSubject(layer=layer, circuitry=WHOLE), {"compensation": list(found)}).squeeze()
    for name, one in found.items():
        assert swept.mac_error.sel(compensation=name).item() == pytest.approx(one.mac_error, rel=1e-6)


def test_a_store_of_another_circuit_is_refused(make_layer, tmp_path):
    how = {"vary": {"wire_factor": [1.0]}, "store": tmp_path / "points.jsonl"}
    layer = make_layer(columns=4)
    sweep(LayerSubject(layer=layer, circuitry=WHOLE), **how)
    sweep(LayerSubject(layer=layer, circuitry=WHOLE), **how)
    for other in (
        Circuitry(),
        dataclasses.replace(WHOLE, temperature=351.0),
        dataclasses.replace(WHOLE, amplifier=Amplifier(r_feedback=2e3, gain=41.0)),
        dataclasses.replace(WHOLE, lines=Wiring()),
    ):
        with pytest.raises(InputError, match="points of another circuit"):
            sweep(LayerSubject(layer=layer, circuitry=other), **how)


REFUSED = {
    "amplifier_gain": (Circuitry(), "no amplifiers; add a section"),
    "transistor_kp": (Circuitry(), "no transistors; add a section"),
    "sense_resistance": (WHOLE, "vary amplifier_gain or amplifier_r_feedback"),
    "sense_factor": (WHOLE, "vary amplifier_gain or amplifier_r_feedback"),
    "scheme": (WHOLE, "selected by the circuit's transistors"),
    "wire_resistance": (WHOLE, "gives r_bit line by line; vary wire_factor"),
    "bit_resistance": (WHOLE, "gives r_bit line by line; vary bit_factor"),
    "temperature": (WHOLE, "wires of 1 K conduct without resistance"),
    "amplifier_gain_bandwidth": (
        Circuitry(amplifier=Amplifier(r_feedback=1.0)),
        "an ideal amplifier has no pole",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_circuit_has_not_or_does_without_is_refused(make_layer, name):
    circuitry, says = REFUSED[name]
    with pytest.raises(InputError, match=says):
        sweep(
            LayerSubject(layer=make_layer(columns=4), circuitry=circuitry),
            {name: ["V/2"] if name == "scheme" else [1.0]},
        )


def test_what_does_not_settle_in_time_is_a_failed_point(make_layer):
    subject = LayerSubject(layer=make_layer(), circuitry=Circuitry(read_hold=1e-6))
    found = sweep(subject, {"c_bit": [1e-18, 1e-9], "compensation": ["predistorted"]}).squeeze()
    assert found.failed.sel(c_bit=1e-18) == ""
    assert "ends before reads have settled" in str(found.failed.sel(c_bit=1e-9).item())
    lagging = sweep(LayerSubject(layer=make_layer()), {"c_word": [1e-18, 1e-9]}).squeeze()
    assert "lag behind pulses" in str(lagging.failed.sel(c_word=1e-9).item())


def test_fields_of_the_circuit_are_written_and_said_with_their_units():
    fields = shared_fields()
    for name, text, value, shown in (
        ("c_word", "2 fF", 2e-15, "2 fF"),
        ("temperature", "350K", 350.0, "350 K"),
        ("amplifier_gain_bandwidth", "100 MHz", 1e8, "100 MHz"),
        ("amplifier_gain", "1k", 1e3, "1 k"),
        ("wire_coefficient", "3.9m", 3.9e-3, "0.0039 1/K"),
        ("activation_energy", "100 meV", 0.1, "100 meV"),
    ):
        assert fields[name].value(text) == pytest.approx(value)
        assert said(fields[name], value) == shown
