"""The circuit file, what settled reads see of it, and the bounds on how long they take."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import eigh

from roa_circuit.basics.errors import InputError
from roa_circuit.basics.toml import dumps
from roa_circuit.chips.circuitry import BARE, Circuitry, described, load
from roa_circuit.chips.draw import draw
from roa_circuit.chips.programmable import WiredArray
from roa_circuit.chips.settling import (
    read_hold,
    require_prompt_writes,
    require_settled_reads,
    time_constant,
)
from roa_circuit.circuit.breaks import Break
from roa_circuit.circuit.components import Amplifier, Transistor
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.device.memristor import conductance

FULL = Circuitry(
    c_word=1e-15,
    c_bit=2e-15,
    c_cell=5e-16,
    read_hold=3e-6,
    temperature=350.0,
    activation_energy=0.3,
    amplifier=Amplifier(r_feedback=1e4, gain=1e3, gain_bandwidth=1e8),
    transistor=Transistor(threshold=0.4),
)


@pytest.mark.parametrize("circuitry", [BARE, FULL, Circuitry(transistor=Transistor())])
def test_a_file_reads_back_exactly(circuitry):
    assert Circuitry.from_toml(dumps(circuitry.to_dict())) == circuitry


def test_a_line_says_all_of_it():
    said = described(FULL.to_dict())
    assert said.startswith("c_word 1e-15 F, c_bit 2e-15 F")
    assert "amplifier: r_feedback 10000 Ohm, gain 1000, gain_bandwidth 1e+08 Hz" in said


MISTAKES = {
    "unit": ('"c_word [pF]" = 1', "unknown key 'c_word [pF]'; did you mean 'c_word [F]'"),
    "negative": ('"c_bit [F]" = -1e-15', "c_bit = -1e-15 F must not be negative"),
    "text": ('"c_bit [F]" = "few"', "c_bit = 'few' must be a finite number"),
    "cold": ('"temperature [K]" = 0', "temperature = 0 K must be greater than 0"),
    "superconducting": ('"temperature [K]" = 20', "near room temperature"),
    "no feedback": ("[amplifier]", "lacks 'r_feedback [Ohm]'"),
    "pole of none": (
        '[amplifier]\n"r_feedback [Ohm]" = 1\n"gain_bandwidth [Hz]" = 1',
        "needs a gain",
    ),
    "gates": ('[transistor]\n"gate_on [V]" = 0.3', "must lie between gate_off"),
    "nested": ('[transistor]\n"c_word [F]" = 1', "[transistor] has an unknown key"),
    "no section": ("amplifier = 3", "must be a section"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered_with_what_to_do(mistake, tmp_path):
    text, message = MISTAKES[mistake]
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(InputError) as raised:
        load(tmp_path / "c.toml")
    assert str(raised.value).startswith(f"{tmp_path / 'c.toml'}: ")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_warm_wires_resist_and_warm_cells_switch_faster():
    warm = Circuitry(temperature=400.15, wire_coefficient=4e-3, activation_energy=0.5)
    crossbar, device = warm.applied(default_crossbar(3, 2), default_device())
    assert (crossbar.r_word, crossbar.r_bit) == pytest.approx((1.4, 1.4))
    assert (crossbar.r_source, crossbar.r_sense) == (10.0, 10.0)
    arrhenius = math.exp(0.5 / 8.617333262e-5 * (1 / 300.15 - 1 / 400.15))
    assert device.memristor.k == pytest.approx(1e-4 * arrhenius)
    assert BARE.applied(default_crossbar(3, 2), default_device()) == (
        default_crossbar(3, 2),
        default_device(),
    )


def test_what_a_settled_read_sees():
    crossbar, device = default_crossbar(3, 2), default_device()
    state = np.linspace(0, 1, 6).reshape(3, 2)
    amplified = Circuitry(amplifier=Amplifier(r_feedback=1e4, gain=99.0))
    assert amplified.settled(crossbar, state, device).crossbar.r_sense == pytest.approx(100.0)
    ideal = Circuitry(amplifier=Amplifier(r_feedback=1e4))
    assert ideal.settled(crossbar, state, device).crossbar.r_sense == 0.0
    gated = Circuitry(transistor=Transistor())
    r = Transistor().on_resistance()
    assert r == pytest.approx(1 / (2e-4 * 10 * 2.0))
    V = device.pulses.read_voltage
    seen = gated.settled(crossbar, state, device).nearly
    np.testing.assert_allclose(
        1 / conductance(state, V, seen.memristor), 1 / conductance(state, V, device.memristor) + r
    )


def exact_time_constant(crossbar, device, c, end):
    """The slowest of the RC network with every cell at its lowest conductance, by eigenvalues."""
    m, n = crossbar.shape
    word = np.arange(m * n).reshape(m, n)
    bit = word + m * n
    G, C = np.zeros((2 * m * n, 2 * m * n)), np.zeros((2 * m * n, 2 * m * n))

    def join(matrix, a, b, value):
        matrix[a, a] += value
        if b is not None:
            matrix[b, b] += value
            matrix[a, b] -= value
            matrix[b, a] -= value

    g = float(conductance(0.0, device.pulses.read_voltage, device.memristor))
    for i, j in np.ndindex(m, n):
        left = word[i, j - 1] if j else None
        below = bit[i + 1, j] if i + 1 < m else None
        join(G, word[i, j], left, 1 / (crossbar.r_word + (0 if j else crossbar.r_source)))
        join(G, bit[i, j], below, 1 / (crossbar.r_bit + (0 if i + 1 < m else end)))
        join(G, word[i, j], bit[i, j], g)
        join(C, word[i, j], None, c.c_word)
        join(C, bit[i, j], None, c.c_bit)
        join(C, word[i, j], bit[i, j], c.c_cell)
    return float(eigh(C, G, eigvals_only=True).max())


ohms = st.floats(0.1, 1e4)
farads = st.floats(1e-18, 1e-12)


@given(m=st.integers(1, 5), n=st.integers(1, 5), r=st.tuples(*[ohms] * 4), c=st.tuples(*[farads] * 3))
def test_the_time_constant_is_a_bound_and_no_wild_one(m, n, r, c):
    names = ("r_source", "r_word", "r_bit", "r_sense")
    crossbar = Crossbar(rows=m, columns=n, **dict(zip(names, r, strict=True)))
    circuitry = Circuitry(c_word=c[0], c_bit=c[1], c_cell=c[2])
    exact = exact_time_constant(crossbar, default_device(), circuitry, crossbar.r_sense)
    bound = time_constant(crossbar, default_device(), circuitry)
    assert exact <= bound * (1 + 1e-9)
    # Cells shorten it by their load on lines; here they hardly do.
    load = (m + n) * (crossbar.r_source + crossbar.r_sense + m * crossbar.r_bit + n * crossbar.r_word)
    assert bound <= 4 * exact * (1 + 1.6e-5 * load)


def test_reads_are_held_as_long_as_they_need():
    crossbar, device = default_crossbar(64, 64), default_device()
    assert read_hold(crossbar, device, BARE) == 1e-6
    slow = Circuitry(c_word=1e-10)
    assert read_hold(crossbar, device, slow) == pytest.approx(20 * 1e-10 * (640 + 32 * 65))
    require_settled_reads(crossbar, device, slow)
    with pytest.raises(InputError, match=r"read_hold = 1 µs ends before .* hold 5\.44 µs"):
        require_settled_reads(crossbar, device, dataclasses.replace(slow, read_hold=1e-6))


def test_a_cut_line_relaxes_through_its_cells():
    crossbar = dataclasses.replace(default_crossbar(4, 3), breaks=(Break(line="word", row=0, column=1),))
    circuitry = Circuitry(c_word=1e-15)
    whole = time_constant(default_crossbar(4, 3), default_device(), circuitry)
    assert time_constant(crossbar, default_device(), circuitry) > whole + 2 * 1e-15 * 100e3


def test_writes_through_slow_lines_are_refused():
    crossbar, device = default_crossbar(64, 5), default_device()
    require_prompt_writes(crossbar, device, Circuitry(c_bit=1e-12), instead="wait")
    with pytest.raises(InputError, match=r"pulses of 3 µs.*bears at most 8\.33 ns; .*or wait"):
        require_prompt_writes(crossbar, device, Circuitry(c_bit=1e-11), instead="wait")


def test_the_surrogate_programs_no_array_that_it_cannot_follow():
    chip = draw(None, default_crossbar(64, 5), default_device(), np.random.default_rng(0))
    state = np.full((64, 5), 0.5)
    WiredArray(chip, state, default_device(), Circuitry(c_bit=1e-12))
    for circuitry, why in (
        (Circuitry(c_bit=1e-11), "knows no lag.*write in a simulator"),
        (Circuitry(c_bit=1e-12, read_hold=1e-8), "ends before reads have settled"),
    ):
        with pytest.raises(InputError, match=why):
            WiredArray(chip, state, default_device(), circuitry)
