"""The page of a verification: whether simulator and surrogate agree, where not, and what was run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from netlists.verification.map_page import parts as map_parts
from netlists.verification.report import HEAD, analysed, headline, summary_rows
from netlists.verification.result import (
    CURRENT_LIMIT,
    ENERGY_LIMIT,
    MOST_RESIDUAL,
    RESIDUAL_LIMIT,
    RESIDUAL_OF_A_PULSE,
    STATE_LIMIT,
    STATE_SHARE,
    Verification,
    column_errors,
    state_limit,
)
from roa_circuit.basics.units import counted, percent
from roa_circuit.chips.circuitry import described
from roa_circuit.circuit import footing
from roa_circuit.circuit.crossbar import Crossbar, said
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.presentation.drawing import Drawing
from roa_circuit.presentation.markup import Markup
from roa_circuit.presentation.page import (
    Page,
    Section,
    made_by,
    mark,
    paragraph,
    shown,
    side_by_side,
    subheading,
    table,
)
from roa_circuit.presentation.plots import program

_WORST_COLUMNS = 12
_FOOTER = (
    "Current errors are relative to each current itself, the surrogate reading the states that"
    " the simulator wrote; a current below a millionth of the largest counts as that millionth, and"
    " one below a millionth of a fully potentiated cell's as that one."
    f" Passed means currents within {CURRENT_LIMIT:.0e}, states within {STATE_LIMIT:.0e} and"
    f" {100 * STATE_SHARE:g} % of what the write changes, their bound by collocation within"
    f" {RESIDUAL_LIMIT:.0e}, or {RESIDUAL_OF_A_PULSE:.0e} a pulse up to {MOST_RESIDUAL:.0e} where that"
    f" is more, the energy of a write within {100 * ENERGY_LIMIT:g} %, and, where a layer has labels,"
    " the same prediction for every read."
)


def page(
    results: Sequence[Verification],
    layers: Sequence[ProgrammedLayer],
    options: Mapping[str, Any],
    drawn: Sequence[Sequence[Drawing]],
    provenance: Mapping[str, Any],
) -> Page:
    """The report of one or more layers.

    options : phase, analysis, tile and reads, as they were asked for, and the layers' mapping
    drawn : the `drawings` of each layer
    provenance : the command, its files, versions and time
    """
    passed = all(result.passed for result in results)
    alone = len(results) == 1
    sections = [] if alone else [Section(title="Layers", parts=[_overview(results)])]
    for result, layer, figures in zip(results, layers, drawn, strict=True):
        parts = _parts(result, figures, [*layer.not_reached, *footing.remarks(layer.device)])
        if alone:
            sections += [Section(title=title, parts=[part]) for title, part in parts.items()]
        else:
            inner = [piece for title, part in parts.items() for piece in (subheading(title), part)]
            sections.append(Section(title=headline(result), parts=inner))
    conditions = _conditions(results[0], layers[0].crossbar, options)
    sections.append(Section(title="How it was made", parts=[made_by(provenance, conditions)]))
    return Page(
        command="roa-spice verify",
        title=headline(results[0]).replace(" x ", " × ")
        if alone
        else f"{len(results)} layers in {results[0].engine}",
        verdict="passed" if passed else "failed",
        passed=passed,
        lead=_lead(options, results),
        numbers=_numbers(results),
        sections=sections,
        footer=_FOOTER,
        program=program(one for layer in drawn for one in layer),
    )


def _lead(options: Mapping[str, Any], results: Sequence[Verification]) -> str:
    what = {
        "both": "The in-situ write and the reads that follow it",
        "write": "The in-situ write",
        "read": "The reads of the states that the surrogate wrote",
    }[options["phase"]]
    hows = dict.fromkeys(map(analysed, results))
    told = hows if len(hows) == 1 else [f"{result.layer}: {analysed(result)}" for result in results]
    return (
        f"{what}, simulated in {results[0].engine} on every array with its wires, against the"
        f" surrogate. {' '.join(told)}"
    )


def _numbers(results: Sequence[Verification]) -> list[tuple[str, str, str]]:
    """The key numbers: the worst of all layers."""
    worst = {
        name: max((v for r in results if (v := getattr(r, name)) is not None), default=None)
        for name in ("max_relative_current_error", "max_state_error", "residual_bound", "residual_limit")
    }
    same = [r.prediction_agreement for r in results if r.prediction_agreement is not None]
    ideal = [r.ideal_agreement for r in results if r.ideal_agreement is not None]
    wall = sum(r.wall_seconds for r in results)
    cards = [
        ("currents", _number(worst["max_relative_current_error"]),
         f"worst relative error; the limit is {CURRENT_LIMIT:.0e}"),
        ("states", _number(worst["max_state_error"]),
         f"worst of ω; the limit is {min(state_limit(one.max_state_change) for one in results):.0e}"),
        ("bound", _number(worst["residual_bound"]),
         f"on errors of ω by collocation; the limit is {_number(worst['residual_limit'])}"),
        ("same prediction", percent(min(same)) if same else "", "of the reads, by both engines"),
        ("as the ideal", percent(min(ideal)) if ideal else "", "of the reads have its largest output"),
        (results[0].engine, f"{wall:.0f} s" if wall >= 10 else f"{wall:.1f} s",
         f"on {counted(results[0].workers, 'core')}, {counted(sum(r.tiles for r in results), 'tile')}"),
    ]  # fmt: skip
    return [card for card in cards if card[1]]


def _overview(results: Sequence[Verification]) -> Markup:
    rows = [
        (
            result.layer,
            f"{result.rows} × {result.columns}",
            f"{result.tiles} of {result.tiles_in_layer}",
            _number(result.max_relative_current_error),
            _number(result.max_state_error),
            f"{result.wall_seconds:.0f} s",
            mark("passed", "good") if result.passed else mark("FAILED", "bad"),
        )
        for result in results
    ]
    head = ("layer", "cells", "tiles", "current error", "state error", results[0].engine, "verdict")
    return table(head, rows, caption="Every layer; errors are the worst of all its tiles.")


def _parts(result: Verification, drawn: Sequence[Drawing], remarks: Sequence[str]) -> dict[str, Markup]:
    """A layer's result, currents and states, each a row of tables and figures.

    remarks : on its planned write and its device
    """
    of_map = [one for one in drawn if re.search(r"--(maps|array)-of-read-\d+$", one.name)]
    figures = {one.name.rpartition("--")[2]: shown(one) for one in drawn}

    def row(*parts: Markup, names: Sequence[str]) -> Markup:
        return side_by_side([*parts, *(figures[name] for name in names if name in figures)])

    summary = table(
        HEAD,
        summary_rows(result),
        caption=f"{result.engine} beside the surrogate; {result.engine} beside the ideal layer, behind"
        " perfect wires without imperfections, which the verdict leaves out.",
    )
    parts = {"Result": row(summary, names=["currents"])}
    if told := [*result.warnings, *remarks]:
        rows = [(text,) for text in told]
        parts["To heed"] = table(("remark",), rows, caption="What the verdict leaves out.")
    if "current-error" in figures:
        parts["Columns"] = row(_columns(result), names=["current-error"])
    parts["States"] = row(names=["states", "state-scatter", "state-error"])
    if result.map:
        parts["A read"] = Markup(
            "\n".join([paragraph(_of_the_map(result)), *map_parts(result.map, of_map)])
        )
    return parts | ({"Waveforms": figures["waveforms"]} if "waveforms" in figures else {})


def _of_the_map(result: Verification) -> str:
    assert result.map is not None
    said = result.map.said()
    return (
        f"Read {result.map.read}, that with the largest currents, in the surrogate, at the states that"
        f" were read. Lines take up to {said['worst IR drop']} of its largest drive; the read takes"
        f" {said['energy']}."
    )


def _columns(result: Verification) -> Markup:
    """The error of every column, or of the worst dozen."""
    spice, surrogate = result.spice_currents, result.surrogate_currents
    errors = column_errors(result)
    chosen = np.sort(np.argsort(-errors, kind="stable")[:_WORST_COLUMNS])
    rows = [
        (
            f"{j}",
            f"{1e6 * np.nanmin(surrogate[:, j]):.4g} to {1e6 * np.nanmax(surrogate[:, j]):.4g}",
            f"{1e12 * np.nanmax(np.abs(spice[:, j] - surrogate[:, j])):.2g}",
            f"{errors[j]:.1e}",
        )
        for j in chosen
    ]
    whole = len(errors) == len(rows)
    caption = "Every column" if whole else f"The worst {len(rows)} of {len(errors)} columns"
    head = ("column", "current [µA]", "worst |ΔI| [pA]", "relative")
    return table(head, rows, caption=f"{caption}.")


def _read(options: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was verified, and how much was read of it."""
    if options["phase"] == "write":
        return [("phase", "write, as {analysis}".format(**options))]
    reads = "all of each layer" if options["reads"] is None else f"the first {options['reads']}"
    return [("phase", "{phase}, reads as {analysis}".format(**options)), ("reads", reads)]


def _conditions(
    result: Verification, crossbar: Crossbar, options: Mapping[str, Any]
) -> list[tuple[str, str]]:
    return [
        *_read(options),
        ("tiles", f"up to {options['tile']} weights; {options['mapping'].said}" + _drawn(options)),
        ("device", f"{result.device}, current scale {result.current_scale:g}"),
        (
            "wires",
            f"word line {said(crossbar.r_word)} Ω, bit line {said(crossbar.r_bit)} Ω a segment; source"
            f" {said(crossbar.r_source)} Ω, sense {said(crossbar.r_sense)} Ω; {crossbar.scheme} select"
            + (f"; {crossbar.ends}" if crossbar.ends else ""),
        ),
        *((("circuit", described(result.circuit)),) if result.circuit else ()),
        *((("compensation", result.compensation),) if result.placed else ()),
        ("simulator", result.engine_version + (f"; {result.dialect}" if result.dialect else "")),
    ]


def _drawn(options: Mapping[str, Any]) -> str:
    count = options["tiles"]
    return f"; {count} of each layer's, drawn by seed {options['seed']}" if count else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}"
