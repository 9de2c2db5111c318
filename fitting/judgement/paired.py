"""Pairs: whether the same readings tell two laws apart, by what each misses of those it never saw.

Two laws meet the same readings with the same noise, so that the difference of their squared misfits
scatters far less than either. Neighbours err alike, and count as one: a stretch, or a train.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fitting.readers.measurements import FloatArray

SURE = 1.0
"""Standard errors within which laws are alike: the rule of one standard error (Breiman et al. 1984)."""

CLEARLY = 10.0
"""AIC that a law must be worse by, too."""

_FEWEST = 6  # blocks, whose scatter is known


def difference(one: FloatArray, other: FloatArray, blocks: NDArray[np.int64]) -> float:
    """By how many standard errors the squared misfits of `one` are above those of `other`.

    one, other : (rows,) misfits, NaN where a reading was not held out
    blocks : (rows,) numbers of readings that err alike
    """
    apart = one**2 - other**2
    told = np.isfinite(apart)
    number = np.unique(blocks[told], return_inverse=True)[1]
    if number.max(initial=-1) + 1 < _FEWEST:
        return 0.0
    apart = apart[told]
    mean = float(apart.mean())
    error = float(np.sqrt(np.sum(np.bincount(number, apart - mean) ** 2))) / len(apart)
    return mean / error if error > 0 else 0.0
