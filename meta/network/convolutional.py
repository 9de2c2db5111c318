"""The paper's network: four blocks of conv 3x3, batch norm, max-pool, ReLU, then a linear head.

Convolution and head weights live on crossbars, as g in [-1, 1]; so does the head's bias, as an
always-on row. Batch norm is digital: it uses the batch's own statistics (as MAML++ does), has
one scale and shift per inner step, and is never written in situ.

A network with an *erased* head differs. Its blocks are never written, so their batch norm keeps the
statistics of the training; the last block does not pool; and features are scaled digitally to the
same length. The head is not learned: every cell starts at the same omega, for any number of ways.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from meta.network import first_block, norm_pool, stacked
from meta.network.architecture import HEAD, Architecture
from meta.network.backbones import BLOCKS, Layer
from meta.network.convolution import convolve, initial
from meta.network.methods import Method, find_method
from meta.network.notes import checked_note
from meta.network.precision import prepare
from meta.network.rules import Rules
from meta.network.statistics import EPSILON, Statistics
from meta.network.tensors import read_tensors, write_tensors
from meta.network.views import TURNED, parts_of, together, views_of
from roa_circuit.basics.errors import InputError

FORMAT = "roa-network-1"
_FUSED = "conv1"  # the paper's first block is one compiled pass
MOMENTUM = 0.05  # with which an erased network's batch norm follows the images of training

Weights = Mapping[str, Tensor]
"""Crossbar weights by name: of convolutions (filters, channels, rows, columns), of the head, fc, (ways,
features), and fc.bias (ways,)."""


class Network(torch.nn.Module):
    """Everything that is meta-learned.

    weights : initial crossbar weights theta_0
    rates : logarithms of the learned inner rates, (steps,) for each weight tensor
    scales, shifts : gamma and beta of batch norm, (steps + 1, filters) for each block

    With an erased head no write changes a block, so scales and shifts have one row. Such a network
    also has the digital gain of the logits and the statistics of batch norm, which follow the images
    while it trains.
    """

    def __init__(self, architecture: Architecture, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.architecture = architecture
        a = architecture
        self.weights = torch.nn.ParameterDict(
            {key_of(n): initial(s, generator) for n, s in a.learned_shapes.items()}
        )
        written, rate = (tuple(a.weight_shapes), 0.1) if a.erased is None else ((HEAD,), 0.6)
        self.log_rates = torch.nn.ParameterDict(
            {key_of(name): torch.full((a.steps,), math.log(rate)) for name in written}
        )
        filters = {key_of(name): one.filters for name, one in a.convolutions.items()}
        rows = a.steps + 1 if a.erased is None else 1
        self.scales = torch.nn.ParameterDict({n: torch.ones(rows, k) for n, k in filters.items()})
        self.shifts = torch.nn.ParameterDict({n: torch.zeros(rows, k) for n, k in filters.items()})
        if a.erased is not None:
            self.log_gain = torch.nn.Parameter(torch.tensor(math.log(0.2)))
            for name, count in filters.items():
                self.register_buffer(f"mean_{name}", torch.zeros(count))
                self.register_buffer(f"variance_{name}", torch.ones(count))
        if a.centred:
            self.register_buffer("mean_features", torch.zeros(parts_of(TURNED), a.embedding))

    def initial_weights(self) -> dict[str, Tensor]:
        """theta_0 by name; gradients reach the parameters."""
        a = self.architecture
        weights = {name: self.weights[key_of(name)] for name in a.learned_shapes}
        if a.erased is not None:
            g, like = 2 * a.erased - 1, next(iter(self.weights.values()))
            shapes = {n: shape for n, shape in a.weight_shapes.items() if n not in weights}
            weights |= {n: like.new_full(shape, g) for n, shape in shapes.items()}
        return weights

    @property
    def method(self) -> Method:
        """The method that it was trained for; roa, of a network that was not."""
        return find_method(str(self.note.get("training", {}).get("method", "roa")))

    @property
    def compute(self) -> torch.device:
        """Where the network computes: a processor or an accelerator."""
        return next(self.parameters()).device

    def with_ways(self, ways: int | None) -> Network:
        """The same network for another number of classes; None keeps its own.

        An erased head fits any number; a learned one leaves its last columns out.

        Raises
        ------
        InputError : the head was learned for fewer classes.
        """
        a = self.architecture
        if ways is None or ways == a.ways:
            return self
        if a.erased is not None:
            other = copy.copy(self)
            other.architecture = replace(a, ways=ways)
            return other
        if ways > a.ways:
            raise InputError(
                f"ways = {ways}: this network's head was learned for {a.ways}; only an erased head "
                f"fits more; train another with `roa-meta train --ways {ways}`"
            )
        other = Network(replace(a, ways=ways)).to(self.compute)
        tensors = self.state_dict()
        columns = {n: t[:ways] for n, t in tensors.items() if n.startswith(f"weights.{HEAD}")}
        other.load_state_dict(tensors | columns)
        other.note, other.rules = self.note, self.rules
        return other.eval()

    def with_head(self, *, cells_per_feature: int | None = None, views: str | None = None) -> Network:
        """The same network with another erased head, untrained for it; None keeps what it has.

        Raises
        ------
        InputError : its head was learned, or as for `Architecture`.
        """
        asked = {"cells_per_feature": cells_per_feature, "views": views}
        given: Any = {name: value for name, value in asked.items() if value is not None}
        if not given:
            return self
        if self.architecture.erased is None:
            raise InputError(
                f"{' and '.join(given)}: this network learned its head; an erased one, such as that of"
                " roa-robust, has cells for each feature"
            )
        other = copy.copy(self)
        other.architecture = replace(self.architecture, **given)
        return other

    @torch.no_grad()
    def with_new_head(self, ways: int, generator: torch.Generator) -> Network:
        """A copy to train for another number of classes.

        It has the blocks, norms and rates of this network, and a head whose columns are drawn with the
        mean and the deviation of the columns here.
        """
        other = Network(replace(self.architecture, ways=ways))
        own = {n: t for n, t in self.state_dict().items() if not n.startswith(f"weights.{HEAD}")}
        other.load_state_dict(own, strict=False)
        for name in (HEAD, f"{HEAD}.bias"):
            mine, new = self.weights[key_of(name)], other.weights[key_of(name)]
            draw = torch.randn(new.shape, generator=generator)
            new.copy_(mine.mean(0) + mine.std(0) * draw)
        other.clip_weights()
        other.note, other.rules = self.note, self.rules
        return other

    @torch.no_grad()
    def with_steps(self, steps: int) -> Network:
        """A copy to train for another number of inner steps.

        What this network has learned for its last step, or after it, holds for all later steps.
        """
        other = Network(replace(self.architecture, steps=steps))
        for name, mine in self.state_dict().items():
            new = other.state_dict()[name]
            by_step = name.startswith(("log_rates", "scales", "shifts"))
            new.copy_(mine[torch.arange(len(new)).clamp(max=len(mine) - 1)] if by_step else mine)
        other.note, other.rules = self.note, self.rules
        return other

    def rate(self, name: str, step: int) -> Tensor:
        """The learned inner rate of one weight tensor at one step, > 0."""
        return torch.exp(self.log_rates[key_of(name)][step])

    @property
    def written_rate(self) -> float:
        """The relative rate with which training wrote pulses; 1 where it writes at its own rate."""
        if self.architecture.erased is not None:
            return 1.0
        return float(self.note.get("training", {}).get("relative_rate", 1.0))

    @property
    def trained_by(self) -> str:
        """The method that it was trained for; without a note, roa, or roa-robust for an erased head."""
        usual = "roa" if self.architecture.erased is None else "roa-robust"
        return str(self.note.get("training", {}).get("method", usual))

    @property
    def max_pulses(self) -> int:
        """The cap on the pulses of one cell in training; that of the method if training set none."""
        cap = self.note.get("training", {}).get("max_pulses")
        return int(cap or find_method(self.trained_by).max_pulses)

    @torch.no_grad()
    def scale_rates(self, factor: float, layer: str = "") -> None:
        """Multiply the learned inner rates of a layer's weights and bias, or of all."""
        for name, log_rate in self.log_rates.items():
            if layer in {"", name.split("_")[0]}:
                log_rate.add_(math.log(factor))

    def is_finite(self) -> bool:
        """Whether every parameter, and every learned rate, is a finite number."""
        rates = [torch.exp(rate) for rate in self.log_rates.values()]
        return all(bool(torch.isfinite(one).all()) for one in (*self.parameters(), *rates))

    def features(self, images: Tensor, weights: Weights, step: int) -> Tensor:
        """(images, features) at the head's inputs, >= 0.

        images : (n, channels, size, size); features (n, count) pass as they are. A stack of tasks has
            one more axis in front, and so have the weights

        Raises
        ------
        InputError : images of another size or of other channels than the network's.
        """
        if images.ndim < 4:
            return images
        self.architecture.check_images(tuple(images.shape[-3:]))
        if images.ndim == 5 and self.architecture.backbone != BLOCKS:
            return torch.stack([self.features(*one, step) for one in _tasks(images, weights)])
        dtype = weights[HEAD].dtype
        return self.embedded(images, lambda name, x: self.convolved(name, x, weights[name], step), dtype)

    def embedded(self, images: Tensor, layer: Layer, dtype: torch.dtype | None = None) -> Tensor:
        """Inputs of the head (images, features), every view of the images passing the backbone.

        layer : of a convolution's name and the images before it, such as `convolved`
        """
        x = self.seen(images, layer)
        return self.head_inputs(x if dtype is None else x.to(dtype))

    def seen(self, images: Tensor, layer: Layer) -> Tensor:
        """(images, count) features of all views, as the backbone makes them."""
        a, found = self.architecture, []
        for number, view in enumerate(views_of(images, a.views)):
            x = a.body.outputs(view, layer)
            x = x.flatten(1) if x.ndim == 4 else stacked.features(x)
            found.append(self.centred(x, number % parts_of(a.views)) if a.centred else x)
        return together(found, a.views)

    def centred(self, x: Tensor, quarters: int = 0) -> Tensor:
        """Features of one length (images, count), less their mean over all images of the training.

        quarters : how far the images were turned; each turn has a mean of its own, which follows the
            images while the network trains
        """
        x, mean = _one_length(x), self.get_buffer("mean_features")[quarters]
        if self.training:
            with torch.no_grad():
                mean.lerp_(x.float().flatten(0, -2).mean(0), MOMENTUM)
        return x - mean.to(x.dtype)

    def head_inputs(self, x: Tensor) -> Tensor:
        """Inputs of the head's crossbar, >= 0, from the features (images, count) of all views."""
        a = self.architecture
        if a.erased is None:
            return x
        if a.same_length:
            x = math.sqrt(x.shape[-1]) * _one_length(x)
        if a.centred:
            x = torch.cat([F.relu(x), F.relu(-x)], -1)
        return x if a.cells_per_feature == 1 else x.repeat_interleave(a.cells_per_feature, -1)

    def signed(self, inputs: Tensor) -> Tensor:
        """What a class's cells are raised towards, from the head's inputs for its images.

        Inputs themselves, but where they are centred: then a feature above the mean lowers the cells
        that one below it drives. So an output is the product of signed features, of inputs >= 0.
        """
        if not self.architecture.centred:
            return inputs
        above, below = inputs.chunk(2, -1)
        return torch.cat([above - below, below - above], -1)

    def convolved(self, name: str, x: Tensor, weight: Tensor, step: int) -> Tensor:
        """What a convolution passes on, with its norm, of images or of what the last one passed on."""
        if name != _FUSED or self.architecture.backbone != BLOCKS:
            return self.normed(name, convolve(x, weight), step)
        images = x.to(dtype=weight.dtype, memory_format=torch.contiguous_format)
        norm = self.norm(name, step, lambda: first_block.statistics_of(images, weight))
        return prepare(first_block.first_block(images, weight, *norm, x.dtype), x.dtype)

    def normed(self, name: str, y: Tensor, step: int) -> Tensor:
        """Batch norm of a convolution's outputs, and the max-pool and ReLU that follow it.

        As ReLU is monotone, pooling before it changes nothing.
        """
        a = self.architecture
        own = a.convolutions[name]
        if a.backbone != BLOCKS:
            y = self._kept_norm(name, y)
            y = F.max_pool2d(y, 2) if own.pools else y
            return F.relu(y) if own.bends else y
        if own.pools and norm_pool.is_compiled(y):
            norm = self.norm(name, step, lambda: norm_pool.statistics_of(y))
            return norm_pool.norm_pool(y, *norm)
        x = y if y.ndim == 5 else y.movedim(1, -1).unsqueeze(0)
        x = stacked.normalise(x, *self.norm(name, step, lambda: stacked.statistics_of(x)))
        x = F.relu(stacked.pool(x) if own.pools else x)
        return x if y.ndim == 5 else x.squeeze(0).movedim(-1, 1)

    def _kept_norm(self, name: str, y: Tensor) -> Tensor:
        """As `norm` before an erased head, in torch's own pass."""
        key = key_of(name)
        kept = self.get_buffer(f"mean_{key}"), self.get_buffer(f"variance_{key}")
        own = self.scales[key][0], self.shifts[key][0]
        return F.batch_norm(y, *kept, *own, training=self.training, momentum=MOMENTUM, eps=EPSILON)

    def norm(
        self, name: str, step: int, own: Callable[[], Statistics]
    ) -> tuple[Tensor, Tensor, Statistics]:
        """Scale, shift and statistics of a block's batch norm.

        The statistics are those of the images. Before an erased head, they are the kept ones, which
        follow the images while the network trains.
        """
        if self.architecture.erased is None:
            return self.scales[name][step], self.shifts[name][step], own()
        statistics = Statistics(self.get_buffer(f"mean_{name}"), self.get_buffer(f"variance_{name}"))
        if self.training:
            kept, statistics = statistics, own()
            with torch.no_grad():
                kept.mean.lerp_(statistics.mean.flatten(), MOMENTUM)
                kept.variance.lerp_(statistics.unbiased.flatten(), MOMENTUM)
        return self.scales[name][0], self.shifts[name][0], statistics

    def forward(self, images: Tensor, weights: Weights, step: int = 0) -> Tensor:
        """(images, ways) logits under the given crossbar weights."""
        return self.logits(self.features(images, weights, step), weights)

    def logits(self, features: Tensor, weights: Weights) -> Tensor:
        """(images, ways): the head's crossbar, and the digital gain after an erased one."""
        head, bias = weights[HEAD], weights[f"{HEAD}.bias"]
        stack = features.ndim > 2
        y = features @ head.mT + bias.unsqueeze(-2) if stack else F.linear(features, head, bias)
        a = self.architecture
        return y if a.erased is None else torch.exp(self.log_gain) * y / a.cells_per_feature

    @torch.no_grad()
    def clip_weights(self, limit: float = 1.0) -> None:
        """Keep every crossbar weight inside the device's range [-limit, limit]."""
        for weight in self.weights.values():
            weight.clamp_(-limit, limit)

    def save(self, path: Path, **note: Any) -> None:
        """Write one safetensors file, whose metadata are the architecture and `note` (JSON)."""
        how = asdict(self.architecture)
        write_tensors(path, self.state_dict(), FORMAT, architecture=how, note=note)

    @classmethod
    def load(cls, path: Path) -> Network:
        """Read a network file.

        Raises
        ------
        InputError : missing, not a network file, tensors of other shapes, or code of its own that was
            not adopted.
        """
        tensors, documents = read_tensors(path, FORMAT, expected="a network of this toolkit")
        try:
            network = cls(Architecture(**documents["architecture"]))
            network.load_state_dict(tensors)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            why = " ".join(str(error).split())[:200]
            raise InputError(f"{path}: damaged network file: {why}") from None
        network.note = checked_note(documents.get("note", {}), path)
        network.rules = Rules.of(network.note.get("training", {}))
        return network.eval()

    note: dict[str, Any] = {}  # noqa: RUF012
    rules = Rules()


def _one_length(x: Tensor) -> Tensor:
    return F.normalize(x, dim=-1, eps=1e-6)


def _tasks(images: Tensor, weights: Weights) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
    """(images, weights) of every task of a stack."""
    for index in range(len(images)):
        yield images[index], {name: weight[index] for name, weight in weights.items()}


def key_of(name: str) -> str:
    """A layer's name as torch keeps its tensors, whose names must not contain a dot."""
    return name.replace(".", "_")
