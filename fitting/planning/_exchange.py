"""Exchange: which of many items to buy so that the worst constant is known best (Fedorov 1972)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitting.readers.measurements import FloatArray

_NORM = 8  # of the errors: nearly their largest, but smooth
_PASSES = 6
_WORTH = 1e-4  # of the errors' logarithm: what a better choice must gain


@dataclass(frozen=True, kw_only=True)
class Shop:
    """Items with their information, which adds up, and their cost.

    `information` (items, draws, n, n) for each of several devices that may be meant; `cost`
    (items, kinds) in shares of what there is of each kind; `given` (draws, n, n) is free.
    """

    information: FloatArray
    cost: FloatArray
    given: FloatArray

    def badness(self, information: FloatArray) -> FloatArray:
        """Logarithm of nearly the largest error, mean over draws: (...,) of (..., draws, n, n)."""
        variance = np.diagonal(np.linalg.inv(information), axis1=-2, axis2=-1)
        result: FloatArray = np.log(np.sum(variance ** (_NORM / 2), axis=-1)).mean(axis=-1) / _NORM
        return result

    def total(self, chosen: Sequence[int]) -> FloatArray:
        """The information of a choice, (draws, n, n)."""
        result: FloatArray = self.given + self.information[list(chosen)].sum(axis=0)
        return result

    def affordable(self, chosen: Sequence[int]) -> NDArray[np.int64]:
        """The items that the rest of the budget can still buy beside a choice."""
        left = 1.0 + 1e-9 - self.cost[list(chosen)].sum(axis=0)
        return np.flatnonzero((self.cost <= left).all(axis=1))

    def best(self, chosen: Sequence[int], among: NDArray[np.int64]) -> int:
        """The item that helps a choice most for its cost."""
        total = self.total(chosen)
        gain = self.badness(total) - self.badness(total + self.information[among])
        return int(among[np.argmax(gain / self.cost[among].sum(axis=1))])

    def greedy(self, chosen: Sequence[int]) -> list[int]:
        """Add to the choice what helps most, until nothing fits any more."""
        chosen = list(chosen)
        while (fits := self.affordable(chosen)).size:
            chosen.append(self.best(chosen, fits))
        return chosen


def exchange(shop: Shop, kept: Sequence[int]) -> list[int]:
    """What to buy beside `kept`.

    First greedily; then items are given back, one at a time, and their price spent anew, as long as
    that helps. The result is deterministic.
    """

    def refilled(bought: Sequence[int]) -> tuple[list[int], float]:
        chosen = shop.greedy([*kept, *bought])
        return chosen[len(kept) :], float(shop.badness(shop.total(chosen)))

    bought, best = refilled([])
    for _ in range(_PASSES):
        before = best
        for item in sorted(set(bought)):
            if item in bought:
                rest = list(bought)
                rest.remove(item)
                trial, value = refilled(rest)
                if value < best - _WORTH:
                    bought, best = trial, value
        if best == before:
            break
    return [*kept, *bought]
