"""`roa-spice doctor`: which simulator is here, and whether it works."""

from __future__ import annotations

import typer

from roa_circuit import console, options
from roa_circuit.results import check_writable, write_summary


def doctor(json_file: options.Json = None) -> None:
    """Say which ngspice is here and what it can do, and test it on one cell."""
    from netlists.doctor import diagnose, rows

    check_writable(json_file)
    found = diagnose()
    write_summary(json_file, found.to_dict())
    console.out.print(console.table("ngspice", ["", "found"], rows(found)))
    if not found.healthy:
        raise typer.Exit(1)
