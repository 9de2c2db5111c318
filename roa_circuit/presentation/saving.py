"""What a page's table shows, as a CSV file that its reader saves; the file is in the link itself."""

from __future__ import annotations

import csv
import html
import io
import re
import urllib.parse
from collections.abc import Iterable, Sequence

from roa_circuit.presentation.markup import Markup

_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # in a spreadsheet
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?[^-+*/=()|!]*", re.I)  # and what it is of
_SAFE = "/,;:=@+()!*$~?"  # in a link that stands between double quotes
_MARK = "\ufeff"  # by which Excel knows the encoding
_MOST_WORDS, _LONGEST_NAME = 6, 60  # of a file's name


def download(rows: Iterable[Sequence[str]], caption: str) -> Markup:
    """A link that saves these rows; no policy forbids it, for nothing is asked for or run."""
    words = re.findall(r"[a-z0-9]+", caption.lower())[:_MOST_WORDS]
    name = "-".join(words)[:_LONGEST_NAME] or "table"
    text = urllib.parse.quote(_MARK + as_csv(rows), safe=_SAFE, errors="replace")
    label = html.escape(f"save as CSV: {caption}")
    return Markup(
        f'<a class="csv" download="{name}.csv" aria-label="{label}"'
        f' href="data:text/csv;charset=utf-8,{text}">CSV</a>'
    )


def as_csv(rows: Iterable[Sequence[str]]) -> str:
    """The cells as a table of RFC 4180: a minus that a program reads, no markup, and no formulas."""
    file = io.StringIO()
    csv.writer(file).writerows([_plain(cell) for cell in row] for row in rows)
    return file.getvalue()


def _plain(cell: str) -> str:
    text = html.unescape(re.sub(r"<[^>]*>", "", cell)) if isinstance(cell, Markup) else cell
    text = text.replace("\u00a0", " ").replace("\u2212", "-")
    if text.startswith(_BEGINS_FORMULA) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text
