"""`roa-spice response`: what a measurement of one's own cell model would say, for `roa-fit`."""

from __future__ import annotations

import csv
import io
import shlex
from pathlib import Path
from typing import Annotated

import typer

from netlists.commands._dialect import CellOption, dialect_of, source_of
from netlists.decks.response import response_deck
from netlists.simulation.simulators import Engine
from roa_circuit.basics.results import check_writable, write_summary, write_text
from roa_circuit.circuit import footing
from roa_circuit.circuit.design_point import chosen_device
from roa_circuit.device.parameters import Pulses
from roa_circuit.presentation import circuit_options, console, options

_TITLES = ("train", "voltage [V]", "width [s]", "read_voltage [V]", "conductance [S]")


def response(
    *,
    cell_model: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="Verilog-A: module(te, be) with parameter w0 and variable omega."
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The CSV of pulses and readings.")
    ],
    device: circuit_options.DeviceName = None,
    pulses: Annotated[
        int, typer.Option(min=2, max=10000, metavar="N", help="Pulses up, and as many down.")
    ] = 40,
    start: Annotated[
        float, typer.Option(min=0, max=1, metavar="OMEGA", help="The state before the first.")
    ] = 0.05,
    engine: Annotated[Engine, typer.Option(help="What simulates it.")] = Engine.vacask,
    cell: CellOption = None,
    time_limit: options.TimeLimit = None,
    json_file: options.Json = None,
) -> None:
    """Pulse a cell in Verilog-A up and down and read it after each pulse: a table that roa-fit takes.

    Pulses and read voltage are those of --device, whose law has no part in it.
    """
    check_writable(output, json_file)
    chosen = chosen_device(device)
    dialect = dialect_of(engine, None, cell)
    source = source_of(cell_model, engine, dialect)
    signs = [1] * pulses + [-1] * pulses
    deck = response_deck(signs, start, chosen, engine=engine, dialect=dialect, cell_source=source)
    run = deck.run(name="response", **({"time_limit": time_limit} if time_limit else {}))
    volts = chosen.pulses.read_voltage
    conductances = (deck.measured(run)[:, 0] / volts).tolist()
    write_text(output, _table(signs, conductances, chosen.pulses, volts))
    write_summary(
        json_file,
        {
            "cell_model": str(cell_model), "engine": str(engine), "engine_version": run.version,
            "pulses": len(signs), "read_voltage [V]": volts, "conductance [S]": conductances,
        },
    )  # fmt: skip
    for text in footing.unread(chosen):
        console.say(text)
    low, high = min(conductances), max(conductances)
    console.say(
        f"{output}: {pulses} pulses up and {pulses} down, {low:.4g} to {high:.4g} S;"
        f" fit it with: roa-fit {shlex.quote(str(output))} --output-dir fit"
    )


def _table(signs: list[int], conductances: list[float], pulses: Pulses, volts: float) -> str:
    """A row a reading; the last one of a train is the first of the next."""
    lines = io.StringIO()
    rows = csv.writer(lines, lineterminator="\n")
    rows.writerow(_TITLES)
    for number, conductance in enumerate(conductances):
        up = number <= len(signs) // 2
        sign = signs[number - 1] if number else 0
        rows.writerow([*_pulse("up" if up else "down", sign, pulses), volts, repr(conductance)])
        if number == len(signs) // 2:
            rows.writerow([*_pulse("down", 0, pulses), volts, repr(conductance)])
    return lines.getvalue()


def _pulse(train: str, sign: int, pulses: Pulses) -> tuple[str, float, float | str]:
    """Train, voltage [V] and width [s] of what comes before a reading; a width of nothing is none."""
    if not sign:
        return train, 0.0, ""
    if sign > 0:
        return train, pulses.potentiation_voltage, pulses.potentiation_width
    return train, pulses.depression_voltage, pulses.depression_width
