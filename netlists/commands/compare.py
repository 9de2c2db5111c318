"""`roa-spice compare`: verifications side by side, or sweeps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roa_circuit.basics.errors import InputError
from roa_circuit.basics.results import check_writable, write_json, write_text
from roa_circuit.presentation import console, options

if TYPE_CHECKING:
    from roa_circuit.presentation.page import Page
    from roa_circuit.presentation.runs import Run

_EXPECTED = "the folder, or the report.json, that `roa-spice verify` or a `sweep` leaves"


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...",
            help="Folders that `roa-spice verify`, or a `sweep`, left, or their report.json.",
        ),
    ],
    output_dir: Annotated[Path, options.folder("Of the page.")] = Path("out/compare"),
    json_file: options.Json = None,
) -> None:
    """Put runs of one kind side by side: what differs in their settings, and what each found.

    Nothing is computed again. Give each run of [bold]roa-spice verify[/], [bold]roa-spice sweep[/] or
    [bold]roa-meta sweep[/] a folder of its own ([bold]--output-dir[/]), and name these folders here.
    """
    from roa_circuit.presentation.runs import MOST, Run, head, remarks

    if not 2 <= len(runs) <= MOST:
        raise InputError(f"compare takes 2 to {MOST} runs, not {len(runs)}")
    known = [Run.read(path, expected=_EXPECTED) for path in runs]
    html, document = output_dir / "compare.html", output_dir / "compare.json"
    check_writable(html, document, json_file)
    made = {
        "files": [str(path) for path in runs],
        "provenance": console.provenance(inputs=[path for path in runs if path.is_file()]),
    }
    apart, told, more, page = _compared(known, made)
    numbers = {
        "runs": [one.name for one in known],
        "differing": {row[0]: row[1:] for row in apart},
        "found": {row[0]: row[1:] for row in told},
        "remarks": remarks(known),
        **more,
    }
    write_text(html, page.to_html())
    write_json(document, numbers | made)
    if json_file is not None:
        write_json(json_file, numbers)
    console.out.print(console.table("What differs", head(known), apart))
    console.out.print(console.table("What was found", head(known), told))
    for text in remarks(known):
        console.say(text)
    console.say(f"page {html}; compare.json beside it")


def _compared(
    known: list[Run], made: dict[str, Any]
) -> tuple[list[list[str]], list[list[str]], dict[str, Any], Page]:
    """(what differs, what was found, what the document has besides, the page)."""
    from netlists.verification import side_by_side as verifications
    from roa_circuit.sweeps.presentation import side_by_side as swept

    for one in known:
        if not (verifications.is_one(one) or swept.is_one(one)):
            raise InputError(
                f"{one.source}: is of no verification of one layer, nor of a sweep; expected {_EXPECTED}"
            )
    if all(map(verifications.is_one, known)):
        of_layer = verifications.differing(known), verifications.found(known)
        return *of_layer, {}, verifications.page(known, made)
    if not all(map(swept.is_one, known)):
        raise InputError("verifications and sweeps have no numbers in common: compare runs of one kind")
    sweeps = [swept.Swept.of(one) for one in known]
    points = {metric: {row[0]: row[1:] for row in rows} for metric, rows in swept.shared(sweeps).items()}
    return swept.differing(sweeps), swept.found(sweeps), {"points": points}, swept.page(sweeps, made)
