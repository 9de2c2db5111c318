"""The page of a fit: its result, whether to believe it, and what the data leave open."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fitting.judgement import wording
from fitting.judgement.bands import correlation as constants_correlation
from fitting.judgement.choice import Choice
from fitting.judgement.conclusion import conclusion, laws_tried
from fitting.judgement.verdict import REJECTED, Judgement
from fitting.presentation.figures import SYMBOLS
from fitting.presentation.formulas import section as law_section
from fitting.readers.measurements import Measurements
from fitting.search.correlated import correlation
from fitting.search.estimates import AT_PRIOR, AT_SEARCH, LARGEST_MISFIT
from fitting.search.fit import Fit
from fitting.search.identifiability import IDENTIFIABLE_LOG_ERROR, LARGEST_LOG_ERROR
from roa_circuit.basics.units import counted, engineering, percent
from roa_circuit.presentation.drawing import Drawing
from roa_circuit.presentation.markup import Markup
from roa_circuit.presentation.page import (
    Page,
    Section,
    bullets,
    made_by,
    mark,
    matrix,
    paragraph,
    shown,
    side_by_side,
    subheading,
    table,
    unfolding,
)
from roa_circuit.presentation.plots import program

_MOST_TRAINS = 200
_MOST_CONSTANTS = 20  # of a matrix
_WORDS = {
    "holds": "not refuted",
    "doubtful": "doubtful",
    "rejected": "rejected",
    "unchecked": "unchecked",
}
_FOOTER = (
    "A constant is identifiable if its"
    f" standard error is within {percent(IDENTIFIABLE_LOG_ERROR, 0)}, told roughly up to"
    f" {percent(LARGEST_LOG_ERROR, 0)}. Fitted means that the search"
    f" converged and the misfit is within {percent(LARGEST_MISFIT, 0)} rms, or twice the noise of a"
    " reading."
)


def page(
    f: Fit,
    m: Measurements,
    drawn: Sequence[Drawing],
    said: dict[str, Any],
    choice: Choice,
    made: dict[str, Any],
) -> Page:
    """The report.

    said : the entry `identifiability` of `fit.json`
    choice : the law that was fitted, the verdict on it, and others it was held against
    made : 'prior', 'known_before', 'pulses_beyond_data', 'remarks' and 'provenance', as in `fit.json`
    """
    law, title = choice.judgement, f.objective.form.title
    known = sum(e.identifiable for e in f.estimates.values())
    figures = {one.name: shown(one) for one in drawn}

    def row(*parts: Markup, names: Sequence[str]) -> Markup:
        return side_by_side([*parts, *(figures[name] for name in names if name in figures)])

    told = conclusion(choice, said["proposal"], made["pulses_beyond_data"])
    sections = [
        Section(
            title="What to make of it",
            parts=[bullets(_sentence(_in_symbols(line)) for line in told)],
        ),
        Section(
            title="Constants",
            parts=[row(_constants(f, made["known_before"]), names=["constants", "corner"])],
        ),
        Section(
            title="Measured and fitted",
            parts=[row(names=["trains", "parity", "current-voltage", "switching"])],
        ),
        *_contest(choice, figures),
        Section(
            title="What is left over",
            parts=[row(_left_over(f, m), names=["misfit"]), *_law(law)],
        ),
        Section(title="What the data determine", parts=_determined(f, said, made["remarks"])),
        law_section(f.memristor),
        Section(title="Trains", parts=[_trains(f, m)]),
        Section(title="How it was made", parts=[made_by(made["provenance"], _conditions(f, m, made))]),
    ]
    return Page(
        command="roa-fit",
        title=f"Device fitted to {', '.join(Path(name).name for name in m.source.split(', '))}",
        verdict=("law rejected" if law.word == REJECTED else "fitted") if f.describes else "failed",
        passed=f.describes and law.word != REJECTED,
        lead=_sentence(_in_symbols(wording.outcome(f).partition(": ")[2])),
        numbers=[
            ("identifiable", f"{known} of {len(f.estimates)}", f"constants of {title}"),
            ("misfit", percent(f.relative_rmse, 2), f"rms; the limit is {percent(f.limit, 0)}"),
            ("readings", f"{len(m):,}", f"{int(m.sweep.sum()):,} of them I–V points"),
            ("trains", f"{len(m.labels):,}", f"{int((m.voltage != 0).sum()):,} pulses"),
        ],
        sections=sections,
        footer=f"The misfit of a reading is {wording.misfit(f, m)}. {_FOOTER}",
        program=program(drawn),
    )


def _constants(f: Fit, prior: str) -> Markup:
    rows = []
    for e in f.estimates.values():
        name, *cells, told = wording.constant_row(e)
        tone = "good" if e.identifiable else "weak"
        rows.append([name.replace(e.name, SYMBOLS.get(e.name, e.name), 1), *cells, mark(told, tone)])
    left = [f"from {prior}"] * any(e.basis == AT_PRIOR for e in f.estimates.values())
    left += ["where the search began"] * any(e.basis == AT_SEARCH for e in f.estimates.values())
    text = (f"The constants of {f.objective.form.title} with standard errors;"
            f" what the data leave open is {'; '.join(left) if left else f'from {prior}'}."
            f" Intervals: {f.intervals}.")  # fmt: skip
    return table(wording.CONSTANT_COLUMNS, rows, caption=text)


# --- what is left over --------------------------------------------------------------------------


def _contest(choice: Choice, figures: Mapping[str, Markup]) -> list[Section]:
    """Laws on the same readings, where others were tried."""
    if choice.contest is None:
        return []
    lines = [_sentence(line) for line in (choice.title, *laws_tried(choice))]
    caption = " ".join([*lines, "AIC is for misfits that correlate."])
    rows = wording.contest_rows(choice.contest, taken=choice.fit.describes)
    parts = [table(wording.CONTEST_COLUMNS, rows, caption=caption)]
    return [
        Section(title="Which law", parts=[*parts, *([figures["laws"]] if "laws" in figures else [])])
    ]


def _left_over(f: Fit, m: Measurements) -> Markup:
    z = f.residual / max(f.relative_rmse, 1e-300)
    worst = int(np.argmax(np.abs(z)))
    place = worst - int(np.searchsorted(m.train, m.train[worst])) + 1
    rows = [
        ("mean", f"{z.mean():+.3f}", "0"),
        ("beyond 2 rms", percent(float(np.mean(np.abs(z) > 2)), 2), "4.55 %"),
        ("beyond 3 rms", percent(float(np.mean(np.abs(z) > 3)), 2), "0.27 %"),
        ("kurtosis", f"{np.mean(z**4):.2f}", "3"),
        ("correlation of successive misfits in trains", f"{correlation(f.residual, m):+.2f}", "0"),
        ("largest", f"{z[worst]:+.1f}", "-"),
    ]
    caption = ("The misfit over its rms, beside what mere noise would give. The largest is that of"
               f" reading {place} of {m.labels[m.train[worst]]}.")  # fmt: skip
    return table(("misfit / rms", "here", "normal noise"), rows, caption=caption)


def _law(law: Judgement) -> list[Markup]:
    parts = [
        subheading(f"Is it the right law? It is {_WORDS[law.word]}"),
        paragraph(_sentence(law.reason)),
    ]
    if law.laws is not None:
        trains = counted(law.laws.trains, "train")
        caption = (f"Other laws on {trains} of repeated pulses, the best by AIC first."
                   " AIC judges what readings add to those before: misfits correlate.")  # fmt: skip
        parts.append(table(wording.LAW_COLUMNS, wording.law_rows(law.laws), caption=caption))
    return parts


# --- what the data determine --------------------------------------------------------------------


def _determined(f: Fit, said: dict[str, Any], remarks: Sequence[str]) -> list[Markup]:
    told = [name for name, e in f.estimates.items() if e.identifiable]
    lines = [f"determined by these data: {', '.join(told) or 'no constant alone'}"]
    rough = [name for name, e in f.estimates.items() if e.told and not e.identifiable]
    lines += [f"told roughly, see their intervals: {', '.join(rough)}"] * bool(rough)
    lines += wording.left_open(f)
    if said["proposal"] is not None:
        lines.append(f"what would settle it: {wording.proposal(said['proposal'])}")
    lines += [f"noted in device.toml, which commands repeat: {text}" for text in remarks]
    count = f.objective.form.count
    rank = f"The readings tell {said['rank']} of {count} combinations of the constants apart."
    parts = [paragraph(rank), bullets([_in_symbols(line) for line in lines])]
    if count > _MOST_CONSTANTS:
        return parts
    symbols = [SYMBOLS.get(name, name) for name in said["order"]]
    text = "Correlation of the constants' logarithms: at ±1 only their combination is known."
    beside = [matrix(symbols, constants_correlation(f).tolist(), caption=text)]
    if said["combinations"]:
        rows = [_in_symbols(wording.combination(c)).split(" = ") for c in said["combinations"]]
        text = "Products that are known; errors from the curvature, too small where valleys bend."
        beside.append(table(("product", "measured"), rows, caption=text))
    parts.append(side_by_side(beside))
    rows = [
        [engineering(s, "", 3), f"{1 / s:.2g}" if s > 0 else "∞", *(f"{v:+.2f}" for v in direction)]
        for s, direction in zip(said["singular"], said["directions"], strict=True)
    ]
    caption = "Singular values of the Jacobian over the noise, and their combinations of logarithms."
    directions = table(("singular value", "error", *symbols), rows, caption=caption)
    return [*parts, unfolding("Singular values and directions", directions)]


def _in_symbols(text: str) -> str:
    """The constants as this page's tables have them."""
    return re.sub(rf"\b({'|'.join(SYMBOLS)})\b", lambda name: SYMBOLS[name[0]], text)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


# --- what was measured, and how it was fitted ---------------------------------------------------


def _trains(f: Fit, m: Measurements) -> Markup:
    edges = np.searchsorted(m.train, np.arange(len(m.labels) + 1))
    rows = [
        (label, f"{high - low}", f"{int((m.voltage[low:high] != 0).sum())}",
         f"{int(m.sweep[low:high].sum())}", f"{f.start[index]:.3f}",
         percent(np.sqrt(np.mean(f.residual[low:high] ** 2)), 2))
        for index, (label, low, high) in enumerate(zip(m.labels, edges[:-1], edges[1:], strict=True))
    ]  # fmt: skip
    worst = sorted(rows, key=lambda row: -float(row[-1].removesuffix(" %")))[:_MOST_TRAINS]
    listed = rows if len(rows) <= _MOST_TRAINS else worst
    caption = (
        "Every train" if len(rows) == len(listed) else f"The worst {len(listed)} of {len(rows):,} trains"
    )
    head = ("train", "readings", "pulses", "I–V points", "ω at its start", "misfit, rms")
    inner = table(head, listed, caption=f"{caption}.")
    return inner if len(listed) <= 12 else unfolding(caption, inner)


def _conditions(f: Fit, m: Measurements, made: dict[str, Any]) -> list[tuple[str, str]]:
    search = f"{_in_symbols(f.message)}; {engineering(f.seconds, 's')}"
    rows = [("prior", made["prior"]), ("search", search), ("weights", wording.weights(f))]
    if m.ignored:
        rows.append(("not used", ", ".join(m.ignored)))
    return rows
