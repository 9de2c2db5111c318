"""Train a small network on built-in glyphs, adapt it in one write, and let ngspice check its head.

python examples/train_on_glyphs.py
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from meta.circuits.adaptation import adapt_episode
from meta.data.datasets import load_dataset
from meta.data.tasks import Tasks
from meta.learning.writing import Writing
from meta.training.configuration import Training
from meta.training.train import train
from netlists.verification.engines import Phase
from netlists.verification.testbench import Testbench
from netlists.verification.verify import verify
from roa_circuit.basics.units import percent

glyphs = load_dataset("glyphs")
how = Training(
    method="roa-robust", dataset="glyphs", filters=16, epochs=3, iterations=40, batch=2, queries=3,
    learning_rate=3e-3, validation_tasks=10,
)  # fmt: skip


def show(network, epoch):
    print(f"epoch {epoch.epoch + 1}: validation {percent(epoch.accuracy_pulses, 0)} in whole pulses")


with TemporaryDirectory() as folder:
    network = train(glyphs, how, Path(folder), callbacks=[show])

for sigma_wn in (4.0, 0.0):
    episode = adapt_episode(network, Tasks(dataset=glyphs, seed=1), Writing.of(network).at(sigma_wn))
    head = episode.layers["fc"]
    print(
        f"write noise {sigma_wn:g}: {percent(episode.accuracy_before, 0)} before the write, "
        f"{percent(episode.accuracy, 0)} after {abs(head.pulses).sum()} pulses "
        f"on {head.crossbar.rows} rows"
    )

result = verify(head, bench=Testbench(phase=Phase.read))
print(
    f"ngspice: currents within {result.max_relative_current_error:.0e} of the surrogate's, "
    f"{percent(result.prediction_agreement, 0)} same answers, {percent(result.accuracy_spice, 0)} right"
)
