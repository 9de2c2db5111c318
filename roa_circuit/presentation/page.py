"""Pages: every report as one HTML file that needs no other, in one style (`page.css`).

The parts of a page are functions that return `Markup`; all other text is escaped where it enters.
The content security policy of a page forbids requests, and every script but those it was made with
(by their hashes), so a report from a stranger is safe to open.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from string import Template
from typing import TYPE_CHECKING, Any

from roa_circuit.presentation.interaction import Program
from roa_circuit.presentation.markup import Markup, escaped
from roa_circuit.presentation.saving import download

if TYPE_CHECKING:
    from roa_circuit.presentation.drawing import Drawing

Tone = str
"""'good', 'bad', 'weak' (grey) or '': a colour of the style file."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading and the parts below it; `title` also names its anchor."""

    title: str
    parts: Sequence[Markup]


@dataclass(frozen=True, kw_only=True)
class Page:
    """A report.

    command : the command that made it, such as 'roa-fit'
    verdict : the one or two words in the badge, coloured by `passed`
    lead : what the reader must know, in a sentence or two
    numbers : (label, value, remark) of the few numbers that matter most
    sections : in order; the first is on screen without scrolling
    footer : how to read the page: definitions and limits
    program : makes the page interactive
    """

    command: str
    title: str
    verdict: str
    passed: bool
    lead: str
    numbers: Sequence[tuple[str, str, str]]
    sections: Sequence[Section]
    footer: str = ""
    program: Program | None = None

    def to_html(self) -> str:
        """The whole file."""
        return Template(_data("page.html")).substitute(
            style=_data("page.css").strip(),
            title=escaped(self.title),
            command=escaped(self.command),
            verdict=escaped(self.verdict),
            tone="good" if self.passed else "bad",
            lead=escaped(self.lead),
            numbers=_numbers(self.numbers),
            contents=_contents(self.sections),
            sections="\n".join(_section(one) for one in self.sections),
            footer=escaped(self.footer),
            policy=_policy(self.program),
            program=self.program.to_html() if self.program else "",
        )


def paragraph(text: str, tone: Tone = "") -> Markup:
    """One paragraph."""
    return Markup(f"<p{_classes(tone)}>{escaped(text)}</p>")


def mark(text: str, tone: Tone) -> Markup:
    """A word in a colour that says how good it is."""
    return Markup(f"<span{_classes(tone)}>{escaped(text)}</span>")


def subheading(text: str) -> Markup:
    """A heading within a section."""
    return Markup(f"<h3>{escaped(text)}</h3>")


def bullets(items: Iterable[str]) -> Markup:
    """A list."""
    return Markup("<ul>" + "".join(f"<li>{escaped(item)}</li>" for item in items) + "</ul>")


def facts(rows: Iterable[tuple[str, str]]) -> Markup:
    """Names and their values, as a list of definitions."""
    inner = "\n".join(f"<dt>{escaped(name)}</dt><dd>{escaped(text)}</dd>" for name, text in rows)
    return Markup(f"<dl>\n{inner}\n</dl>")


def made_by(provenance: Mapping[str, Any], conditions: Iterable[tuple[str, str]]) -> Markup:
    """How a result came about: the command, its input files, its conditions, and the versions."""
    inputs = [
        f"{one['file']}: {one['bytes']:,} bytes, SHA-256 {one['sha256']}" for one in provenance["inputs"]
    ]
    versions = ", ".join(f"{name} {version}" for name, version in provenance["versions"].items())
    return facts(
        [
            ("command", Markup(f"<code>{escaped(provenance['command'])}</code>")),
            *(("input", text) for text in inputs),
            *conditions,
            ("versions", versions),
            ("platform", provenance["platform"]),
            ("created", provenance["created"]),
        ]
    )


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str, words: Sequence[int] = ()
) -> Markup:
    """A table whose first column names its rows, and whose other columns hold numbers.

    A link below it saves what it shows as CSV.

    caption : shown above the table; a screen reader names it so
    words : the columns that hold words instead, set to the left
    """
    rows = [list(row) for row in rows]
    sides = ["" if index and index not in words else ' class="words"' for index in range(len(head))]
    top = "".join(
        f'<th scope="col"{side}>{escaped(name)}</th>' for name, side in zip(head, sides, strict=True)
    )
    lines = []
    for first, *others in rows:
        cells = "".join(
            f"<td{side}>{escaped(cell)}</td>" for cell, side in zip(others, sides[1:], strict=True)
        )
        lines.append(f'<tr><th scope="row">{escaped(first)}</th>{cells}</tr>')
    body = "\n".join(lines)
    inner = f"<caption><span>{escaped(caption)}</span></caption><thead><tr>{top}</tr></thead>"
    saved = download([head, *rows], caption)
    return _scrolling(f"<table>{inner}<tbody>\n{body}\n</tbody></table>{saved}", caption)


def matrix(names: Sequence[str], values: Sequence[Sequence[float]], *, caption: str) -> Markup:
    """Numbers in [-1, 1] as a square table, coloured by size and sign."""
    top = "".join(f'<th scope="col">{escaped(name)}</th>' for name in names)
    lines = []
    for name, row in zip(names, values, strict=True):
        cells = "".join(
            f'<td class="{"above" if v >= 0 else "below"}" style="--size:{abs(v):.2f}">{_signed(v)}</td>'
            for v in row
        )
        lines.append(f'<tr><th scope="row">{escaped(name)}</th>{cells}</tr>')
    inner = f"<caption><span>{escaped(caption)}</span></caption><thead><tr><td></td>{top}</tr></thead>"
    body = "\n".join(lines)
    numbers = [[name, *(f"{v:.4f}" for v in row)] for name, row in zip(names, values, strict=True)]
    saved = download([["", *names], *numbers], caption)
    return _scrolling(f'<table class="matrix">{inner}<tbody>\n{body}\n</tbody></table>{saved}', caption)


def figure(
    svg: str, caption: str, *, wide: bool = False, crowded: bool = False, plot: str = ""
) -> Markup:
    """A drawing of `drawing` with its caption.

    wide : takes the whole line; it can be scrolled on a phone, and enlarged
    crowded : has more points than can be told apart; can be enlarged, too
    plot : the name of the plot that takes its place on a screen, where scripts run
    """
    grows = wide or crowded
    inner = _enlarging(caption) + _scrolling(svg, caption) if grows else f"<div>{svg}</div>"
    still = f'<div class="still">{inner}</div>' if plot else inner
    kind = _classes("wide" if wide else "") + (f' data-plot="{html.escape(plot)}"' if plot else "")
    return Markup(f"<figure{kind}>{still}<figcaption>{escaped(caption)}</figcaption></figure>")


def shown(one: Drawing) -> Markup:
    """A drawing with its caption, and its plot where it has one."""
    many = one.plot is not None
    name = one.name if many else ""
    return figure(one.inline(), one.caption, wide=one.wide, crowded=many, plot=name)


def _enlarging(caption: str) -> str:
    """A box to tick, by which the style alone makes a figure larger: a page needs no script for it."""
    label = html.escape(f"enlarge: {caption}")
    return f'<label class="enlarge"><input type="checkbox" aria-label="{label}"> enlarge</label>'


def side_by_side(parts: Iterable[Markup]) -> Markup:
    """Figures or tables beside each other where there is room."""
    return Markup('<div class="row">\n' + "\n".join(parts) + "\n</div>")


def unfolding(summary: str, part: Markup) -> Markup:
    """Parts that few readers want, folded behind a line to click; on paper they are all there."""
    return Markup(f"<details><summary>{escaped(summary)}</summary>\n{part}\n</details>")


def controls(name: str) -> Markup:
    """The form that the page's program fills."""
    return Markup(f'<form class="controls" id="controls" aria-label="{html.escape(name)}"></form>')


def plot(name: str, caption: str, *, wide: bool = False) -> Markup:
    """A figure that the page's program draws into the element `name`."""
    label = html.escape(caption)
    inner = f'<div class="plot" id="{name}" role="img" aria-label="{label}"></div>'
    return Markup(
        f"<figure{_classes('wide' if wide else '')}>{inner}<figcaption>{label}</figcaption></figure>"
    )


def _policy(program: Program | None) -> str:
    allowed = program.policy() if program else ""
    return f"default-src 'none'; style-src 'unsafe-inline'; img-src data:{allowed}"


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−") if abs(value) >= 0.005 else "0"


def _numbers(numbers: Sequence[tuple[str, str, str]]) -> str:
    cards = "\n".join(
        f"<div><dt>{escaped(label)}</dt><dd>{escaped(value)}<small>{escaped(remark)}</small></dd></div>"
        for label, value, remark in numbers
    )
    return f'<dl class="numbers">\n{cards}\n</dl>'


def _contents(sections: Sequence[Section]) -> str:
    links = "".join(f'<a href="#{_anchor(one)}">{escaped(one.title)}</a>' for one in sections)
    return f'<nav aria-label="Contents">{links}</nav>' if len(sections) > 1 else ""


def _section(section: Section) -> str:
    inner = "\n".join(section.parts)
    anchor = _anchor(section)
    heading = f'<h2 id="{anchor}">{escaped(section.title)}</h2>'
    return f'<section aria-labelledby="{anchor}">\n{heading}\n{inner}\n</section>'


def _anchor(section: Section) -> str:
    return re.sub(r"[^a-z0-9]+", "-", section.title.lower()).strip("-") or "section"


def _scrolling(inner: str, name: str) -> Markup:
    """A part that scrolls by itself, also by keyboard, rather than widen the page; it has a name."""
    label = html.escape(name)
    return Markup(f'<div class="scroll" role="region" tabindex="0" aria-label="{label}">{inner}</div>')


def _classes(name: str) -> str:
    return f' class="{html.escape(name)}"' if name else ""


def _data(name: str) -> str:
    return (resources.files("roa_circuit.presentation") / name).read_text(encoding="utf-8")
