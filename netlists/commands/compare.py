"""`roa-spice compare`: verifications side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from roa_circuit.basics.errors import InputError
from roa_circuit.basics.results import check_writable, write_json, write_text
from roa_circuit.presentation import console, options


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...", help="Folders that `roa-spice verify` left, or their report.json."
        ),
    ],
    output_dir: Annotated[Path, options.folder("Of the page.")] = Path("out/compare"),
    json_file: options.Json = None,
) -> None:
    """Put verifications side by side: what differs in their settings, and what each found.

    Nothing is simulated again. Give each run of [bold]roa-spice verify[/] a folder of its own
    ([bold]--output-dir[/]), and name these folders here.
    """
    from netlists.verification.side_by_side import MOST, Run, differing, found, head, page

    if not 2 <= len(runs) <= MOST:
        raise InputError(f"compare takes 2 to {MOST} runs, not {len(runs)}")
    known = [Run.read(path) for path in runs]
    html, document = output_dir / "compare.html", output_dir / "compare.json"
    check_writable(html, document, json_file)
    made = {
        "files": [str(path) for path in runs],
        "provenance": console.provenance(inputs=[path for path in runs if path.is_file()]),
    }
    apart, told = differing(known), found(known)
    numbers = {
        "runs": [one.name for one in known],
        "differing": {row[0]: row[1:] for row in apart},
        "found": {row[0]: row[1:] for row in told},
    }
    write_text(html, page(known, made).to_html())
    write_json(document, numbers | made)
    if json_file is not None:
        write_json(json_file, numbers)
    console.out.print(console.table("What differs", head(known), apart))
    console.out.print(console.table("What was found", head(known), told))
    console.say(f"page {html}; compare.json beside it")
