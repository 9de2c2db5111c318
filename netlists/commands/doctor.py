"""`roa-spice doctor`: which simulators are installed, and whether they work."""

from __future__ import annotations

from contextlib import suppress

import typer

from roa_circuit.basics.errors import SimulatorError
from roa_circuit.basics.results import check_writable, write_summary
from roa_circuit.presentation import console, options


def doctor(json_file: options.Json = None) -> None:
    """Say which ngspice and VACASK are here, what they can do, and test them on one cell."""
    from netlists.verification.doctor import diagnose, rows, second_opinion, second_rows

    check_writable(json_file)
    try:
        found = diagnose()
    except SimulatorError:
        with suppress(SimulatorError):
            console.out.print(console.table("VACASK", ["", "found"], second_rows(second_opinion())))
        raise
    second = second_opinion()
    write_summary(json_file, {**found.to_dict(), "vacask": second.to_dict() if second else None})
    console.out.print(console.table("ngspice", ["", "found"], rows(found)))
    console.out.print(console.table("VACASK", ["", "found"], second_rows(second)))
    if not found.healthy or (second is not None and not second.healthy):
        raise typer.Exit(1)
