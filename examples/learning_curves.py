"""Train a small network on built-in glyphs, and draw how it learns, epoch after epoch.

python examples/learning_curves.py
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib as mpl

mpl.use("agg")
import matplotlib.pyplot as plt

from meta.data.datasets import load_dataset
from meta.training.configuration import Training
from meta.training.train import train
from roa_circuit.basics.units import percent

how = Training(
    method="roa-robust", dataset="glyphs", filters=16, epochs=6, iterations=40, batch=2, queries=3,
    learning_rate=3e-3, validation_tasks=20,
)  # fmt: skip
CURVES = {
    "accuracy_ideal": "exact weights",
    "accuracy_pulses": "whole pulses",
    "accuracy_noise": "with write noise",
}
epochs = []


def show(network, epoch):
    epochs.append(epoch)
    print(f"epoch {epoch.epoch + 1}: {percent(epoch.accuracy_pulses, 0)} in whole pulses")


with TemporaryDirectory() as folder:
    train(load_dataset("glyphs"), how, Path(folder), callbacks=[show])

figure, axes = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
for name, title in CURVES.items():
    axes.plot([e.epoch + 1 for e in epochs], [100 * getattr(e, name) for e in epochs], "o-", label=title)
axes.axhline(20, color="gray", linestyle=":", label="guessing")
axes.set(xlabel="epoch", ylabel="right answers, validation [%]")
axes.legend()
figure.savefig("learning_curves.png", dpi=150)
