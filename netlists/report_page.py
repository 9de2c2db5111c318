"""The verification report: one self-contained HTML page, pictures and all."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from string import Template
from typing import Any

import numpy as np

from netlists.plots import DARK, LIGHT, pictures
from netlists.report import headline, summary_rows
from netlists.verify import CURRENT_LIMIT, STATE_LIMIT, Verification
from roa_circuit.crossbar import Crossbar
from roa_circuit.results import provenance

_WORST_COLUMNS = 12


def page(
    results: Sequence[Verification], crossbars: Sequence[Crossbar], options: Mapping[str, Any]
) -> str:
    """The report of one or more layers as HTML that needs no other file.

    options : phase, analysis, tile and reads, as they were asked for
    """
    folder = resources.files("netlists") / "templates"
    passed = all(result.passed for result in results)
    title = headline(results[0]) if len(results) == 1 else f"{len(results)} layers in ngspice"
    sections = [_overview(results)] if len(results) > 1 else []
    sections += [_section(result, alone=len(results) == 1) for result in results]
    return Template((folder / "report.html").read_text(encoding="utf-8")).substitute(
        title=html.escape(title),
        style=(folder / "report.css").read_text(encoding="utf-8").strip(),
        verdict="passed" if passed else "failed",
        lead=html.escape(_lead(options)),
        sections="\n".join(sections),
        provenance=_definitions(_made(results[0], crossbars[0], options)),
        footer=html.escape(_FOOTER),
    )


_FOOTER = (
    "Current errors are relative to each current itself, the surrogate reading the states that"
    " ngspice wrote; a current below a millionth of the largest counts as that millionth."
    f" Passed means currents within {CURRENT_LIMIT:.0e}, states within {STATE_LIMIT:.0e}, and, where a"
    " layer has labels, the same prediction for every read."
)


def _lead(options: Mapping[str, Any]) -> str:
    what = {
        "both": "The in-situ write and the reads that follow it",
        "write": "The in-situ write",
        "read": "The reads of the states that the surrogate wrote",
    }[options["phase"]]
    how = "a DC sweep of frozen cells" if options["analysis"] == "sweep" else "full transients"
    write = "a full transient" if options["phase"] == "write" else how
    return (
        f"{what}, simulated in ngspice as {write} of every array with its wires, against the surrogate."
    )


def _overview(results: Sequence[Verification]) -> str:
    rows = [
        (
            result.layer,
            f"{result.rows} x {result.columns}",
            str(result.tiles),
            _number(result.max_relative_current_error),
            _number(result.max_state_error),
            f"{result.wall_seconds:.0f} s",
            "passed" if result.passed else "FAILED",
        )
        for result in results
    ]
    head = ("layer", "cells", "tiles", "current error", "state error", "ngspice", "")
    return f"<section>\n<h2>Layers</h2>\n{_table(head, rows)}\n</section>"


def _section(result: Verification, *, alone: bool) -> str:
    title = "Result" if alone else headline(result)
    parts = [f"<h2>{html.escape(title)}</h2>", _table(("", "value", "limit"), summary_rows(result))]
    dark = pictures(result, DARK)
    for (caption, light), (_, other) in zip(pictures(result, LIGHT), dark, strict=True):
        parts.append(
            "<figure><picture>"
            f'<source media="(prefers-color-scheme: dark)" srcset="{_data(other)}">'
            f'<img src="{_data(light)}" alt="{html.escape(caption)}"></picture>'
            f"<figcaption>{html.escape(caption)}</figcaption></figure>"
        )
    if result.phase != "write":
        parts += ["<h3>Columns</h3>", _columns(result)]
    return "<section>\n" + "\n".join(parts) + "\n</section>"


def _columns(result: Verification) -> str:
    """The error of every column, or of the worst dozen."""
    spice, surrogate = result.spice_currents, result.surrogate_currents
    floor = np.maximum(np.abs(surrogate), 1e-6 * np.abs(surrogate).max(initial=1e-300))
    errors = (np.abs(spice - surrogate) / floor).max(axis=0)
    chosen = np.sort(np.argsort(-errors, kind="stable")[:_WORST_COLUMNS])
    rows = [
        (
            f"{j}",
            f"{1e6 * surrogate[:, j].min():.4g} to {1e6 * surrogate[:, j].max():.4g}",
            f"{1e12 * np.abs(spice[:, j] - surrogate[:, j]).max():.2g}",
            f"{errors[j]:.1e}",
        )
        for j in chosen
    ]
    note = "" if len(errors) <= len(rows) else f"<p>The worst {len(rows)} of {len(errors)} columns.</p>"
    return note + _table(("column", "current [µA]", "worst |ΔI| [pA]", "relative"), rows)


def _made(result: Verification, crossbar: Crossbar, options: Mapping[str, Any]) -> list[tuple[str, str]]:
    record = provenance()
    versions = {"ngspice": result.ngspice_version.removeprefix("ngspice-"), **record["versions"]}
    return [
        ("phase", "{phase}, reads as {analysis}".format(**options)),
        ("reads", "all of each layer" if options["reads"] is None else f"the first {options['reads']}"),
        ("tiles", f"up to {options['tile']} weights, each with its reference column"),
        (
            "wires",
            f"word line {crossbar.r_word:g} Ω, bit line {crossbar.r_bit:g} Ω a segment; source"
            f" {crossbar.r_source:g} Ω, sense {crossbar.r_sense:g} Ω; {crossbar.scheme} select",
        ),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
        ("platform", str(record["platform"])),
        ("created", str(record["created"])),
    ]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{html.escape(name)}</th>" for name in head)
    body = "\n".join(
        "<tr>" + "".join(f"<td{_class(cell)}>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    table = f"<table><thead><tr>{top}</tr></thead><tbody>\n{body}\n</tbody></table>"
    return f'<div class="scroll">{table}</div>'


def _class(cell: str) -> str:
    return ' class="bad"' if cell == "FAILED" else ""


def _definitions(rows: Iterable[tuple[str, str]]) -> str:
    items = "\n".join(f"<dt>{html.escape(a)}</dt><dd>{html.escape(b)}</dd>" for a, b in rows)
    return f"<dl>\n{items}\n</dl>"


def _data(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}"
