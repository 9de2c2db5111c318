"""What several commands are given: data, a network, a device."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roa_circuit import console
from roa_circuit.crossbar import Crossbar
from roa_circuit.design_point import default_crossbar, default_device
from roa_circuit.parameters import Device, load_device
from roa_circuit.units import parse_quantity

if TYPE_CHECKING:
    from meta.fewshot import FewShotDataset
    from meta.network import Network

DATASETS = (
    "omniglot, glyphs (built in, needs no download), miniimagenet, or folder (a class per folder)."
)
DataSet = Annotated[str, typer.Option(help=DATASETS)]
Data = Annotated[
    Path | None, typer.Option(help="A local copy of the data set; omniglot is downloaded otherwise.")
]
NetworkFile = Annotated[Path | None, typer.Option(help="A .safetensors file of `train`.")]
DeviceOption = Annotated[
    str | None, typer.Option(help="Parameter set, a name or a TOML file; the design point otherwise.")
]
Ways = Annotated[int | None, typer.Option(help="5, or the network's own; an erased head takes any.")]
Queries = Annotated[int, typer.Option(help="Query images a class.")]
Method = Annotated[str | None, typer.Option(help="A method by name; `roa-meta methods` lists them.")]
Shots = Annotated[int, typer.Option(help="Support images a class.")]
Seed = Annotated[int, typer.Option(help="Of the tasks and the write noise.")]


def dataset_of(name: str, data: Path | None) -> FewShotDataset:
    """The data set, a progress bar showing where it is downloaded."""
    from meta.datasets import load_dataset

    return load_dataset(name, data, progress=console.DownloadBar(name))


def device_of(name: str | None) -> Device:
    """The parameter set of that name or file; the design point's otherwise."""
    return default_device() if name is None else load_device(name)


def network_of(path: Path | None, method: str | None, ways: int | None) -> tuple[Network, str]:
    """(the network, the method it is used with): a file's, or the one shipped for the method.

    A file's own method is the one it was trained for; roa is the default without a file.
    """
    from meta.network import Network
    from meta.shipped import shipped_network

    if path is None:
        name = method or "roa"
        return shipped_network(name, ways), name
    network = Network.load(path)
    name = method or network.note.get("training", {}).get("method", "roa")
    return network if ways is None else network.with_ways(ways), name


def circuit_of(wires: float | None) -> Crossbar:
    """The design point's circuit, or the same with other wires [Ohm a segment]."""
    circuit = default_crossbar(1, 2)
    return circuit if wires is None else replace(circuit, r_word=wires, r_bit=wires)


def numbers_of(text: str, option: str, unit: str = "") -> list[float]:
    """'0, 0.1, 1k' as numbers; a bad one is named with its option."""
    return [parse_quantity(part, what=option, unit=unit) for part in text.split(",")]
