"""`roa-spice response`: what a measurement of one's own cell model would say, for `roa-fit`."""

from __future__ import annotations

import csv
import io
import shlex
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from netlists.commands._dialect import CellOption, dialect_of, source_of
from netlists.decks.response import response_deck
from netlists.simulation.run import DEFAULT_TIME_LIMIT
from netlists.simulation.simulators import Engine
from roa_circuit.basics.results import check_writable, write_summary, write_text
from roa_circuit.circuit import footing
from roa_circuit.circuit.design_point import chosen_device
from roa_circuit.device.parameters import Pulses
from roa_circuit.presentation import circuit_options, console, options

_TITLES = ("train", "voltage [V]", "width [s]", "read_voltage [V]", "conductance [S]")
_AMPLITUDES = (1.0, 0.5)


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
    amplitudes: Annotated[
        list[float] | None,
        typer.Option(
            "--amplitude",
            min=0.01,
            max=2.0,
            metavar="SHARE",
            help="Of the write voltages, repeatable. Default: 1, and 0.5 as half-selected cells see it.",
        ),
    ] = None,
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

    Pulses and read voltage are those of --device, whose law has no part in it. Trains at half of the
    write voltages tell a law what half-selected cells of an array do.
    """
    check_writable(output, json_file)
    chosen = chosen_device(device)
    dialect = dialect_of(engine, None, cell)
    source = source_of(cell_model, engine, dialect)
    shares, limit = list(dict.fromkeys(amplitudes or _AMPLITUDES)), time_limit or DEFAULT_TIME_LIMIT
    signs, deadline = [1] * pulses + [-1] * pulses, time.monotonic() + limit
    found: dict[float, list[float]] = {}
    for share in shares:
        weaker = replace(chosen, pulses=_at(share, chosen.pulses))
        deck = response_deck(signs, start, weaker, engine=engine, dialect=dialect, cell_source=source)
        run = deck.run(name="response", time_limit=max(deadline - time.monotonic(), 0.1))
        found[share] = (deck.measured(run)[:, 0] / chosen.pulses.read_voltage).tolist()
    write_text(output, _table(signs, found, chosen.pulses))
    write_summary(
        json_file,
        {
            "cell_model": str(cell_model), "engine": str(engine), "engine_version": run.version,
            "pulses": len(signs), "amplitudes": shares,
            "read_voltage [V]": chosen.pulses.read_voltage,
            "conductance [S]": [found[share] for share in shares],
        },
    )  # fmt: skip
    for text in footing.unread(chosen):
        console.say(text)
    every = [conductance for one in found.values() for conductance in one]
    at = " and ".join(f"{share:.12g}" for share in shares)
    console.say(
        f"{output}: {pulses} pulses up and {pulses} down at {at} of the write voltages,"
        f" {min(every):.4g} to {max(every):.4g} S;"
        f" fit it with: roa-fit {shlex.quote(str(output))} --output-dir fit"
    )


def _at(share: float, pulses: Pulses) -> Pulses:
    """The pulses at a share of their voltages."""
    return replace(
        pulses,
        potentiation_voltage=share * pulses.potentiation_voltage,
        depression_voltage=share * pulses.depression_voltage,
    )


def _table(signs: list[int], found: dict[float, list[float]], pulses: Pulses) -> str:
    """A row a reading; the last one of a train up is the first of the train down.

    found : the conductances [S] after each pulse, by the share of the write voltages
    """
    lines = io.StringIO()
    rows = csv.writer(lines, lineterminator="\n")
    rows.writerow(_TITLES)
    for share, conductances in found.items():
        weaker, suffix = _at(share, pulses), "" if share == 1.0 else f" at {share:g}"
        for number, conductance in enumerate(conductances):
            read = pulses.read_voltage, repr(conductance)
            up = number <= len(signs) // 2
            sign = signs[number - 1] if number else 0
            rows.writerow([*_pulse(("up" if up else "down") + suffix, sign, weaker), *read])
            if number == len(signs) // 2:
                rows.writerow([*_pulse("down" + suffix, 0, weaker), *read])
    return lines.getvalue()


def _pulse(train: str, sign: int, pulses: Pulses) -> tuple[str, float, float | str]:
    """Train, voltage [V] and width [s] of what comes before a reading; a width of nothing is none."""
    if not sign:
        return train, 0.0, ""
    if sign > 0:
        return train, pulses.potentiation_voltage, pulses.potentiation_width
    return train, pulses.depression_voltage, pulses.depression_width
