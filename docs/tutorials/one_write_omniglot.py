# %% [markdown]
# # One-write learning on Omniglot
#
# A network that ships with the toolkit has learned to learn: one example of each of five new
# characters, one write into its cells, and it tells them apart. This is the method of Zhang et al.
# (2021). You need the extra `learn`, which brings torch.
#
# The network was trained on Omniglot, 1,623 handwritten characters. Where the data set is on this
# machine (`ROA_SHARED_DATA` names its folder), the tasks below are drawn from the characters that
# training did not see. Otherwise they are drawn from *glyphs*: letters and signs of many scripts,
# in fonts that are installed here, which the network never saw either.

# %%
import os
from pathlib import Path

import torch

from meta.data.datasets import load_dataset
from meta.network.shipped import shipped_network

torch.set_num_threads(1)
local = Path(os.environ.get("ROA_SHARED_DATA", "nowhere"), "omniglot", "omniglot105_packbits.npz")
data = load_dataset("omniglot", local.parent) if local.exists() else load_dataset("glyphs")
network = shipped_network()
print(f"tasks are drawn from {data.name}")

# %% [markdown]
# ## A task
#
# Five classes, and one picture of each to learn from. The *queries* are other pictures of the same
# classes, which must be recognised. With five classes, guessing is right in 20 % of the cases.

# %% alt="Top row: the five pictures that are learned from. Below: three queries of each class"
import matplotlib.pyplot as plt

from meta.circuits.adaptation import adapt_episode
from meta.data.tasks import Tasks

episode = adapt_episode(network, Tasks(dataset=data, ways=5, queries=3, seed=4))
task = episode.task
figure, axes = plt.subplots(4, 5, figsize=(5, 4), layout="constrained")
for column in range(5):
    mine = [
        picture for picture, label in zip(task.query, task.query_labels, strict=True) if label == column
    ]
    for row, picture in enumerate([task.support[column], *mine]):
        axes[row, column].imshow(picture.squeeze().numpy(), cmap="gray_r")
        axes[row, column].set_axis_off()
axes[0, 2].set_title("learned from")
axes[1, 2].set_title("queries")
plt.show()

# %% [markdown]
# ## One write
#
# `adapt_episode` has drawn the task, computed one gradient, and turned it into whole pulses for the
# cells of all layers.

# %%
print(
    f"before the write {100 * episode.accuracy_before:.0f} % right, after it {100 * episode.accuracy:.0f} %"
)
for row in episode.summary():
    print(f"{row['layer']}: {row['rows']} x {row['columns']} cells, {row['pulses']} pulses")

# %% [markdown]
# ## Many tasks, and noise
#
# One task says little. Here are four, each with perfect writes and with the write noise of Eq. 7,
# whose size σ_WN is 1 here.

# %% alt="Accuracy before the write, after it, and after it with write noise 1; a point for each task, a bar for the mean"
import numpy as np

from meta.learning.writing import Writing

found = {"before the write": [], "after it": [], "with write noise": []}
for seed in range(4):
    tasks = Tasks(dataset=data, ways=5, queries=3, seed=seed)
    for name, sigma in [("after it", 0.0), ("with write noise", 1.0)]:
        one = adapt_episode(network, tasks, Writing.of(network).at(sigma))
        found[name].append(100 * one.accuracy)
    found["before the write"].append(100 * one.accuracy_before)

figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
for place, (name, values) in enumerate(found.items()):
    axes.bar(place, np.mean(values), color=["C7", "C2", "C1"][place], alpha=0.5)
    axes.plot(np.full(len(values), place) + np.linspace(-0.2, 0.2, len(values)), values, "k.")
    print(f"{name}: {np.mean(values):.1f} %")
axes.set_xticks(range(3), list(found))
axes.set(ylabel="right answers [%]", ylim=(0, 105))
plt.show()

# %% [markdown]
# Hundreds of tasks are a command: `roa-meta evaluate --tasks 600`. With the Omniglot characters
# that training did not see they give the 99.3 % of [Reproduction](../reproduction.md).
#
# ## The written head, as a circuit
#
# Each layer of the adapted network is an array of cells with its pulses. Saved, it goes to the
# commands for circuits: `roa-spice verify --layer head.npz --phase read`.

# %%
head = episode.layers["fc"]
head.save("head.npz")
print(head)

# %% [markdown]
# ## Where to go on
#
# * [Train and adapt](../tasks/learn.md): your own pictures, your own training.
# * [Training](../training.md): how the network learned to learn.
# * [Which imperfection kills my design?](which_imperfection.md) takes such a head apart.
