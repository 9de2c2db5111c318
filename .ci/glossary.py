"""Link each word of the glossary where a page of the built guide first uses it.

python .ci/glossary.py SITE
"""

from __future__ import annotations

import html
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

SPELLED = {
    "Pulse, train": ("pulse", "pulse train"),  # to train is something else
    "Spread": ("device-to-device", "cycle-to-cycle", r"the \[spread\] section"),
    "Law": ("law",),
    "Pair": ("pair of cells", "pair of columns", "differential pair"),
    "Weight, g": ("weight",),
    "Way, shot": (r"\d+-way", r"\d+-shot"),
    "Chip": ("chip",),
    "Head": ("head",),
    "Segment": ("segment",),
    "Tile": ("tile",),
    "In situ": ("in situ", "in-situ"),
    "MAC error": ("MAC error",),
    "Write and verify": ("write and verify", "write-verify"),
    "Calibration, pre-distortion, placement, permutation": (
        "calibration", "calibrated columns", "pre-distortion", "pre-distorted", "permutation",
    ),
    "Source and sense resistance": ("source resistance", "sense resistance", "sense resistor"),
    "Converter: DAC, ADC": ("converter", "DAC", "ADC"),
    "Parameter set, `device.toml`": ("parameter set",),
    "Write noise, σ_WN": ("write noise", "σ_WN"),
    "State, ω": ("state ω", "ω"),
}  # fmt: skip
"""How a term is found, where that is not by its own words; digits and brackets are patterns."""

_TERM = re.compile(r"<dt>(.*?)</dt>\s*<dd>(.*?)</dd>", re.S)
_NOT_PROSE = frozenset(
    ("a", "button", "code", "h1", "h2", "h3", "h4", "h5", "h6", "label", "math", "nav", "pre", "script",
     "style", "summary", "svg", "th")
)  # fmt: skip
_OWN_WORDS = ("reference/", "changes.html", "contributing.html", "search.html", "404.html")
"""Pages that nobody reads from the top, or that speak to developers."""


def terms(page: str) -> dict[str, tuple[str, ...]]:
    """The spellings of each term of the glossary's page, by the anchor that it gets."""
    found = {}
    for term, _ in _TERM.findall(page):
        title = re.sub(r"</?code>", "`", re.sub(r"</?(strong|p)>", "", html.unescape(term))).strip()
        own = tuple(word.strip(" `") for word in re.split(r"[,:]", title))
        found[anchor(title)] = SPELLED.get(title, own)
    return found


def anchor(title: str) -> str:
    """Where a term stands on the glossary's page: 'term-word-line-bit-line'."""
    return "term-" + "-".join(re.findall(r"[a-z0-9]+", title.lower()))


def anchored(page: str) -> str:
    """The glossary's page, each of whose terms can be linked."""
    titles = iter(terms(page))
    return _TERM.sub(lambda m: m[0].replace("<dt>", f'<dt id="{next(titles)}">', 1), page)


def linked(page: str, spellings: dict[str, tuple[str, ...]], glossary: str) -> str:
    """A page with a link to the glossary at the first use of each term in its running text."""
    head, opening, rest = page.partition("<article")
    body, closing, tail = rest.partition("</article>")
    left = {name: _pattern(words) for name, words in spellings.items()}
    parts = []
    for part, prose in _parts(body):
        parts.append(_with_links(part, left, glossary) if prose else part)
    return head + opening + "".join(parts) + closing + tail


def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Any of these words as a whole, also in the plural, and with a capital where a sentence begins."""
    each = [word if "\\" in word else re.escape(word.removesuffix("s")) for word in words]
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(_with_either_case, each))})s?(?![\w-])")


def _with_either_case(word: str) -> str:
    """'Cell' and 'cell'; 'MAC', 'σ_WN' and patterns of digits stay as they are."""
    if not re.match(r"[A-Za-z][a-z]", word):
        return word
    return f"[{word[0].lower()}{word[0].upper()}]{word[1:]}"


def _parts(body: str) -> Iterator[tuple[str, bool]]:
    """(tags and texts in turn, whether it is running text)."""
    closed = 0
    for part in re.split(r"(<[^>]*>)", body):
        name = re.match(r"<(/?)([a-zA-Z][\w-]*)", part)
        if name and name[2] in _NOT_PROSE and not part.endswith("/>"):
            closed += -1 if name[1] else 1
        yield part, not part.startswith("<") and not closed and bool(part.strip())


def _with_links(text: str, left: dict[str, re.Pattern[str]], glossary: str) -> str:
    """A text whose first uses are linked; their terms are taken out of `left`."""
    result, end = [], 0
    while True:
        found = [(one.start(), -one.end(), name) for name, pattern in left.items()
                 if (one := pattern.search(text, end))]  # fmt: skip
        if not found:
            return "".join([*result, text[end:]])
        start, minus, name = min(found)  # of two that begin alike, the longer
        result += [text[end:start], f'<a class="term" href="{glossary}#{name}">{text[start:-minus]}</a>']
        end = -minus
        del left[name]


def main(site: Path) -> None:
    """Link every page of a site in place."""
    home = site / "glossary.html"
    own = home.read_text(encoding="utf-8")
    spellings = terms(own)
    home.write_text(anchored(own), encoding="utf-8")
    for page in site.rglob("*.html"):
        if page == home or page.relative_to(site).as_posix().startswith(_OWN_WORDS):
            continue
        before = page.read_text(encoding="utf-8")
        path = os.path.relpath(home, page.parent).replace(os.sep, "/")
        page.write_text(linked(before, spellings, path), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
