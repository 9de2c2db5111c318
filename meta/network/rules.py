"""Rules of one's own: functions that shape adaptation, imported by name when they are asked for.

A network's file holds their names and never runs them by itself. `inner_loss`, `rate_rule` and `head`
decide an adaptation, so a network keeps them. A `sampler` (`meta.data.sampler`) draws the tasks of a
training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, NoReturn, Protocol

import torch
from torch import Tensor

from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.basics.own_code import own_function

KINDS = ("inner_loss", "rate_rule", "sampler", "head")
"""The rules that there are, each a setting of a training and an option of its command."""

_OWN: dict[tuple[str, str], Callable[..., Any]] = {}


class InnerLoss(Protocol):
    """What an inner step lowers on the support set of one task."""

    def __call__(self, logits: Tensor, labels: Tensor, /) -> Tensor:
        """The loss (), from logits (images, ways) and labels (images,) that count from 0.

        It must have a gradient to the logits. The outer gradient goes through that of the inner step,
        so take operations that torch derives twice.
        """
        ...


class RateRule(Protocol):
    """How far an inner step moves a weight tensor of one task along its gradient."""

    def __call__(
        self, name: str, step: int, learned: Tensor, weight: Tensor, gradient: Tensor, /
    ) -> Tensor:
        """Rates >= 0, () or of the weight's shape; the step is -rate * gradient.

        name, step : which tensor, and which inner step, from 0
        learned : () the network's own rate, which it is without a rule; where it is used, it is learned
        weight, gradient : before the step, and of the inner loss; the outer gradient goes through both
        """
        ...


class Head(Protocol):
    """What is written onto an erased head, from the support set of one task."""

    def __call__(self, features: Tensor, labels: Tensor, ways: int, /) -> Tensor:
        """Wanted changes of g, (ways, features): an output is their product with an image's features.

        features : (images, features) as the network makes them: >= 0, or around 0 where it centres them
        labels : (images,) classes that count from 0, each as often as any other

        A training's gradient goes through it, where it computes in torch.
        """
        ...


def adopt_rule(kind: str, name: str) -> str:
    """Let networks and trainings have a rule of one's own; the name is returned.

    kind : inner_loss, rate_rule, sampler or head
    name : 'package.module:function', of what is installed or of the working directory

    Raises
    ------
    InputError : no such kind or function, or one that returns what such a rule must not.

    Examples
    --------
    Where `rules/margin.py` has a function `hinge(logits, labels)`:

    >>> from meta import adopt_rule
    >>> adopt_rule("inner_loss", "rules.margin:hinge")  # doctest: +SKIP
    'rules.margin:hinge'
    """
    if kind not in KINDS:
        raise InputError(f"rule {kind!r} is unknown; {nearest(kind, KINDS)}")
    if (kind, name) not in _OWN:
        found = own_function(name, what=_said(kind))
        if kind in _CHECKS:
            _CHECKS[kind](name, found)
        _OWN[kind, name] = found
    return name


def adopted(kind: str, name: str) -> Callable[..., Any]:
    """The function of an adopted rule.

    Raises
    ------
    InputError : it was not adopted.
    """
    if (kind, name) not in _OWN:
        raise InputError(
            f"{_said(kind)} {name!r} is code of its own, which runs only when asked for: give"
            f" --{kind.replace('_', '-')} {name}, or call meta.adopt_rule first"
        )
    return _OWN[kind, name]


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The adopted rules that decide a network's adaptation, by name; None is what is usual.

    Other processes import them anew.

    Raises
    ------
    InputError : one that was not adopted.
    """

    inner_loss: str | None = None
    rate_rule: str | None = None
    head: str | None = None

    def __post_init__(self) -> None:
        for kind, name in self.given.items():
            adopted(kind, name)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rules, (self.given,)

    @classmethod
    def of(cls, training: Mapping[str, Any]) -> Rules:
        """Those that the settings of a training name."""
        return cls(**{one.name: training.get(one.name) for one in fields(cls)})

    @property
    def given(self) -> dict[str, str]:
        """The rules that are of one's own."""
        return {kind: name for kind, name in vars(self).items() if name is not None}

    def losses(self, logits: Tensor, labels: Tensor) -> Tensor | None:
        """The own inner loss of a task (), or of each in a stack (tasks,); None without one.

        Raises
        ------
        InputError : it fails, or returns something else.
        """
        if self.inner_loss is None:
            return None
        name, own = self.inner_loss, adopted("inner_loss", self.inner_loss)
        if labels.ndim == 1:
            return _loss(name, own, logits, labels)
        return torch.stack([_loss(name, own, *one) for one in zip(logits, labels, strict=True)])

    def rates(
        self, name: str, step: int, learned: Tensor, weight: Tensor, gradient: Tensor, *, stack: bool
    ) -> Tensor:
        """What multiplies a gradient: the learned rate, or what the own rule makes of it.

        stack : whether weight and gradient have an axis of tasks in front, each with rates of its own

        Raises
        ------
        InputError : the rule fails, or returns another shape.
        """
        if self.rate_rule is None:
            return learned
        rule, own = self.rate_rule, adopted("rate_rule", self.rate_rule)
        if not stack:
            return _rate(rule, own, name, step, learned, weight, gradient)
        pairs = zip(weight, gradient, strict=True)
        return torch.stack([_rate(rule, own, name, step, learned, *one) for one in pairs])

    def changes(self, features: Tensor, labels: Tensor, ways: int) -> Tensor | None:
        """What the own head wants written (ways, features), of a stack for each task; None without one.

        Raises
        ------
        InputError : it fails, or returns another shape, or what is not finite from finite features.
        """
        if self.head is None:
            return None
        name, own = self.head, adopted("head", self.head)
        if labels.ndim == 1:
            return _changes(name, own, features, labels, ways)
        pairs = zip(features, labels, strict=True)
        return torch.stack([_changes(name, own, *one, ways) for one in pairs])


def _loss(name: str, own: InnerLoss, logits: Tensor, labels: Tensor) -> Tensor:
    found = _called("inner_loss", name, own, logits, labels)
    if found.ndim:
        _refuse("inner_loss", name, f"returned shape {tuple(found.shape)}; one number, (), is a loss")
    return found


def _rate(
    rule: str, own: RateRule, name: str, step: int, learned: Tensor, weight: Tensor, gradient: Tensor
) -> Tensor:
    found = _called("rate_rule", rule, own, name, step, learned, weight, gradient)
    if found.shape not in ((), weight.shape):
        shape = tuple(found.shape)
        _refuse(
            "rate_rule", rule, f"returned shape {shape} for weights {tuple(weight.shape)}; or take ()"
        )
    return found.to(gradient.dtype).expand_as(gradient)


def _changes(name: str, own: Head, features: Tensor, labels: Tensor, ways: int) -> Tensor:
    found = _called("head", name, own, features.clone(), labels.clone(), ways)
    if found.shape != (ways, features.shape[-1]):
        _refuse(
            "head", name,
            f"returned shape {tuple(found.shape)} for {ways} ways of {features.shape[-1]} features; give"
            " (ways, features), one row a class",
        )  # fmt: skip
    if found.is_complex():
        _refuse("head", name, "returned complex numbers; a cell's change is a real one")
    found = found.to(features)
    if bool(torch.isfinite(features).all()) and not bool(torch.isfinite(found).all()):
        shots = len(labels) // ways
        _refuse("head", name, f"gives changes that are not finite, {ways}-way {shots}-shot")
    return found


def _check_loss(name: str, own: InnerLoss) -> None:
    """Ask for the loss and the gradient of three classes."""
    logits = torch.linspace(-1.0, 1.3, 18).sin().view(6, 3).requires_grad_()
    found = _loss(name, own, logits, torch.arange(3).repeat(2))
    if not found.requires_grad:
        _refuse("inner_loss", name, "has no gradient to the logits; compute it from them, in torch")
    (gradient,) = torch.autograd.grad(found, logits, create_graph=True, allow_unused=True)
    if gradient is None or not bool(gradient.any()):
        _refuse("inner_loss", name, "has no gradient to the logits; compute it from them, in torch")
    if not bool(torch.isfinite(found) & torch.isfinite(gradient).all()):
        _refuse("inner_loss", name, "is not finite, or its gradient is not, at logits between -1 and 1")


def _check_rate(name: str, own: RateRule) -> None:
    """Ask for the rates of a small head and of its bias, and for what leads back from them."""
    for tensor, shape in (("fc", (3, 4)), ("fc.bias", (3,))):
        numbers = torch.linspace(-0.9, 0.8, 12)[: 4 * 3 if len(shape) == 2 else 3]
        learned, weight = torch.tensor(0.1, requires_grad=True), numbers.view(shape)
        found = _rate(name, own, tensor, 0, learned, weight, (3 * numbers).cos().view(shape))
        if not bool((torch.isfinite(found) & (found >= 0)).all()):
            _refuse("rate_rule", name, f"gives {tensor} rates that are not finite and 0 or more")
        if found.requires_grad:
            torch.autograd.grad(found.sum(), learned, allow_unused=True)


def _check_head(name: str, own: Head) -> None:
    """Ask for the changes of three classes, of two images each."""
    features = 1 + torch.linspace(0.0, 9.0, 30).cos().view(6, 5)
    _changes(name, own, features, torch.arange(3).repeat_interleave(2), 3)


def _called(kind: str, name: str, own: Callable[..., Any], *given: Any) -> Tensor:
    try:
        found = own(*given)
    except Exception as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise InputError(f"{_said(kind)} {name!r} fails: {why}") from error
    if not isinstance(found, Tensor):
        _refuse(kind, name, f"returned {type(found).__name__}, not a tensor")
    return found


def _refuse(kind: str, name: str, text: str) -> NoReturn:
    raise InputError(f"{_said(kind)} {name!r} {text}")


def _said(kind: str) -> str:
    return kind.replace("_", " ")


def _rules(given: dict[str, str]) -> Rules:
    for kind, name in given.items():
        adopt_rule(kind, name)
    return Rules(**given)


_CHECKS: dict[str, Callable[[str, Any], None]] = {
    "inner_loss": _check_loss, "rate_rule": _check_rate, "head": _check_head,
}  # fmt: skip
"""A sampler is checked against the images that it draws from."""
