"""The compact model's text: Eq. 1 and 2 as `device.memristor` has them, in both languages."""

import dataclasses
import math
import re

import numpy as np
import pytest

from roa_circuit.device.arrays import LARGEST_EXPONENT
from roa_circuit.device.compact_model import inlined, limited, ngspice_library
from roa_circuit.device.laws.branches import BRANCHES, CURRENT
from roa_circuit.device.laws.exponential import RATE
from roa_circuit.device.laws.zhang2021 import ROOM
from roa_circuit.device.memristor import current, rate, state_derivative
from roa_circuit.device.parameters import Device, load_device
from roa_circuit.device.verilog_a import verilog_a


def evaluated(text, v, omega, device):
    """The shared text read by Python, which has its operators but for the conditional."""
    python = re.sub(r"\((\S+ < 0) \? (.*) : (.*)\)$", r"(\2 if \1 else \3)", text)
    names = {**dataclasses.asdict(device.memristor), "largest": LARGEST_EXPONENT, "v": v, "omega": omega}
    return eval(python, {"exp": math.exp, "sinh": math.sinh, "max": max, "min": min}, names)


@pytest.mark.parametrize("v", [-3.8, -1.1, -0.05, 0.0, 0.05, 1.4, 3.5])
@pytest.mark.parametrize("omega", [0.0, 0.3, 1.0])
def test_the_text_is_the_physics(v, omega):
    device = load_device("zhang2021").scaled(0.37)
    p = device.memristor
    whole = inlined(CURRENT, BRANCHES)
    assert evaluated(whole, v, omega, device) == pytest.approx(float(current(omega, v, p)), rel=1e-13)
    assert evaluated(RATE, v, omega, device) == pytest.approx(float(rate(v, p)), rel=1e-13)
    moved = evaluated(limited(RATE), v, omega, device) * evaluated(ROOM, v, omega, device) ** 2
    assert moved == pytest.approx(float(state_derivative(omega, v, p)), rel=1e-13)


@pytest.mark.parametrize("v", [-100.0, 100.0])
def test_the_limit_is_that_of_the_surrogate(v):
    device = load_device("zhang2021")
    assert evaluated(limited(RATE), v, 0.5, device) == pytest.approx(float(rate(v, device.memristor)))


@pytest.mark.parametrize("write", [ngspice_library, verilog_a])
def test_the_text_carries_every_digit(write):
    device = load_device("zhang2021").scaled(0.1 + 0.2)
    values = re.findall(r"current_scale ?= ?([^ \n]+)", write(device))
    assert set(values) == {"0.30000000000000004"}


def test_verilog_a_says_units_and_ranges():
    text = verilog_a(load_device("zhang2021"))
    parameters = dict(re.findall(r"parameter real (\w+) = \S+ from (\S+);", text))
    assert list(parameters) == ["w0", *load_device("zhang2021").memristor.constants]
    assert parameters["w0"] == "[0:1]"
    assert parameters["mu1"] == "(0:inf)"
    assert parameters["k"] == "[0:inf)"  # a cell that never switches
    units = re.findall(r'units="([^"]+)", type="instance"', text)
    assert units == ["1", "1/s", "1/V", "1/V", "A", "1/V", "A", "1/V", "1"]


def test_a_constant_of_each_cell_is_a_parameter_that_instances_give():
    device = load_device("zhang2021")
    many = dataclasses.replace(device.memristor, k=np.full((2, 3), 1e-4))
    text = verilog_a(dataclasses.replace(device, memristor=many))
    assert "parameter real k = 1.0 from [0:inf);" in text


def test_names_from_files_stay_comments():
    device = load_device("zhang2021")
    evil = Device(
        name="x\n`include \"/etc/passwd\"",
        citation="y\r\nendmodule\u2028module z; \\",
        memristor=device.memristor,
        pulses=device.pulses,
    )  # fmt: skip
    lines = verilog_a(evil).splitlines()
    assert [line for line in lines if line.startswith("`")] == ['`include "disciplines.vams"']
    assert sum("endmodule" in line and not line.startswith("//") for line in lines) == 1
    assert not any(line.endswith("\\") for line in lines)
