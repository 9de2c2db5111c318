"""A whole network as the subject of a sweep: few-shot accuracy with every layer behind its circuit."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from meta.circuits.adaptation import Episode, adapt_episode, require_one_write
from meta.circuits.aware.through import learned_through
from meta.circuits.behind_circuit import CircuitLayer, Hardware, classes, head_inputs
from meta.data.tasks import Tasks, check_sizes
from meta.learning.writing import Writing
from meta.network.architecture import HEAD
from meta.network.convolutional import Network
from meta.processes.pool import one_thread
from roa_circuit.basics.own_code import code_of
from roa_circuit.chips.chip import Chip
from roa_circuit.chips.converter_use import numbers_of, transposed
from roa_circuit.circuit.mapping import REFERENCE
from roa_circuit.circuit.mapping import Mapping as Columns
from roa_circuit.layers.deployed import Deployed
from roa_circuit.layers.recovery import Compensation
from roa_circuit.sweeps.fields import OWN, Field, Point, Value, shared_fields
from roa_circuit.sweeps.layer import MAPPING, OWN_FIELDS, chosen_at, own_value
from roa_circuit.sweeps.setup import Setup
from roa_circuit.sweeps.subject import Metric, Numbers

METRICS = (
    Metric(name="accuracy", meaning="right answers of the episodes' queries", more_is_better=True),
    Metric(name="agreement", meaning="answers that are the ideal network's", more_is_better=True),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkSubject:
    """A network that adapts to one episode for each seed, on chips that the seed draws.

    tasks : what episodes are drawn from; their seeds are those of the sweep
    hardware : what all layers stand on, before anything is varied
    writing : how adaptations are planned; by default as the network was trained

    Raises
    ------
    InputError : images that the network does not take, or too few for an episode; a writing that no
        circuit can hold.
    """

    network: Network
    tasks: Tasks
    hardware: Hardware = field(default_factory=Hardware)
    writing: Writing | None = None

    @property
    def name(self) -> str:
        """The name in reports."""
        a = self.network.architecture
        return f"{a.ways}-way {self.tasks.shots}-shot {self.tasks.dataset.name}"

    @property
    def fields(self) -> Mapping[str, Field]:
        """The fields of every setup, and `compensation` and `believed_wires`."""
        return {**shared_fields(self.setup.device.memristor), **OWN_FIELDS}

    @property
    def metrics(self) -> Sequence[Metric]:
        """Few-shot accuracy, and agreement with the network that has no circuit."""
        return METRICS

    @property
    def setup(self) -> Setup:
        """The setup before anything is varied."""
        own = self.hardware
        return Setup(
            crossbar=own.crossbar,
            device=own.device or self.planned.device,
            imperfections=own.imperfections,
            circuitry=own.circuitry,
        )

    @property
    def planned(self) -> Writing:
        """How adaptations are planned."""
        return self.writing or Writing.of(self.network)

    @property
    def chance(self) -> bool:
        """True: every seed draws an episode of its own."""
        return True

    def base(self, field: Field) -> Value | None:
        """The value that the arguments give."""
        own = self.hardware.compensation
        if field.name == MAPPING.name:
            return str(self.planned.mapping)
        return own_value(own, field) if field.part == OWN else self.setup.value(field)

    def __post_init__(self) -> None:
        tasks, network = self.tasks, self.network.with_ways(self.tasks.ways)
        a, own = network.architecture, tasks.dataset
        a.check_images((own.channels, own.size, own.size))
        check_sizes(tasks.images.shape[:2], a.ways, tasks.shots, tasks.queries)
        require_one_write(network, self.planned)
        object.__setattr__(self, "network", network)
        # The other splits need not travel to every worker.
        object.__setattr__(self, "tasks", tasks.of(tasks.images))

    def describe(self) -> dict[str, Any]:
        """Network and data by their hashes, and all other choices."""
        return dict(self._described)

    @functools.cached_property
    def _described(self) -> dict[str, Any]:
        digest = hashlib.sha256(repr(dataclasses.asdict(self.network.architecture)).encode())
        for name, tensor in sorted(self.network.state_dict().items()):
            digest.update(name.encode() + tensor.numpy(force=True).tobytes())
        tasks, own, setup = self.tasks, self.hardware, self.setup.to_dict()
        images = np.ascontiguousarray(tasks.images)
        circuit = {k: v for k, v in setup["circuit"].items() if k not in ("rows", "columns")}
        return {
            **setup,
            "network": digest.hexdigest(),
            "data": f"{tasks.dataset.name} {hashlib.sha256(images.tobytes()).hexdigest()}",
            "episodes": {"shots": tasks.shots, "queries": tasks.queries, "in_situ": own.in_situ},
            "writing": self._written(),
            **self._own_code(),
            "circuit": circuit,
            "tiles": str(own.tile),
            "compensation": own.compensation.name,
        }

    def _own_code(self) -> dict[str, Any]:
        """Code of one's own, each with the hash of its file: another code's points are not reused."""
        named = dict(self.network.rules.given)
        if ":" in self.network.architecture.backbone:
            named["backbone"] = self.network.architecture.backbone
        return {"own_code": {k: f"{n} {code_of(n)}" for k, n in named.items()}} if named else {}

    def _written(self) -> dict[str, Any]:
        """The planned writing, as stores have it."""
        planned = self.planned
        return {
            "device": planned.device.to_dict(),
            "method": planned.method.name,
            "relative_rate": planned.rate(self.network),
            **({} if planned.mapping == REFERENCE else {MAPPING.name: str(planned.mapping)}),
            **dataclasses.asdict(planned.programming),
        }

    def require(self, point: Point) -> None:
        """Raise InputError where the circuit, device, imperfections or mapping refuse the point."""
        self._at(point)
        self._mapped(point)

    def _mapped(self, point: Point) -> NetworkSubject:
        """The subject whose weights lie on the columns of the point's mapping."""
        name = point.get(MAPPING.name)
        if name is None:
            return self
        mapping = Columns.parse(name)
        return dataclasses.replace(self, writing=dataclasses.replace(self.planned, mapping=mapping))

    def evaluate(self, point: Point, seeds: Sequence[int]) -> Numbers:
        """The metrics of the episode of each seed, and what its converters use."""
        with one_thread():  # the same sums, whatever the machine
            found = [self._episode(point, seed) for seed in seeds]
        return transposed(found)

    def _at(self, point: Point) -> tuple[Setup, Compensation]:
        shared = {name: value for name, value in point.items() if name not in OWN_FIELDS}
        return self.setup.at(shared, self.fields), chosen_at(point, self.hardware.compensation)

    def _episode(self, point: Point, seed: int) -> dict[str, float]:
        episode, layers = self.behind(point, seed)
        answers = classes(self.network, episode.task.query, layers)
        labels = episode.task.query_labels.numpy()
        return {
            "accuracy": float(np.mean(answers == labels)),
            "agreement": float(np.mean(answers == episode.answers)),
            **numbers_of(layer.usage for layer in layers.values()),
        }

    def behind(self, point: Point, seed: int) -> tuple[Episode, dict[str, CircuitLayer]]:
        """(the adapted episode of a seed, its layers on the chips that the seed draws)."""
        setup, choice = self._at(point)
        mapped = self._mapped(point)
        hardware = dataclasses.replace(
            self.hardware,
            crossbar=setup.crossbar,
            device=setup.device,
            circuitry=setup.circuitry,
            imperfections=setup.imperfections,
            compensation=choice,
        )
        through = learned_through(self.network, hardware, mapped.planned)
        if through:
            drawn, lines = self.tasks.reseeded(seed), hardware.crossbar
            own = mapped.planned
            episode = adapt_episode(self.network, drawn, own, circuit=lines, through=through)
        else:
            episode = _adapted(_Key(mapped), seed)
        return episode, hardware.holding(episode.sampled, seed)

    def head_chips(self, point: Point, seed: int) -> tuple[Deployed, Sequence[Chip]]:
        """(arrays of the head in the episode of a seed, their chips), for a simulator to write and read.

        The head's inputs have passed the circuits of the other layers, so that its right answers are
        those of the network.
        """
        episode, layers = self.behind(point, seed)
        x, head = head_inputs(self.network, episode.task.query, layers), layers[HEAD]
        labels = episode.task.query_labels.numpy()
        deployed = dataclasses.replace(head.deployed.reading(x), labels=labels)
        return deployed, [array.chip for array in head.arrays]


class _Key:
    """A subject as part of a cache's key, compared by what it describes: it may be a copy."""

    def __init__(self, subject: NetworkSubject) -> None:
        self.subject = subject

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.subject.describe() == other.subject.describe()

    def __hash__(self) -> int:
        return hash(self.subject.describe()["network"])


@functools.lru_cache(maxsize=256)
def _adapted(key: _Key, seed: int) -> Episode:
    """The episode of a seed, adapted once for all points."""
    subject = key.subject
    drawn, circuit = subject.tasks.reseeded(seed), subject.hardware.crossbar
    return adapt_episode(subject.network, drawn, subject.planned, circuit=circuit)
