"""Adapt a network to one unseen task in one write, and prove its head in ngspice.

python examples/adapt_and_verify.py
"""

from meta.circuits.adaptation import adapt_episode
from meta.data.datasets import load_dataset
from meta.data.tasks import Tasks
from meta.network.shipped import shipped_network
from netlists.verification.verify import verify
from roa_circuit.basics.units import percent

network = shipped_network()
episode = adapt_episode(network, Tasks(dataset=load_dataset("glyphs"), queries=2, seed=1))
before, after = percent(episode.accuracy_before, 0), percent(episode.accuracy, 0)
print(f"query accuracy {before} before the write, {after} after it")

result = verify(episode.layers["fc"])
print(f"ngspice against the surrogate: currents within {result.max_relative_current_error:.1e},")
same = percent(result.prediction_agreement, 0)
print(f"states within {result.max_state_error:.1e}, {same} same predictions")
