"""A verification without a simulator."""

import dataclasses

import numpy as np
import pytest

from netlists.simulation.run import Simulation, Simulator
from netlists.verification.engines import Phase
from netlists.verification.samples import Arrays
from netlists.verification.testbench import Testbench
from netlists.verification.verify import verify
from roa_circuit.chips.in_situ import write_in_situ
from roa_circuit.circuit.waveforms import READ_SLOT
from roa_circuit.layers.tiling import TileSize, split
from roa_circuit.solver.read import read_currents


@dataclasses.dataclass(kw_only=True)
class Pretender:
    """The surrogate in the place of ngspice: runs a layer's decks, with errors put in."""

    parts: dict
    current_error: float = 0.0
    state_error: float = 0.0
    energy_error: float = 0.0
    flip: bool = False

    def simulate(self, deck, *, name, progress, **_):
        progress(1.0)
        what, *place = name.split("-")
        part = self.parts[tuple(map(int, place)) or (0, 0)].layer
        outcome = write_in_situ(part.crossbar, part.initial_state, part.pulses, part.device)
        written = outcome.state + self.state_error
        vectors = self.write(outcome, written) if what == "write" else self.read(part, written)
        return Simulation(vectors=vectors, version="ngspice-0", log="", seconds=1.0)

    def write(self, outcome, written):
        states = {
            f"xword{i}_col{j}.omega": np.array([omega]) for (i, j), omega in np.ndenumerate(written)
        }
        return {
            **states,
            "energy": np.array([1e3 * outcome.energy * (1 + self.energy_error)]),
            "time": np.ones(1),
        }

    def read(self, part, written):
        currents = read_currents(part.crossbar, written, 0.1 * part.inputs, part.device)
        currents = (currents[:, ::-1] if self.flip else currents) * (1 + self.current_error)
        sensed = {f"vsense{j}#branch": column for j, column in enumerate(currents.T)}
        return {**sensed, "time": READ_SLOT * np.arange(1, 1 + len(currents))}


@pytest.fixture
def pretender(monkeypatch, make_layer):
    """A verification in which the surrogate itself plays ngspice, with errors put in."""

    def run(*, current_error=0.0, state_error=0.0, energy_error=0.0, flip=False, labels=True,
            tile=None, tiles=None, phase=Phase.both, **layer_options):  # fmt: skip
        layer = make_layer(**layer_options)
        if not labels:
            layer = dataclasses.replace(layer, labels=layer.labels[:0])
        parts = {(t.first_row, t.first_column): t for t in split(layer, tile)}
        actor = Pretender(parts=parts, current_error=current_error, state_error=state_error,
                          energy_error=energy_error, flip=flip)  # fmt: skip
        monkeypatch.setattr(Simulator, "simulate", lambda _, deck, **how: actor.simulate(deck, **how))
        arrays = Arrays(tile=tile or TileSize(), tiles=tiles)
        return verify(layer, arrays, Testbench(phase=phase))

    return run
