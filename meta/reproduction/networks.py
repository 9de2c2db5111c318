"""Which networks fill a cell: the best of a folder by their own validation, or else a shipped one.

Networks whose training differs in the seed alone are repeats; a cell is their mean.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from meta.network.convolutional import Network
from meta.network.methods import find_method
from meta.network.shipped import shipped_file
from meta.training.configuration import Training
from roa_circuit.basics import files
from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.design_point import default_device
from roa_circuit.device.parameters import Device


@dataclass(frozen=True, kw_only=True)
class Source:
    """A network file, and what its own record says of its training.

    device : what it was trained on, where that is not Table 1
    recipe : how it was trained, without the seeds of its run and of those it went on from
    training_tasks : tasks that its outer loop saw, including those of the runs it went on from
    """

    path: Path
    digest: str
    method: str
    dataset: str
    ways: int
    erased: bool
    recipe: str
    validation: float
    training_tasks: int
    seed: int
    device: Any = None

    def serves(self, method: str, dataset: str, ways: int) -> bool:
        """Whether the network is one for that method, data set and number of ways."""
        trained_by = find_method(method).network
        fits = self.erased or self.ways == ways
        return fits and (self.method, self.dataset) == (trained_by, dataset)


class Networks:
    """The networks of some folders, and the shipped ones where no folder has any."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        files = {file for folder in folders for file in _network_files(folder)}
        self._found = [source for file in sorted(files) if (source := read_source(file))]

    def find(self, method: str, dataset: str, ways: int) -> tuple[Source, ...]:
        """The repeats that serve, in order of their seeds, or else a shipped network."""
        found = self.trained(method, dataset, ways)
        shipped = None if found else shipped_file(method, ways)
        source = None if shipped is None else read_source(shipped)
        return (source,) if source is not None and source.serves(method, dataset, ways) else found

    def trained(self, method: str, dataset: str, ways: int) -> tuple[Source, ...]:
        """The repeats in the folders, by validation accuracy.

        Of each recipe the best network of every seed counts, and of all recipes the one whose networks
        have the best mean.
        """
        recipes: dict[str, dict[int, Source]] = {}
        for one in self._found:
            if one.serves(method, dataset, ways):
                seeds = recipes.setdefault(one.recipe, {})
                seeds[one.seed] = max(one, seeds.get(one.seed, one), key=_validation)
        if not recipes:
            return ()
        best = max(recipes.values(), key=lambda seeds: fmean(map(_validation, seeds.values())))
        return tuple(source for _, source in sorted(best.items()))


def read_source(path: Path) -> Source | None:
    """The source in a network file; None if it is no such file, or has no record of its training."""
    try:
        network = Network.load(path)
    except InputError:
        return None
    training, epoch = network.note.get("training"), network.note.get("epoch", {})
    if training is None:
        return None
    return Source(
        path=path,
        digest=files.digest(path)[1][:12],
        method=training.get("method", "roa"),
        dataset=training.get("dataset", "omniglot"),
        ways=network.architecture.ways,
        erased=network.architecture.erased is not None,
        recipe=_recipe(network.note),
        validation=epoch.get("accuracy_noise", epoch.get("accuracy_pulses", 0.0)),
        training_tasks=training_tasks(network.note),
        seed=training.get("seed", 0),
        device=_other_device(network.note),
    )


def training_tasks(note: dict[str, Any]) -> int:
    """How many tasks the outer loop saw, by the records of a network and those it went on from."""
    training, epoch = note.get("training", {}), note.get("epoch", {})
    seen = (epoch.get("epoch", -1) + 1) * training.get("iterations", 0) * training.get("batch", 0)
    return int(seen) + (training_tasks(note["start"]) if note.get("start") else 0)


def _recipe(note: dict[str, Any]) -> str:
    """All that a record says of its training, and of runs before it, but the seeds."""
    how = {**vars(Training()), **note.get("training", {}), "seed": None}  # older records lack some
    how["device"] = _other_device(note)
    first = _recipe(note["start"]) if note.get("start") else ""
    return json.dumps([how, first], sort_keys=True)


def _other_device(note: dict[str, Any]) -> Any:
    """The device that a network was trained on, where it is not Table 1 at any scale; else None.

    Training knows no currents: their scale makes no other recipe.
    """
    kept, named = note.get("device"), note.get("training", {}).get("device")
    if not isinstance(kept, dict):
        return None if named == "zhang2021" else named
    cells = Device.from_dict(kept, source="a network's device")
    usual = default_device()
    alike = cells.scaled(usual.memristor.current_scale)
    return None if (alike.memristor, alike.pulses) == (usual.memristor, usual.pulses) else kept


def _validation(source: Source) -> float:
    return source.validation


def _network_files(folder: Path) -> list[Path]:
    """The network files of a folder; of a run, only its best epoch."""
    best = list(folder.rglob("best.safetensors"))
    return best if folder / "best.safetensors" in best else [*best, *folder.glob("*.safetensors")]
