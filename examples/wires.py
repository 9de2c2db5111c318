"""What wires do to a matrix product: the same array behind better and worse lines, driven twice.

python examples/wires.py
"""

import dataclasses

import numpy as np

from roa_circuit.basics.units import percent
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_device
from roa_circuit.device.parameters import load_device
from roa_circuit.solver.read import read_currents

rng = np.random.default_rng(0)
array = Crossbar(rows=64, columns=20)
state, voltages = rng.random(array.shape), rng.uniform(0, 0.1, (8, 64))

print("wire [Ohm]   loss, cells of Table 1   loss, design point")
for ohms in (0.01, 0.1, 1.0, 10.0):
    losses = []
    for device in (load_device("zhang2021"), default_device()):
        wired = dataclasses.replace(array, r_word=ohms, r_bit=ohms)
        real = read_currents(wired, state, voltages, device)
        losses.append(1 - (real / read_currents(array, state, voltages, device)).mean())
    print(f"{ohms:10g}   {percent(losses[0], 2):>22}   {percent(losses[1], 2):>18}")

print("\nword lines driven at   loss at 10 Ohm, design point   columns: first, middle, last")
square, volts = Crossbar(rows=64, columns=64, r_word=10.0, r_bit=10.0), rng.uniform(0, 0.1, (8, 64))
state, perfect = rng.random(square.shape), square.ideal()
for drive in ("left", "both"):
    real = read_currents(dataclasses.replace(square, drive=drive), state, volts, default_device())
    loss = 1 - (real / read_currents(perfect, state, volts, default_device())).mean(axis=0)
    mean, *some = (percent(one) for one in (loss.mean(), loss[0], loss[32], loss[-1]))
    print(f"{drive:>20}   {mean:>28}   {some[0]:>13} {some[1]:>7} {some[2]:>6}")
