"""A torch network of one's own as the subject of a sweep: converted anew for each point and seed."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from meta.circuits.behind_circuit import Hardware
from meta.circuits.conversion.convert import arguments, convert
from meta.circuits.conversion.named import NamedModule
from meta.processes.pool import one_thread
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.own_code import own_function
from roa_circuit.chips.converter_use import transposed
from roa_circuit.circuit.design_point import default_device
from roa_circuit.circuit.mapping import PAIR
from roa_circuit.circuit.mapping import Mapping as Columns
from roa_circuit.sweeps.fields import Field, Point, Value, shared_fields
from roa_circuit.sweeps.layer import MAPPING
from roa_circuit.sweeps.setup import Setup
from roa_circuit.sweeps.subject import Metric, Numbers

METRICS = (
    Metric(name="accuracy", meaning="right answers of the sample's labels", more_is_better=True),
    Metric(name="agreement", meaning="answers that are the digital network's", more_is_better=True),
    Metric(name="output_error", meaning="rms error of outputs over their rms", more_is_better=False),
)

OF_WRITES = (
    "sigma_wn", "write_gain", "edge_fraction", "scheme", "potentiation_voltage", "potentiation_width",
    "depression_voltage", "depression_width",
)  # fmt: skip
"""What plays no part in cells that are set and not written."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ModuleSubject:
    """A torch network on chips; a seed draws those of all its layers.

    It is calibrated and scored on its sample. Its outputs are measured by those of the same network
    in floating point, and its answers by the labels, if the sample has any.

    named : network, sample and labels
    hardware : what all layers stand on, before anything is varied

    Raises
    ------
    InputError : what `convert` refuses; outputs that are no tensor, not one row for each label, or 0.
    """

    named: NamedModule
    hardware: Hardware = field(default_factory=Hardware)

    @property
    def name(self) -> str:
        """The name in reports."""
        return f"network {self.named.name}"

    @property
    def fields(self) -> Mapping[str, Field]:
        """The fields of every setup but those of writes, and `mapping`."""
        shared = shared_fields(self.setup.device.memristor)
        return {n: one for n, one in shared.items() if n not in OF_WRITES} | {MAPPING.name: MAPPING}

    @property
    def metrics(self) -> Sequence[Metric]:
        """Accuracy where there are labels, agreement where outputs are classes, and their error."""
        first = 0 if self.named.labels is not None else 1
        return METRICS[first if self._digital.ndim == 2 else 2 :]

    @functools.cached_property
    def setup(self) -> Setup:
        """The setup before anything is varied."""
        own = self.hardware
        return Setup(
            crossbar=own.crossbar,
            device=own.device or default_device(),
            imperfections=own.imperfections,
            circuitry=own.circuitry,
        )

    @property
    def chance(self) -> bool:
        """Whether the imperfections have anything to draw."""
        return self.hardware.imperfections.drawn

    def base(self, field: Field) -> Value | None:
        """The value that the hardware has."""
        if field.name == MAPPING.name:
            return str(self.hardware.mapping or PAIR)
        return self.setup.value(field)

    def __post_init__(self) -> None:
        labels, outputs = self.named.labels, self._digital
        if labels is not None and (outputs.ndim != 2 or len(labels) != len(outputs)):
            raise InputError(
                f"{self.name}: {len(labels)} labels, but outputs of {tuple(outputs.shape)};"
                " labels go with one row of outputs, a column for each class"
            )
        if not outputs.any():
            raise InputError(
                f"{self.name}: its outputs are all 0 for this sample, and no error is a share of that;"
                " give another sample"
            )
        self._converted({}, 0)

    def describe(self) -> dict[str, Any]:
        """The network with the hash of its weights, its sample and its hardware."""
        digest = hashlib.sha256(repr(self.named.network).encode())
        for name, tensor in sorted(self.named.network.state_dict().items()):
            digest.update(name.encode() + tensor.numpy(force=True).tobytes())
        digest.update(self._digital.numpy(force=True).tobytes())
        setup = self.setup.to_dict()
        lines = {k: v for k, v in setup["circuit"].items() if k not in ("rows", "columns")}
        own = self.hardware
        return {
            **setup,
            "circuit": lines,
            "network": digest.hexdigest(),
            "tiles": str(own.tile),
            MAPPING.name: str(own.mapping or PAIR),
        }

    def require(self, point: Point) -> None:
        """Raise InputError where the circuit, the device, the imperfections or the mapping refuse."""
        self._at(point)

    def evaluate(self, point: Point, seeds: Sequence[int]) -> Numbers:
        """The metrics of the chips that each seed draws."""
        drawn = self._at(point).imperfections.drawn
        with one_thread():  # the same sums, whatever the machine
            found = [self._scores(point, seed) for seed in (seeds if drawn else seeds[:1])]
        found *= len(seeds) // len(found)  # chips that nothing was drawn for are all one
        return transposed(found)

    def _at(self, point: Point) -> Hardware:
        shared = {name: value for name, value in point.items() if name != MAPPING.name}
        setup, name = self.setup.at(shared, self.fields), point.get(MAPPING.name)
        return dataclasses.replace(
            self.hardware,
            crossbar=setup.crossbar,
            device=setup.device,
            circuitry=setup.circuitry,
            imperfections=setup.imperfections,
            mapping=self.hardware.mapping if name is None else Columns.parse(str(name)),
        )

    def _converted(self, point: Point, seed: int) -> torch.nn.Module:
        network, sample = self.named.network, self.named.sample
        return convert(network, self._at(point), sample, seed=seed).eval()

    def _scores(self, point: Point, seed: int) -> dict[str, float]:
        found, ideal = _outputs(self._converted(point, seed), self.named.sample), self._digital
        error = float((found - ideal).square().mean().sqrt() / ideal.square().mean().sqrt())
        scores = {"output_error": error}
        if ideal.ndim == 2:
            answers = found.argmax(1)
            scores["agreement"] = float((answers == ideal.argmax(1)).double().mean())
            if (labels := self.named.labels) is not None:
                scores["accuracy"] = float(np.mean(answers.numpy() == labels))
        return {one.name: scores[one.name] for one in self.metrics}

    @functools.cached_property
    def _digital(self) -> Tensor:
        """The outputs of the network itself."""
        return _outputs(self.named.network, self.named.sample)

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process imports the network's code first, by its name."""
        return _arrived, (_Code(self.named.source), self.named, self.hardware)


@dataclass(frozen=True)
class _Code:
    """The code of a network, imported as it arrives in another process: before what follows it."""

    source: str

    def __reduce__(self) -> tuple[Any, ...]:
        return _imported, (self.source,)


def _imported(source: str) -> _Code:
    if source:
        own_function(source, what="module")
    return _Code(source)


def _arrived(code: _Code, named: NamedModule, hardware: Hardware) -> ModuleSubject:
    return ModuleSubject(named=named, hardware=hardware)


@torch.no_grad()
def _outputs(network: torch.nn.Module, sample: Any) -> Tensor:
    args, named = arguments(sample)
    found = network(*args, **named)
    first = found[0] if isinstance(found, tuple) and found else found
    if not (isinstance(first, Tensor) and first.is_floating_point() and first.numel()):
        raise InputError(
            f"{type(network).__name__} returns {type(first).__name__}; a sweep needs a tensor of outputs"
        )
    return first.detach()
