"""`roa-meta methods`: the methods that can be trained and evaluated, by name."""

from __future__ import annotations

from dataclasses import asdict

from meta.network.methods import METHODS
from meta.network.shipped import SHIPPED
from roa_circuit.basics.results import write_json
from roa_circuit.presentation import console, options


def methods(*, json: options.Json = None) -> None:
    """List the methods by name, and what each has a shipped network for."""
    ways = {name: _ways(method.network) for name, method in METHODS.items()}
    rows = [
        [name, method.summary, "no" if method.extension else "yes", ways[name]]
        for name, method in METHODS.items()
    ]
    table = console.table("", ["method", "what it is", "in the paper", "shipped, ways"], rows)
    table.columns[1].justify = "left"
    console.out.print(table)
    if json is not None:
        found = {name: asdict(method) | {"shipped": ways[name]} for name, method in METHODS.items()}
        write_json(json, {"methods": found})


def _ways(network: str) -> str:
    """The numbers of ways of the shipped networks; one with an erased head serves any number."""
    if METHODS[network].erased is not None:
        return "any"
    return ", ".join(str(ways) for name, ways in SHIPPED if name == network) or "-"
