"""`roa-fit inspect`: what is understood of the files, before anything is fitted."""

from __future__ import annotations

from typing import Annotated

import typer

from fitting.commands import _options as options
from roa_circuit.basics.results import check_writable, write_summary
from roa_circuit.basics.units import counted
from roa_circuit.presentation import console
from roa_circuit.presentation.options import Json, grouped


@grouped
def inspect(
    *,
    measurements: options.Files,
    most: Annotated[int, typer.Option(min=1, help="So many trains at most are listed.")] = 20,
    how: options.HowToRead,
    json_file: Json = None,
) -> int:
    """Show what is understood of the files: trains, pulses, read voltages, gaps, outliers."""
    from fitting.judgement.hints import hints
    from fitting.judgement.inspection import inspect_trains, listed, summary, understood
    from fitting.readers.measurements import describe

    check_writable(json_file)
    m, unused = options.readings(measurements, how)
    trains = inspect_trains(m)
    columns, rows = listed(trains, most)
    console.out.print(console.table(f"{m.source}: {counted(len(trains), 'train')}", columns, rows))
    if len(trains) > most:
        console.out.print(f"and {len(trains) - most} more (--most {len(trains)} lists all)")
    for line in [describe(m), *summary(m, trains)]:
        console.say(line)
    for line in understood(m):
        console.say(line)
    found = {
        "source": m.source, "trains": [train.to_dict() for train in trains],
        "columns": list(m.taken), "assumed": list(m.assumed), "ignored": list(m.ignored),
        "normalised": m.normalised, "hints": hints(m), "ignored_options": unused,
    }  # fmt: skip
    write_summary(json_file, found)
    return 0
