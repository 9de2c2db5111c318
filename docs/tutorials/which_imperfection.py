# %% [markdown]
# # Which imperfection kills my design?
#
# No two chips are alike: cells are stuck, amplifiers differ, reads are noisy. This tutorial draws
# 100 chips of one design, asks how many are good enough, and then finds the imperfection that costs
# most.
#
# The design is the last layer of the network that ships with the toolkit. It tells five Omniglot
# characters apart, with 65 word lines and 5 outputs beside a reference column. To keep this
# tutorial short, the array has its pulses already, and cells count as their conductance at the read
# voltage (`ReadModel.weights`).

# %%
import dataclasses

from netlists import load_layer
from roa_circuit.device.programming import after_pulses
from roa_circuit.solver.read_model import ReadModel

head = load_layer("fc")
written = after_pulses(head.initial_state, head.pulses, head.device)
layer = dataclasses.replace(
    head, initial_state=written, pulses=0 * head.pulses, read_model=ReadModel.weights
)
print(layer)

# %% [markdown]
# ## Say what is imperfect
#
# Each number is a probability or a standard deviation, and what is left out is absent.
# [Imperfections](../imperfections.md) has all of them with typical values.

# %%
from roa_circuit import Imperfections

imperfections = Imperfections(
    stuck_on=0.01,  # 1 % of the cells conduct as much as they can, whatever is written
    flicker=0.02,  # noise of each cell's current from read to read, 2 %
    sense_gain=0.01,  # the amplifiers' gains differ by 1 %
)

# %% [markdown]
# ## A hundred chips
#
# A chip is one array with everything drawn from a seed: the same seed gives the same chip. Without
# a field to vary, `sweep` draws chips alone.

# %%
import numpy as np

from roa_circuit.sweeps.api import sweep
from roa_circuit.sweeps.layer import LayerSubject

subject = LayerSubject(layer=layer, imperfections=imperfections)
chips = sweep(subject, {}, repeats=100)
accuracy = np.sort(100 * chips.accuracy.values.ravel())
goal = 80
print(f"median {np.median(accuracy):.1f} %, worst chip {accuracy[0]:.1f} %")
print(f"{(accuracy >= goal).sum()} of 100 chips answer at least {goal} % right")

# %% alt="Cumulative curve of the accuracy of 100 chips, with the goal of 80 % as a line"
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
axes.step(accuracy, np.arange(1, 101), where="post")
axes.axvline(goal, color="gray", linestyle="--", label=f"goal: {goal} %")
axes.set(xlabel="right answers [%]", ylabel="chips at or below")
axes.legend()
plt.show()

# %% [markdown]
# `roa-spice sweep --layer fc --chips 100 --imperfections FAULTS.toml --target accuracy=80%` does
# the same, and its page names the worst chips with their seeds.
#
# ## Which one hurts?
#
# Now each imperfection alone goes from nothing to twice its value, while the others stay as they
# are. The differences, sorted by size, are called a *tornado*.

# %%
from roa_circuit.sweeps.description import described
from roa_circuit.sweeps.findings import Question, find
from roa_circuit.sweeps.store import Store
from roa_circuit.sweeps.study import Study

ranges = {
    "stuck_on": [0, 0.02],
    "flicker": [0, 0.04],
    "sense_gain": [0, 0.02],
    "wire_resistance": [0.1, 2],
}
asked = described({"vary": ranges, "design": "random", "points": 1, "repeats": 10}, subject.fields)
study = Study(subject=subject, store=Store(None, {}), seeds=asked.seeds)
swings = find(asked, study, Question(sensitivity="tornado")).swings
for swing in swings:
    print(f"{swing.axis.name:16} {100 * swing.at_low:5.1f} % ... {100 * swing.at_high:5.1f} %")

# %% alt="Tornado: the gain of the readout moves the accuracy most, by far"
figure, axes = plt.subplots(figsize=(6, 2.6), layout="constrained")
for row, swing in enumerate(reversed(swings)):
    axes.barh(row, 100 * (swing.at_high - swing.at_base), left=100 * swing.at_base, color="C1")
    axes.barh(row, 100 * (swing.at_low - swing.at_base), left=100 * swing.at_base, color="C0")
axes.set_yticks(range(len(swings)), [swing.axis.name for swing in reversed(swings)])
axes.axvline(100 * swings[0].at_base, color="black", linewidth=1)
axes.set(xlabel="right answers [%]; blue: at the low end, orange: at the high end")
plt.show()

# %% [markdown]
# ## Mend it
#
# The gain of the readout kills this design. Each weight is a small difference of two large
# currents, that of its own column and that of the reference column, and the amplifiers see the two
# separately. With a *pair* of cells for each weight the two currents are subtracted before the
# amplifier:

# %%
from roa_circuit.circuit.mapping import PAIR

paired = LayerSubject(layer=layer.mapped_as(PAIR), imperfections=imperfections)
better = 100 * sweep(paired, {}, repeats=100).accuracy.values.ravel()
print(f"pairs: median {np.median(better):.1f} %, {(better >= goal).sum()} of 100 chips reach {goal} %")

# %% [markdown]
# ## Where to go on
#
# * [Sweep](../tasks/sweep.md) has the same from the command line, with budgets: how much of each
#   imperfection is allowed.
# * [Mappings and converters](../readout.md) says why pairs help.
# * [Compensation](../compensation.md) has what calibration gives back.
