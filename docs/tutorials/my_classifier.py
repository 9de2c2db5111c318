# %% [markdown]
# # My 64 × 10 classifier behind 2 Ω wires and a 6-bit converter
#
# You have a trained matrix of weights, and want to know what is left of its accuracy on a real
# array. Here it is a linear classifier of scikit-learn's handwritten digits: 64 pixels in, 10
# classes out.

# %%
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

digits = load_digits()
images, labels = digits.data / 16.0, digits.target
train, test = slice(0, 1200), slice(1200, 1400)
classifier = LogisticRegression(max_iter=300).fit(images[train], labels[train])
print(f"digital: {100 * classifier.score(images[test], labels[test]):.1f} % right")

# %% [markdown]
# ## Put the weights on cells
#
# A weight on an array lies between −1 and 1, so we divide by the largest one. Two cells make one
# weight, and their currents are subtracted; such cells are called a *pair*. The bias gets a row of
# its own, which is always on. With `start=None` all cells begin at their weights, as a careful
# write would leave them; otherwise pulses are counted.

# %%
from roa_circuit import ProgrammedLayer
from roa_circuit.circuit.mapping import PAIR

weights = np.vstack([classifier.coef_.T, classifier.intercept_])
weights /= np.abs(weights).max()
inputs = np.hstack([images[test], np.ones((len(images[test]), 1))])
layer = ProgrammedLayer.of_weights(
    weights, inputs, labels=labels[test], name="digits", mapping=PAIR, start=None
)
print(layer)

# %% [markdown]
# Tables of weights work without Python, too: `roa-spice layer --weights W.csv --activations X.csv
# --labels Y.csv --mapping pair -o mine.npz`.
#
# ## Wires and converters
#
# `sweep` varies any number of the circuit. The current of each column is read by an
# analog-to-digital converter (ADC). Its range is found from the inputs (`adc_range = "layer"`), as
# a chip's calibration would find it.

# %%
from roa_circuit import Imperfections
from roa_circuit.sweeps.api import sweep
from roa_circuit.sweeps.layer import LayerSubject

subject = LayerSubject(layer=layer, imperfections=Imperfections(adc_range="layer", adc_bits=6))
found = sweep(subject, {"adc_bits": [3, 4, 5, 6, 8], "wire_resistance": [0.5, 2, 10, 50]})
accuracy = found.accuracy.squeeze("repeat")
at = accuracy.sel(wire_resistance=2.0, adc_bits=6)
print(f"2 Ω a segment and 6 bits: {100 * float(at):.1f} % right")

# %% alt="Accuracy against the bits of the converter: three curves of up to 10 Ω lie together at 95 % from 4 bits on, that of 50 Ω at 68 %"
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
for ohms in accuracy.wire_resistance.values:
    axes.plot(
        accuracy.adc_bits, 100 * accuracy.sel(wire_resistance=ohms), "o-", label=f"{ohms:g} Ω a segment"
    )
axes.set(xlabel="bits of the converter", ylabel="right answers [%]")
axes.legend()
plt.show()

# %% [markdown]
# ## Where the voltage is lost
#
# The current of a word line flows through every segment up to the cell, so that cells far from
# their driver see less voltage. This loss is called *IR drop*. Here is that of one read:

# %% alt="Map of the IR drop over 65 word lines and 20 bit lines: word lines with bright pixels lose most, and more towards the right, away from the drivers"
import dataclasses

from roa_circuit import operating_point
from roa_circuit.circuit.scaling import voltage_from_input
from roa_circuit.device.programming import after_pulses

wired = dataclasses.replace(layer.crossbar, r_word=2.0, r_bit=2.0)
state = after_pulses(layer.initial_state, layer.pulses, layer.device)
voltages = voltage_from_input(layer.inputs[:1], layer.device)
point = operating_point(wired, state, voltages, layer.device)
drop = voltages[0][:, None] - (point.word_voltages[0] - point.bit_voltages[0])

figure, axes = plt.subplots(figsize=(5, 5), layout="constrained")
picture = axes.imshow(1e3 * drop, aspect="auto", cmap="magma")
axes.set(xlabel="bit line", ylabel="word line (pixel)")
figure.colorbar(picture, label="IR drop [mV]")
plt.show()
print(f"the worst cell loses {1e3 * drop.max():.1f} mV of {1e3 * voltages.max():.0f} mV")

# %% [markdown]
# On the command line `roa-spice map --layer mine.npz --read-index 0` draws it for any layer, with the
# currents of every segment.
#
# ## Is it true?
#
# The numbers above are those of the toolkit's fast solver. `roa-spice verify --layer mine.npz
# --phase read` has ngspice simulate the same array, every cell and every segment, and compares
# both.

# %%
layer.save("mine.npz")

# %% [markdown]
# ## Where to go on
#
# * [Mappings and converters](../readout.md): pairs, reference columns, ranges.
# * [Compensation](../compensation.md): what brings a lost accuracy back.
# * [Any torch network, trained through its wires](torch_through_wires.md): more than one layer.
