# %% [markdown]
# # From an LTP/LTD curve to a chip
#
# You have measured one curve: the conductance of a device, first while identical pulses raise it
# (long-term potentiation, LTP), then while others lower it (long-term depression, LTD). This
# tutorial turns the curve into a device model, and writes a weight matrix on a simulated chip of
# such devices.
#
# The curve here is generated, so that we know what the fit should find. Its state moves evenly in the
# logarithm of the conductance, slowed by the way that is left to the power 1.5. To use your
# own, write its name in place of `curve.csv`.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(1)
low, high, pulses, power, dose = 2e-6, 20e-6, 30, 1.5, 0.12  # the first two in siemens


def left_after(count, at_first):
    """The way that is left after `count` pulses, each of which moves by dose x way ** power."""
    return (at_first ** (1 - power) + (power - 1) * dose * count) ** (1 / (1 - power))


count = np.arange(pulses + 1)
ltp = 1 - left_after(count, 0.9)
ltd = left_after(count, ltp[-1])
conductance = (
    low * (high / low) ** np.stack([ltp, ltd]) * (1 + 0.01 * rng.standard_normal((2, pulses + 1)))
)
np.savetxt(
    "curve.csv", 1e6 * conductance.T, fmt="%.2f", delimiter=",", header="LTP [uS],LTD [uS]", comments=""
)
print("".join(Path("curve.csv").read_text().splitlines(keepends=True)[:4]))

# %% [markdown]
# ## Read the file
#
# The table has no voltages, so we say what the pulses were: −1 V and 1.2 V, each 1 µs long, and
# readings at 0.1 V. In this toolkit a negative voltage raises the conductance.

# %%
from fitting import read_measurements
from fitting.readers.conventions import Conventions

how = Conventions(pulses=((-1.0, 1e-6), (1.2, 1e-6)), read_voltage=0.1)
measured = read_measurements("curve.csv", how)
print(measured)

# %% [markdown]
# ## Let the laws compete
#
# A law says how far a pulse moves the state. The paper's law does not describe every device.
# `"auto"` tries four laws, and judges each by readings that its constants were not fitted to. On
# the command line this is `roa-fit curve.csv --pulse=-1V,1us --pulse 1.2V,1us --read 0.1V --law
# auto`.

# %%
from fitting.judgement.choice import chosen
from roa_circuit import load_device

prior = load_device("zhang2021")
choice = chosen(measured.fitted(), prior, "auto", weighting="auto", loss="linear")
print(choice.judgement.line())
for law in choice.contest.contenders:
    print(
        f"{law.form.title:16}  misfit {100 * law.rmse:.2f} %, on unseen readings {100 * law.score:.2f} %"
    )
fitted = choice.fit.memristor
print(f"power up {float(fitted.p):.2f}, power down {float(fitted.q):.2f}; made with {power}")

# %% [markdown]
# `windows` wins. It is a power law with an exponent for each direction, and the fit finds the two
# that we put in. The fitted curve lies on the readings:

# %% alt="Measured LTP and LTD conductances as points, with the fitted curve through both"
figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
predicted = choice.fit.predicted / measured.read_voltage
for train, (color, name) in enumerate([("C0", "LTP"), ("C1", "LTD")]):
    own = measured.train == train
    axes.plot(count, 1e6 * measured.conductance[own], ".", color=color, label=f"{name}, measured")
    axes.plot(count, 1e6 * predicted[own], color=color, label=f"{name}, fitted")
axes.set(xlabel="pulse", ylabel="conductance [µS]")
axes.legend()
plt.show()

# %% [markdown]
# ## Write weights on such devices
#
# A parameter set is a law with its constants and its pulses. Two cells make a weight between −1 and
# 1, which is the difference of their states; such cells are called a *pair*.
# `ProgrammedLayer.of_weights` counts the pulses that bring all cells to their states.

# %%
import dataclasses

from roa_circuit import Device, ProgrammedLayer
from roa_circuit.circuit.mapping import PAIR

pulses_used = dataclasses.replace(
    prior.pulses,
    read_voltage=0.1,
    potentiation_voltage=-1.0,
    potentiation_width=1e-6,
    depression_voltage=1.2,
    depression_width=1e-6,
)
mine = Device(name="mine", citation="curve.csv", memristor=fitted, pulses=pulses_used)
weights = rng.uniform(-0.4, 0.4, (12, 4))
layer = ProgrammedLayer.of_weights(weights, rng.random((100, 12)), device=mine, mapping=PAIR)
print(layer)

# %% [markdown]
# Now the pulses go through the wires of a chip, 2 Ω a segment, and the cells are read there. Each
# read is compared with the product of the weights themselves.

# %%
from roa_circuit import read_currents, write_in_situ
from roa_circuit.circuit.scaling import voltage_from_input
from roa_circuit.device.programming import after_pulses

wired = dataclasses.replace(layer.crossbar, r_word=2.0, r_bit=2.0)
voltages = voltage_from_input(layer.inputs, mine)
wanted = layer.inputs * layer.input_scale @ weights
without = after_pulses(layer.initial_state, layer.pulses, mine)
through = write_in_situ(wired, layer.initial_state, layer.pulses, mine)
found = {}
for name, lines, state in [
    ("perfect wires", wired.ideal(), without),
    ("2 Ω a segment", wired, through.state),
]:
    found[name] = layer.outputs(read_currents(lines, state, voltages, mine))
    error = np.sqrt(np.mean((found[name] - wanted) ** 2) / np.mean(wanted**2))
    print(f"{name}: outputs are off by {100 * error:.1f} % rms")
print(f"the write took {1e9 * through.energy:.1f} nJ")

# %% alt="Outputs of the chip against the wanted outputs: without wires close to the diagonal, with wires below it"
figure, axes = plt.subplots(figsize=(4, 4), layout="constrained")
for name, outputs in found.items():
    axes.plot(wanted.ravel(), outputs.ravel(), ".", markersize=3, label=name)
axes.axline((0, 0), slope=1, color="gray", linewidth=1)
axes.set(xlabel="wanted output", ylabel="output of the chip")
axes.legend()
plt.show()

# %% [markdown]
# ## Where to go on
#
# * [Fit my device](../tasks/fit.md) has the forms of tables that are read, and how far to trust a
#   fit.
# * [Which imperfection kills my design](which_imperfection.md) goes on from a layer to a hundred
#   chips.
# * `roa-fit` leaves the model for SPICE and Verilog-A beside `device.toml`: [Export a
#   netlist](../tasks/netlist.md).
