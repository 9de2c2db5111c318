"""The paper's results: Table 2 of Zhang et al. (2021), to compare with what is measured here."""

from __future__ import annotations

from meta.network.methods import NOISE_LEVELS

_PRINTED = """
omniglot      5 five-step  99.20 98.67 91.33 48.77
omniglot      5 roa-wc     99.41 99.06 95.17 75.19
omniglot      5 roa-flr    99.51 98.47 92.39 74.09
omniglot      5 roa-wc-flr 99.30 98.19 91.67 60.25
omniglot      5 roa        99.53 99.21 96.39 79.57
omniglot     10 five-step  99.04 96.25 63.66 42.80
omniglot     10 roa-wc     99.00 97.55 87.23 52.06
omniglot     10 roa-flr    98.79 96.02 82.74 56.96
omniglot     10 roa-wc-flr 98.93 95.13 77.14 35.09
omniglot     10 roa        98.87 97.71 90.25 62.39
omniglot     20 five-step  96.58 78.07 34.31 27.65
omniglot     20 roa-wc     97.85 91.90 66.83 32.15
omniglot     20 roa-flr    96.95 85.41 55.12 28.22
omniglot     20 roa-wc-flr 97.77 86.67 57.68 21.24
omniglot     20 roa        97.21 92.74 70.70 33.39
miniimagenet  5 five-step  48.04 38.94 28.09 23.56
miniimagenet  5 roa-wc     49.42 44.46 37.66 30.64
miniimagenet  5 roa-flr    46.26 39.46 33.93 29.81
miniimagenet  5 roa-wc-flr 42.64 36.53 31.37 27.56
miniimagenet  5 roa        50.33 46.84 40.13 32.38
"""


def _read(printed: str) -> dict[str, dict[int, dict[str, tuple[float, ...]]]]:
    table: dict[str, dict[int, dict[str, tuple[float, ...]]]] = {}
    for line in printed.split("\n")[1:-1]:
        dataset, ways, method, *accuracies = line.split()
        table.setdefault(dataset, {}).setdefault(int(ways), {})[method] = tuple(map(float, accuracies))
    return table


TABLE_2 = _read(_PRINTED)
"""Accuracy [%] by data set, ways and method at NOISE_LEVELS; 1-shot, 64 filters."""


def reported(dataset: str, method: str, ways: int, shots: int, sigma_wn: float) -> float | None:
    """The paper's accuracy in [0, 1]; None where Table 2 has none."""
    row = TABLE_2.get(dataset, {}).get(ways, {}).get(method)
    if row is None or shots != 1 or sigma_wn not in NOISE_LEVELS:
        return None
    return row[NOISE_LEVELS.index(sigma_wn)] / 100
