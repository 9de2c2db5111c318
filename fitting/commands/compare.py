"""`roa-fit compare`: devices side by side, whatever their laws."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fitting.commands._options import share_of
from fitting.commands._outputs import as_json, write_all
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.units import parse_quantity
from roa_circuit.presentation import console
from roa_circuit.presentation.options import Json, folder

_MOST = 7


def compare(
    devices: Annotated[
        list[str],
        typer.Argument(metavar="DEVICE...", help="Parameter sets: names, or files such as device.toml."),
    ],
    read: Annotated[
        str | None, typer.Option(metavar="V", help="One read voltage for all; else each its own.")
    ] = None,
    noise: Annotated[str, typer.Option(help="Of one reading, relative, for levels.")] = "1%",
    output_dir: Annotated[Path, folder("Of the page.")] = Path("out/compare"),
    json_file: Json = None,
) -> None:
    """Put devices side by side: range, one pulse from every state, energy, write noise, levels.

    Each is driven by its own pulses, by the law that its file names: [bold]device.toml[/] of several
    fits, or parameter sets that come with the package.
    """
    from fitting.judgement.devices import side
    from fitting.presentation.side_by_side import drawings, head, page, rows
    from roa_circuit.device.parameters import load_device

    if not 2 <= len(devices) <= _MOST:
        raise InputError(f"compare takes 2 to {_MOST} devices, not {len(devices)}")
    V_r = None if read is None else parse_quantity(read, what="--read", unit="V")
    if V_r == 0:
        raise InputError("--read 0: no current flows at 0 V; give the voltage of the reading")
    share = share_of("--noise", noise)
    known = [load_device(name) for name in devices]
    if any(one.memristor.varies for one in known):
        raise InputError("a device with a constant for each cell is no one device; give its medians")
    sides = [side(one, share, V_r) for one in known]
    made = {
        "files": [str(name) for name in devices],
        "provenance": console.provenance(
            inputs=[Path(name) for name in devices if Path(name).is_file()]
        ),
    }
    document = {"noise": share, "devices": [one.document() for one in sides]}
    drawn = drawings(sides)
    files = {
        output_dir / "compare.html": page(sides, share, drawn, made).to_html().encode(),
        output_dir / "compare.json": as_json(document | made),
    }
    if json_file is not None:
        files.setdefault(json_file, as_json(document))
    write_all(files)
    title = f"{len(sides)} devices side by side"
    console.out.print(console.table(title, head(sides), rows(sides)))
    for one in sides:
        for text in one.said:
            console.say(text)
    for path in files:
        console.say(f"  {path}")
