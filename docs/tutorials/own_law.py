# %% [markdown]
# # Bring your own law
#
# Your device switches in its own way, and you have formulas for it. Here you learn to write them
# into a file, plot them, fit their constants to readings, and check an array of such devices in
# ngspice. You need no code for a law: the file is text.
#
# ## The file
#
# The state ω of a cell is between 0 and 1. `motion` is its rate dω/dt, `current` is in ampere, and
# `v` is the voltage of the cell. A negative voltage must raise ω. Each constant has a unit, a bound and a few
# words.

# %%
from pathlib import Path

Path("filament.toml").write_text(
    """
[law]
name = "filament"
citation = "our notebook, page 12"
motion = "-k*sinh(v/v_0)*(1 - omega if v < 0 else omega)"
current = "(g_off + (g_on - g_off)*omega)*0.8*sinh(v/0.8)"

[law.constants]
"k [1/s]" = "> 0; rate of switching"
"v_0 [V]" = "> 0; scale of the switching voltage"
"g_on [S]" = "> 0; conductance at omega = 1"
"g_off [S]" = "> 0; conductance at omega = 0"
"""
)
Path("mine.toml").write_text(
    """
name = "our filament"
citation = "wafer 3"

[memristor]
law = "filament.toml"
"k [1/s]" = 2.0
"v_0 [V]" = 0.1
"g_on [S]" = 1e-5
"g_off [S]" = 2e-6

[pulses]
"read_voltage [V]" = 0.1
"potentiation_voltage [V]" = -1.2
"potentiation_width [s]" = 1e-6
"depression_voltage [V]" = 1.2
"depression_width [s]" = 1e-6
"""
)

# %%
from roa_circuit import load_device

mine = load_device("mine.toml")
print(mine)

# %% [markdown]
# ## What it says
#
# The plots show the conductance over thirty pulses up and thirty down, and the current against the
# voltage in three states:

# %% alt="Left: conductance rises over 30 pulses and falls over 30 more. Right: three I-V curves, steeper for larger states"
import matplotlib.pyplot as plt
import numpy as np

from roa_circuit.device.programming import after_pulses

up = after_pulses(np.zeros(31), np.arange(31), mine)
down = after_pulses(np.full(31, up[-1]), -np.arange(31), mine)
law = mine.memristor
read = mine.pulses.read_voltage

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
left.plot(1e6 * law.current(np.concatenate([up, down]), read) / read, ".-")
left.set(xlabel="pulse", ylabel="conductance [µS]")
volts = np.linspace(-1, 1, 101)
for omega in (0.0, 0.5, 1.0):
    right.plot(volts, 1e6 * law.current(omega, volts), label=f"ω = {omega:g}")
right.set(xlabel="voltage [V]", ylabel="current [µA]")
right.legend()
plt.show()

# %% [markdown]
# ## Fit its constants
#
# The readings are simulated, with 1 % of noise. Their device has another rate and another largest
# conductance than the file. Two amplitudes in each direction tell how the rate depends on the
# voltage. `roa-fit readings.csv --law mine.toml` does the same on the command line.

# %%
import dataclasses

from fitting import read_measurements
from fitting.judgement.choice import chosen

text = Path("mine.toml").read_text()
Path("other.toml").write_text(
    text.replace('"k [1/s]" = 2.0', '"k [1/s]" = 3.0').replace("1e-5", "1.4e-5")
)
other = load_device("other.toml")
rng = np.random.default_rng(0)
trains = [
    (-1.1, 0.2),
    (-1.2, 0.2),
    (1.1, 0.8),
    (1.2, 0.8),
]  # the volts of its pulses, and where it starts
rows = ["train,voltage [V],width [s],read_voltage [V],conductance [S]"]
for number, (volts, start) in enumerate(trains):
    own = dataclasses.replace(
        other.pulses, potentiation_voltage=-abs(volts), depression_voltage=abs(volts)
    )
    count = np.arange(21) if volts < 0 else -np.arange(21)
    states = after_pulses(np.full(21, start), count, dataclasses.replace(other, pulses=own))
    conductance = other.memristor.current(states, read) / read * (1 + 0.01 * rng.standard_normal(21))
    for step, value in enumerate(conductance):
        rows.append(f"{number},{volts if step else 0},{1e-6 if step else 0},{read},{value:.4g}")
Path("readings.csv").write_text("\n".join(rows))

measured = read_measurements("readings.csv").fitted()
choice = chosen(measured, mine, "mine.toml", weighting="auto", loss="linear")
for name in ("k", "v_0", "g_on"):
    print(
        f"{name}: fitted {choice.fit.memristor.constants[name]:.3g}, true {other.memristor.constants[name]:.3g}"
    )
print(choice.judgement.line())

# %% [markdown]
# ## Let ngspice check it
#
# From the same text, the toolkit makes models for circuit simulators. Here, an array of 8 × 4 such
# cells has wires of 20 Ω a segment. ngspice simulates every cell and every segment, and the fast
# solver computes the same currents.

# %%
from netlists import read_deck, simulate
from roa_circuit import default_crossbar, read_currents

array = dataclasses.replace(default_crossbar(8, 4), r_word=20.0, r_bit=20.0)
state, voltages = rng.random((8, 4)), rng.uniform(0, 0.2, (3, 8))
fast = read_currents(array, state, voltages, mine)
deck = read_deck(array, state, voltages, mine)
spice = deck.measured(simulate(deck.text))
print(f"worst difference: {np.abs(spice / fast - 1).max():.0e} of a current")

# %%
from roa_circuit.device.verilog_a import verilog_a

print("\n".join(line for line in verilog_a(mine).splitlines() if "sinh" in line))

# %% [markdown]
# ## Where to go on
#
# * [Adding a device model](../extending.md) has the whole grammar, and what a law in Python needs.
# * Every command takes the file: `roa-spice verify --layer fc --device mine.toml`.
