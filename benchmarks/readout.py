"""Few-shot accuracy behind converters: bits, mapping, range, wires and calibration, on real Omniglot.

python benchmarks/readout.py [--quick] [--only TEXT] [--episodes N] [--data FOLDER] --json FILE

Shipped networks adapt to test classes, 75 queries an episode, without write noise. Each stands on chips
once for each mapping, wires and calibration; its converters are then exchanged.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

# A script's own folder comes first on the path, where meta.py would hide the package.
sys.path = [folder for folder in sys.path if Path(folder).resolve() != Path(__file__).resolve().parent]

from meta.circuits.adaptation import Episode, adapt_episode
from meta.circuits.behind_circuit import CircuitLayer, Hardware, classes
from meta.data.datasets import load_dataset
from meta.data.tasks import Tasks
from meta.evaluation.episodes import interval_over_tasks
from meta.learning.writing import Writing
from meta.network.convolutional import Network
from meta.network.shipped import shipped_network
from roa_circuit.chips.converter_use import Usage
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.design_point import default_crossbar
from roa_circuit.circuit.mapping import Mapping
from roa_circuit.layers.ranges import ranged
from roa_circuit.layers.recovery import Compensation
from roa_circuit.layers.tiling import TileSize

DAC_BITS = 8


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is read how: a line of the table, with a column for each number of bits (0: no converter)."""

    network: str
    ways: int
    mapping: str
    full: float | str
    ohms: float
    compensation: str = "nothing"
    bits: tuple[int, ...] = (4, 6, 8, 0)
    tile: str = "64x64"

    @property
    def name(self) -> str:
        """As `--only` finds it."""
        full = self.full if isinstance(self.full, str) else f"{1e6 * self.full:g} uA"
        tile = "" if self.tile == "64x64" else f", tiles {self.tile}"
        how = "" if self.compensation == "nothing" else f", {self.compensation}"
        return f"{self.network} {self.ways}-way, {self.mapping}, {full}, {self.ohms:g} Ohm{how}{tile}"


def cases() -> list[Case]:
    """The table of the guide."""
    pairs = {"network": "roa", "mapping": "pair", "full": "layer"}
    column = {"network": "roa", "ways": 5, "mapping": "reference"}
    robust = {"network": "roa-robust", "ways": 5, "full": "layer"}
    calibrated = "placed+calibrated:64"
    return [
        *(Case(**pairs, ways=5, ohms=r, bits=(4, 6, 0)) for r in (0.0, 1.0, 10.0)),
        Case(**pairs, ways=5, ohms=10.0, bits=(4, 6, 0), compensation="placed"),
        *(Case(**pairs, ways=20, ohms=r, bits=(6, 0)) for r in (0.0, 1.0, 10.0)),
        Case(**pairs, ways=20, ohms=10.0, bits=(6, 0), compensation="placed"),
        *(Case(network="roa", ways=5, mapping="reference:16", full="layer", ohms=r) for r in (0.0, 1.0)),
        *(Case(**column, full=f, ohms=1.0, bits=(8, 0)) for f in (1e-4, "layer", "column")),
        *(
            Case(**column, full=f, ohms=r, bits=(8, 10), compensation=calibrated)
            for f, r in itertools.product(("layer", "column"), (1.0, 10.0))
        ),
        *(Case(**robust, mapping="pair", ohms=r, bits=(6, 0)) for r in (0.0, 1.0)),
        *(
            Case(**robust, mapping="pair", ohms=10.0, bits=(6, 0), compensation=c)
            for c in ("calibrated", "placed")
        ),
        *(
            Case(**robust, mapping="reference", ohms=r, bits=(8,), compensation=calibrated)
            for r in (1.0, 10.0)
        ),
    ]


def with_converters(
    layers: dict[str, CircuitLayer], bits: int, full: float | str
) -> dict[str, CircuitLayer]:
    """The same chips with other ADCs, calibrated anew if they are calibrated at all."""
    x = Imperfections(dac_bits=DAC_BITS, adc_bits=bits, adc_range=full if bits else 0.0)
    found = {}
    for name, layer in layers.items():
        known = np.zeros(1) if isinstance(full, str) else np.array([full])
        chips = [
            replace(one.chip, imperfections=x, adc=replace(one.chip.adc, bits=bits, full=known))
            for one in layer.arrays
        ]
        if isinstance(x.adc_range, str):
            chips = ranged(chips, layer.deployed.seen(x), x)
        usage = Usage()
        arrays = [
            replace(one, chip=c.afresh(), usage=usage)
            for one, c in zip(layer.arrays, chips, strict=True)
        ]
        found[name] = replace(layer, arrays=tuple(one.calibrated() for one in arrays))
    return found


def standing(case: Case, episode: Episode, seed: int) -> dict[str, CircuitLayer]:
    """An adapted network on its chips, without ADCs."""
    hardware = Hardware(
        crossbar=replace(default_crossbar(1, 2), r_word=case.ohms, r_bit=case.ohms),
        imperfections=Imperfections(dac_bits=DAC_BITS),
        compensation=Compensation.parse(case.compensation),
        tile=TileSize.parse(case.tile),
    )
    return hardware.holding(episode.sampled, seed)


def measured(case: Case, network: Network, tasks: Tasks, episodes: int) -> dict[str, object]:
    """Accuracies by bits, over the same episodes."""
    mapping = Mapping.parse(case.mapping)
    writing = replace(Writing.of(network), mapping=mapping)
    right: dict[int, list[float]] = {bits: [] for bits in case.bits}
    ideal, ends, began = [], 0.0, time.perf_counter()
    for seed in range(episodes):
        episode = adapt_episode(network, tasks.reseeded(seed), writing, reads=1)
        labels = episode.task.query_labels.numpy()
        ideal.append(float(np.mean(episode.answers == labels)))
        layers = standing(case, episode, seed)
        for bits in case.bits:
            read = with_converters(layers, bits, case.full)
            right[bits].append(float(np.mean(classes(network, episode.task.query, read) == labels)))
            if bits:
                adcs = [use for one in read.values() for use in one.usage.uses() if use.name == "ADC"]
                ends = max(ends, *(use.clipped for use in adcs))
    return {
        "case": case.name,
        "accuracy": {str(bits or "none"): float(np.mean(v)) for bits, v in right.items()},
        "ci95": {str(bits or "none"): interval_over_tasks(np.array(v)) for bits, v in right.items()},
        "ideal": float(np.mean(ideal)),
        "episodes": episodes,
        "most_beyond_range": ends,
        "seconds": time.perf_counter() - began,
    }


def rows(only: str, episodes: int, data: Path | None) -> Iterator[dict[str, object]]:
    """One row for each case whose name holds `only`."""
    omniglot = load_dataset("omniglot", data)
    for case in cases():
        if only in case.name:
            network = shipped_network(case.network, case.ways).with_ways(case.ways)
            tasks = Tasks(dataset=omniglot, ways=case.ways, queries=15 if case.ways == 5 else 4)
            yield measured(case, network, tasks, episodes)


def main() -> None:
    """Print rows as they come, and write them as JSON after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the first case, two episodes")
    parser.add_argument("--only", default="", metavar="TEXT", help="cases whose name holds TEXT")
    parser.add_argument("--episodes", type=int, default=10, metavar="N")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="of Omniglot; downloaded otherwise")
    parser.add_argument("--json", type=Path, required=True)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    only, episodes = (cases()[0].name, 2) if asked.quick else (asked.only, asked.episodes)
    found = []
    for one in rows(only, episodes, asked.data):
        found.append(one)
        spread = dict(one["ci95"])
        accuracy = ", ".join(
            f"{b}: {100 * a:.1f} ± {100 * spread[b]:.1f}" for b, a in dict(one["accuracy"]).items()
        )
        print(f"{one['case']:60} {accuracy} (ideal {100 * one['ideal']:.1f})  {one['seconds']:.0f} s")
        asked.json.write_text(json.dumps({"rows": found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
