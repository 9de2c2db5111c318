"""Spot checks: some points of a sweep written and read in ngspice, too.

The chips are the same, deployed and scored the same way. Only the sensed currents come from a full
transient of the write and a DC sweep of the reads, of every array with its wires.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netlists.simulation.parallel import Together
from netlists.simulation.simulators import Engine
from netlists.verification.engines import Phase, Plan, run_spice
from netlists.verification.result import least_current, relative_error
from netlists.verification.testbench import default_analysis
from roa_circuit.chips.chip import Chip
from roa_circuit.layers.deployed import Deployed, settled, voltages, written
from roa_circuit.sweeps.fields import Field, Point, Value
from roa_circuit.sweeps.findings import Check
from roa_circuit.sweeps.layer import METRICS as LAYER_METRICS
from roa_circuit.sweeps.subject import Metric, Numbers, Subject

METRICS = (
    Metric(name="spice_error", meaning="worst relative difference of a current", more_is_better=False),
    Metric(name="state_error", meaning="worst difference of a written ω", more_is_better=False),
    Metric(name="same_answers", meaning="answers that are the surrogate's", more_is_better=True),
)
"""Of the surrogate against ngspice; the layer's own metrics, as ngspice has them, come with these."""


Chips = Callable[[Point, int], tuple[Deployed, Sequence[Chip]]]
"""The arrays of a layer at a point, and the chip that a seed draws for each."""


@dataclass(frozen=True, kw_only=True)
class SpotCheck:
    """The subject of a sweep in ngspice, to be compared with the surrogate's sweep of `subject`.

    chips : gives the chips of the layer that is simulated
    scores : the metrics of `Deployed.scores` that the subject has
    part : the name of the simulated part of the subject, for reports; '' if it is all of it
    """

    subject: Subject
    chips: Chips
    scores: Sequence[Metric] = LAYER_METRICS
    part: str = ""
    engine: Engine = Engine.ngspice
    time_limit: float = 600.0

    @property
    def name(self) -> str:
        """The name in reports."""
        return f"{self.part}{self.subject.name} in {self.engine}"

    @property
    def fields(self) -> Mapping[str, Field]:
        """The subject's."""
        return self.subject.fields

    @property
    def metrics(self) -> Sequence[Metric]:
        """Metrics of the difference, then those of the layer as the simulator has them."""
        return (*METRICS, *self.scores)

    @property
    def chance(self) -> bool:
        """The subject's."""
        return self.subject.chance

    def base(self, field: Field) -> Value | None:
        """The subject's."""
        return self.subject.base(field)

    def describe(self) -> dict[str, Any]:
        """The subject's, and the simulator."""
        return {**self.subject.describe(), "engine": str(self.engine)}

    def require(self, point: Point) -> None:
        """As the subject."""
        self.subject.require(point)

    def evaluate(self, point: Point, seeds: Sequence[int]) -> Numbers:
        """The metrics of each seed's chips, simulated one array after the other."""
        found = [self._simulate(point, seed) for seed in seeds]
        return {metric.name: [one[metric.name] for one in found] for metric in self.metrics}

    def _simulate(self, point: Point, seed: int) -> dict[str, float]:
        deployed, chips = self.chips(point, seed)
        deadline = time.monotonic() + self.time_limit
        sensed: dict[str, list[Any]] = {"spice": [], "surrogate": []}
        errors: dict[str, list[float]] = {"spice_error": [], "state_error": []}
        afresh = [chip.afresh() for chip in chips]  # so that both engines have the same noise
        for array, chip in zip(deployed.arrays, afresh, strict=True):
            states, volts = written(array, chip), voltages(array, chip)
            plan = Plan(
                phase=Phase.both if array.mapped is None else Phase.read,
                analysis=default_analysis(Phase.read, array.circuitry),
                deadline=deadline,
                keep_in=None,
                engine=self.engine,
                circuitry=array.circuitry,
            )
            run = run_spice(array.tile, chip, states, plan, Together(weights=(1.0, 1.0)), (0, 1))
            reached = np.clip(run.state, 0.0, 1.0)
            own, same = (settled(array, chip, one).currents(volts) for one in (states, reached))
            engines = {"spice": (run.currents, run.state), "surrogate": (own, states)}
            for name, (currents, state) in engines.items():
                sensed[name].append(array.sensed(chip.afresh(), currents, state, volts))
            least = least_current(chip.device)
            driven = volts.any(axis=1)  # reads of nothing have no current that an error is relative to
            errors["spice_error"].append(relative_error(run.currents[driven], same[driven], least))
            errors["state_error"].append(float(np.abs(run.state - states).max()))
        answers = [deployed.answers(sensed[name], chips) for name in ("spice", "surrogate")]
        return {
            **deployed.scores(sensed["spice"], chips),
            **{name: max(values) for name, values in errors.items()},
            "same_answers": float(np.mean(answers[0] == answers[1])),
        }


def check(whole: SpotCheck, share: float) -> Check | None:
    """The check that simulates this share of a sweep's points; None if the share is 0.

    Raises
    ------
    SimulatorError : the simulator is not installed.
    """
    if not share:
        return None
    whole.engine.simulator.find()
    return Check(subject=whole, share=share)
