"""`roa-fit design`: what to measure, as tables for a pulse generator."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fitting.commands._options import POLARITIES, Polarity, share_of
from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.basics.units import engineering, parse_quantity, percent
from roa_circuit.circuit import footing
from roa_circuit.device.parameters import Device, load_device
from roa_circuit.presentation import console, options

if TYPE_CHECKING:
    from fitting.planning.design import Budget, Design
    from fitting.planning.protocol import Step, Train

Limits = Annotated[str, typer.Option(metavar="FROM,TO", help="What the pulse generator reaches.")]


def design(
    pulses: Annotated[
        int, typer.Option(max=10_000, help="So many pulses may be spent, preparing ones too.")
    ] = 100,
    iv_points: Annotated[
        int, typer.Option(max=10_000, help="So many points of I-V sweeps may be spent.")
    ] = 40,
    device: Annotated[
        str,
        typer.Option(
            metavar="DEVICE", help="What the device is about, by Eq. 1-2: a name or a TOML file."
        ),
    ] = "zhang2021",
    uncertainty: Annotated[
        str, typer.Option(help="How far its constants may be off; a \\[spread] in its file is better.")
    ] = "5%",
    noise: Annotated[str, typer.Option(help="Of one reading, relative.")] = "1%",
    voltages: Limits = "-3V,3V",
    voltage_step: Annotated[str, typer.Option(help="The generator's resolution.")] = "10mV",
    widths: Limits = "100ns,100ms",
    width_step: Annotated[str, typer.Option(help="The generator's resolution.")] = "10ns",
    read: Annotated[
        str | None, typer.Option(metavar="V", help="Read voltage; else the parameter set's.")
    ] = None,
    window: Annotated[
        str, typer.Option(metavar="FROM,TO", help="Trains stop before the state leaves it.")
    ] = "0.1,0.9",
    polarity: Polarity = "negative-sets",
    output_dir: Annotated[Path, options.folder("Of the tables.")] = Path("out/design"),
    json_file: options.Json = None,
) -> None:
    """Propose the measurement that determines all seven constants of Eq. 1-2 best for so many pulses.

    Writes [bold]protocol.csv[/], a step a row for the pulse generator, and [bold]readings.csv[/], a
    reading a row: fill in its currents and give it to [bold]roa-fit[/].
    """
    from fitting.commands._outputs import write_all
    from fitting.planning.design import Budget
    from fitting.planning.design import design as best_protocol
    from fitting.planning.generator import Generator
    from fitting.planning.protocol import reading_table, step_table
    from roa_circuit.basics.results import check_writable

    if polarity not in POLARITIES:
        raise InputError(f"--polarity {polarity!r} is unknown; {nearest(polarity, POLARITIES)}")
    low, high = _pair("--voltages", voltages, "V")
    shortest, longest = _pair("--widths", widths, "s")
    start, end = _pair("--window", window, "")
    generator = Generator(
        lowest_voltage=low, highest_voltage=high, shortest=shortest, longest=longest,
        voltage_step=parse_quantity(voltage_step, what="--voltage-step", unit="V"),
        width_step=parse_quantity(width_step, what="--width-step", unit="s"),
    )  # fmt: skip
    budget = Budget(
        pulses=pulses, points=iv_points, noise=share_of("--noise", noise), window=(start, end)
    )
    meant = _read_at(load_device(device), read)
    for text in footing.remarks(meant):
        console.say(text)
    check_writable(output_dir / "protocol.csv", json_file)
    found = best_protocol(meant, generator, budget, uncertainty=share_of("--uncertainty", uncertainty))
    trains = tuple(train.mirrored() for train in found.trains) if POLARITIES[polarity] else found.trains
    files = {
        output_dir / "protocol.csv": step_table(trains).encode(),
        output_dir / "readings.csv": reading_table(trains).encode(),
    }
    if json_file is not None:
        document = _document(found, budget, meant, device)
        files[json_file] = (json.dumps(document, indent=2) + "\n").encode()
    write_all(files)
    _print(found, trains, meant, budget)
    for path in files:
        console.say(f"  {path}")


def _pair(option: str, text: str, unit: str) -> tuple[float, float]:
    parts = text.split(",")
    if len(parts) != 2:
        raise InputError(f"{option} {text!r}: must be two values, FROM,TO")
    first, second = (parse_quantity(part, what=option, unit=unit) for part in parts)
    return first, second


def _read_at(device: Device, read: str | None) -> Device:
    if read is None:
        return device
    pulses = dataclasses.replace(
        device.pulses, read_voltage=parse_quantity(read, what="--read", unit="V")
    )
    return dataclasses.replace(device, pulses=pulses)


def _document(found: Design, budget: Budget, meant: Device, device: str) -> dict[str, Any]:
    from roa_circuit.basics.results import provenance

    return {
        "parameters": {
            name: {"relative_error": error, "worst_draw": found.worst_draw[name]}
            for name, error in found.errors.items()
        },
        "pulses": sum(train.pulses for train in found.trains),
        "points": sum(train.points for train in found.trains),
        "budget": dataclasses.asdict(budget),
        "trains": [dataclasses.asdict(train) for train in found.trains],
        "seconds": found.seconds,
        "device": device,
        "remarks": footing.remarks(meant),
        "provenance": provenance(command="roa-fit design"),
    }


def _print(found: Design, trains: Sequence[Train], device: Device, budget: Budget) -> None:
    from fitting.planning.protocol import seconds

    spent, points = sum(t.pulses for t in trains), sum(t.points for t in trains)
    title = (f"{spent} pulses in {len(trains)} trains, {points} I-V points; the pulses take "
             f"{engineering(seconds(trains), 's')}, read at "
             f"{engineering(trains[0].steps[0].read_voltage, 'V')}")  # fmt: skip
    same: dict[tuple[Step, ...], list[int]] = {}
    for index, train in enumerate(trains):
        same.setdefault(train.steps, []).append(index)
    rows = [_row(trains[i[0]], found.trains[i[0]], device, len(i)) for i in same.values()]
    console.out.print(console.table(title, ["train", "first", "then", "state"], rows))
    columns = ["constant", "relative error", "if the device differs"]
    errors = [
        [name, percent(e, 2), f"up to {percent(found.worst_draw[name], 2)}"]
        for name, e in found.errors.items()
    ]
    title = f"What a fit will know, at {percent(budget.noise, 3, significant=True)} noise a reading"
    console.out.print(console.table(title, columns, errors))


def _row(train: Train, plain: Train, device: Device, times: int) -> list[str]:
    """One kind of train; its states are those of the device as Eq. 1 writes it."""
    from fitting.search.fit import as_printed

    first, *rest = train.steps
    pulses = [f"{s.count} pulses" for s in rest if s.width > 0]
    reads = [f"{s.read_voltage:g}" + f" ({s.count}×)" * (s.count > 1) for s in rest if s.width == 0]
    then = "; ".join(pulses + [f"read at {', '.join(reads)} V"] * bool(reads))
    states = " → ".join(f"{omega:.2f}" for omega in plain.states(as_printed(device.memristor)))
    name = train.name + f" ({times}×)" * (times > 1)
    return [name, f"{first.voltage:+g} V {engineering(first.width, 's')}", then, states]
