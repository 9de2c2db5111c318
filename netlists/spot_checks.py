"""Spot checks: some points of a sweep written and read in ngspice, beside the surrogate.

The same chips, deployed and scored the same way; only what the readouts sense comes from a full
transient of the write and a sweep of the reads, of every array with its wires.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netlists.engines import Analysis, Phase, Plan, run_spice
from netlists.parallel import Together
from netlists.simulators import Engine
from netlists.verification import relative_error
from roa_circuit.chip import chip_of
from roa_circuit.solver import read_currents
from roa_circuit.sweeps.deployed import voltages, written
from roa_circuit.sweeps.fields import Field, Point, Value
from roa_circuit.sweeps.layer import LayerSubject
from roa_circuit.sweeps.subject import Metric, Numbers

METRICS = (
    Metric(name="spice_error", meaning="worst relative difference of a current", more_is_better=False),
    Metric(name="state_error", meaning="worst difference of a written ω", more_is_better=False),
    Metric(name="same_answers", meaning="answers that are the surrogate's", more_is_better=True),
)
"""Of the surrogate against ngspice; the layer's own metrics, as ngspice has them, come with these."""


@dataclass(frozen=True, kw_only=True)
class SpotCheck:
    """The subject of a sweep in ngspice that the surrogate's sweep of `layer` is held against."""

    layer: LayerSubject
    engine: Engine = Engine.ngspice
    time_limit: float = 600.0

    @property
    def name(self) -> str:
        """What reports call it."""
        return f"{self.layer.name} in {self.engine}"

    @property
    def fields(self) -> Mapping[str, Field]:
        """The layer's."""
        return self.layer.fields

    @property
    def metrics(self) -> Sequence[Metric]:
        """Those of the difference, then the layer's as the simulator has them."""
        return (*METRICS, *self.layer.metrics)

    def base(self, field: Field) -> Value | None:
        """The layer's."""
        return self.layer.base(field)

    def describe(self) -> dict[str, Any]:
        """The layer's, and the simulator."""
        return {**self.layer.describe(), "engine": str(self.engine)}

    def require(self, point: Point) -> None:
        """As the layer."""
        self.layer.require(point)

    def evaluate(self, point: Point, seeds: Sequence[int]) -> Numbers:
        """The metrics of each seed's chips, simulated one array after the other."""
        found = [self._simulate(point, seed) for seed in seeds]
        return {metric.name: [one[metric.name] for one in found] for metric in self.metrics}

    def _simulate(self, point: Point, seed: int) -> dict[str, float]:
        deployed, imperfections = self.layer.deployed(point), self.layer.at(point)[1]
        deadline = time.monotonic() + self.time_limit
        sensed: dict[str, list[Any]] = {"spice": [], "surrogate": []}
        errors: dict[str, list[float]] = {"spice_error": [], "state_error": []}
        for array in deployed.arrays:
            chip = chip_of(array.tile, imperfections, seed)
            states, volts = written(array, chip), voltages(array, chip)
            phase = Phase.both if array.mapped is None else Phase.read
            plan = Plan(
                phase=phase, analysis=Analysis.sweep, deadline=deadline, keep_in=None, engine=self.engine
            )
            run = run_spice(array.tile, chip, states, plan, Together(weights=(1.0, 1.0)), (0, 1))
            reached = np.clip(run.state, 0.0, 1.0)
            own, same = (
                read_currents(chip.crossbar, state, volts, chip.device) for state in (states, reached)
            )
            sensed["spice"].append(run.sensed)
            sensed["surrogate"].append(chip.sense(own, states, volts))
            errors["spice_error"].append(relative_error(run.currents, same))
            errors["state_error"].append(float(np.abs(run.state - states).max()))
        answers = [deployed.answers(sensed[name]) for name in ("spice", "surrogate")]
        return {
            **deployed.scores(sensed["spice"]),
            **{name: max(values) for name, values in errors.items()},
            "same_answers": float(np.mean(answers[0] == answers[1])),
        }
