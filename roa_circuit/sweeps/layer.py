"""A programmed layer as the subject of a sweep: written and read in the surrogate, chip by chip."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from roa_circuit.basics.errors import InputError
from roa_circuit.chips.chip import Chip
from roa_circuit.chips.circuitry import BARE, Circuitry
from roa_circuit.chips.converter_use import Usage, numbers_of, transposed
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.mapping import REFERENCE
from roa_circuit.circuit.mapping import Mapping as Columns
from roa_circuit.layers.deployed import Deployed, deploy, read_chip
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.recovery import Compensation
from roa_circuit.layers.tiling import TileSize
from roa_circuit.sweeps.fields import (
    IMPERFECTIONS,
    OWN,
    SPREAD,
    Field,
    Point,
    Value,
    shared_fields,
)
from roa_circuit.sweeps.setup import Setup
from roa_circuit.sweeps.subject import Metric, Numbers

COMPENSATION = Field(name="compensation", unit="", kind=str, part=OWN, targets=("compensation",))
BELIEVED = Field(name="believed_wires", unit="-", kind=float, part=OWN, targets=("believed",))
MAPPING = Field(name="mapping", unit="", kind=str, part=OWN, targets=("mapping",))
OWN_FIELDS = {field.name: field for field in (COMPENSATION, BELIEVED, MAPPING)}
"""What is done about wires, the factor by which their resistances are misjudged in doing it, and which
columns make an output."""

METRICS = (
    Metric(name="accuracy", meaning="right answers of the stored queries", more_is_better=True),
    Metric(name="agreement", meaning="answers that are the ideal layer's", more_is_better=True),
    Metric(name="mac_error", meaning="rms error of outputs y over their rms", more_is_better=False),
    Metric(name="current_error", meaning="rms error of currents over their rms", more_is_better=False),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class LayerSubject:
    """A layer on crossbars of its own; a seed draws the chips of all its tiles.

    The measure are the intended states (Eq. 6 undone, with the layer's own device) behind perfect
    wires. `circuitry`, whose lines win over the layer's, `imperfections` and `compensation` hold
    wherever they are not varied.
    """

    layer: ProgrammedLayer
    circuitry: Circuitry = BARE
    tile: TileSize = field(default_factory=TileSize)
    imperfections: Imperfections = field(default_factory=Imperfections)
    compensation: Compensation = field(default_factory=Compensation)

    @property
    def name(self) -> str:
        """The name in reports."""
        return f"layer {self.layer.name}"

    @property
    def fields(self) -> Mapping[str, Field]:
        """The fields of every setup, and those of `OWN_FIELDS`."""
        return {**shared_fields(self.layer.device.memristor), **OWN_FIELDS}

    @functools.cached_property
    def metrics(self) -> Sequence[Metric]:
        """The metrics of a layer; accuracy only where it has labels, others where outputs are not 0.

        Raises
        ------
        InputError : neither labels nor outputs.
        """
        labelled = len(self.layer.labels) > 0
        if not deploy(self.layer, self.layer, self.tile, Compensation()).answers_nothing:
            return METRICS if labelled else METRICS[1:]
        if not labelled:
            raise InputError(
                f"{self.name}: its outputs behind perfect wires are all 0, so that no error is a share"
                " of them; give weights and inputs that make some"
            )
        return METRICS[:1]

    @functools.cached_property
    def setup(self) -> Setup:
        """The setup before anything is varied."""
        return self._setup_of(self.layer)

    def _setup_of(self, layer: ProgrammedLayer) -> Setup:
        return Setup(
            crossbar=layer.crossbar,
            device=layer.device,
            imperfections=self.imperfections,
            circuitry=self.circuitry,
        )

    @property
    def chance(self) -> bool:
        """Whether the imperfections have anything to draw."""
        return self.imperfections.drawn

    def base(self, field: Field) -> Value | None:
        """The value that the layer, the circuit and the imperfections have."""
        if field.name == MAPPING.name:
            return str(self.layer.mapping)
        return own_value(self.compensation, field) if field.part == OWN else self.setup.value(field)

    def describe(self) -> dict[str, Any]:
        """The layer with the hash of its arrays, its device and its circuit."""
        layer = self.layer
        digest = hashlib.sha256()
        for array in (layer.initial_state, layer.pulses, layer.inputs, layer.labels):
            digest.update(repr(array.shape).encode() + np.ascontiguousarray(array).tobytes())
        return {
            "layer": layer.name,
            "arrays": digest.hexdigest(),
            "input_scale": layer.input_scale,
            "read_model": str(layer.read_model),
            **({} if layer.mapping == REFERENCE else {MAPPING.name: str(layer.mapping)}),
            **self.setup.to_dict(),
            "tiles": str(self.tile),
            "compensation": self.compensation.name,
        }

    def require(self, point: Point) -> None:
        """Raise InputError where the circuit, the device or the imperfections refuse the point."""
        self.at(point)

    def at(self, point: Point) -> tuple[ProgrammedLayer, Setup, Compensation]:
        """(layer on the point's lines and device, the point's setup, its compensation)."""
        shared = {name: value for name, value in point.items() if name not in OWN_FIELDS}
        own = self.mapped(point)
        setup = (self.setup if own is self.layer else self._setup_of(own)).at(shared, self.fields)
        layer = dataclasses.replace(own, crossbar=setup.crossbar, device=setup.device)
        return layer, setup, chosen_at(point, self.compensation)

    def mapped(self, point: Point) -> ProgrammedLayer:
        """The layer on the columns of the point's mapping, its pulses planned for its own device."""
        name = point.get(MAPPING.name)
        return self.layer if name is None else self.layer.mapped_as(Columns.parse(name))

    def deployed(self, point: Point) -> Deployed:
        """The point's arrays before chips are drawn; imperfections and spread play no part in them."""
        fields = self.fields
        shared = {n: v for n, v in point.items() if fields[n].part not in (IMPERFECTIONS, SPREAD)}
        return _deployed(_Subject(self), tuple(sorted(shared.items())))

    def chips(self, point: Point, seed: int) -> tuple[Deployed, Sequence[Chip]]:
        """(the point's arrays, the chips that the seed draws for them)."""
        deployed = self.deployed(point)
        return deployed, deployed.chips(self.at(point)[1].imperfections, seed)

    def evaluate(self, point: Point, seeds: Sequence[int]) -> Numbers:
        """The metrics of the chips that each seed draws, and what their converters use."""
        deployed, imperfections = self.deployed(point), self.at(point)[1].imperfections
        found = []
        for seed in seeds if imperfections.drawn else seeds[:1]:
            usage, chips = Usage(), deployed.chips(imperfections, seed)
            pairs = zip(deployed.arrays, chips, strict=True)
            sensed = [read_chip(*pair, coming=COMING, usage=usage) for pair in pairs]
            scores = deployed.scores(sensed, chips)
            found.append({one.name: scores[one.name] for one in self.metrics} | numbers_of([usage]))
        found *= len(seeds) // len(found)  # chips that nothing was drawn for are all one
        return transposed(found)


def own_value(own: Compensation, field: Field) -> Value:
    """The value of one of `OWN_FIELDS` where it is not varied."""
    return own.believed if field.name == BELIEVED.name else own.name


def chosen_at(point: Point, own: Compensation) -> Compensation:
    """The compensation at a point.

    own : where the point says nothing of it

    Raises
    ------
    InputError : a name that is none, or wires misjudged where nothing reckons with them.
    """
    choice, factor = point.get(COMPENSATION.name), point.get(BELIEVED.name)
    chosen = own if choice is None else Compensation.parse(str(choice))
    return chosen if factor is None else dataclasses.replace(chosen, believed=float(factor))


COMING = 100
"""A sweep has many reads to come: the solver may take its time to get ready."""


class _Subject:
    """A subject as part of a cache's key, compared by what it describes."""

    def __init__(self, subject: LayerSubject) -> None:
        self.subject = subject

    @functools.cached_property
    def _key(self) -> str:
        return repr(self.subject.describe())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Subject) and (self.subject is other.subject or self._key == other._key)

    def __hash__(self) -> int:
        return hash(self.subject.layer.name)


@functools.lru_cache(maxsize=16)
def _deployed(subject: _Subject, point: tuple[tuple[str, Value], ...]) -> Deployed:
    own = subject.subject
    layer, setup, choice = own.at(dict(point))
    return deploy(layer, own.mapped(dict(point)), own.tile, choice, setup.circuitry)
