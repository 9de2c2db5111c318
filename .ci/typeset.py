"""Typeset the equations of the built guide as MathML, which browsers show without any script.

python .ci/typeset.py SITE
"""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path

from latex2mathml.converter import convert

_WRITTEN = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.S)
_TAG = re.compile(r"\\tag\{([^}]*)\}")


def typeset(page: str) -> str:
    """A page with MathML in place of LaTeX; an equation's number stands at its right."""
    return _WRITTEN.sub(_as_mathml, page)


def _as_mathml(found: re.Match[str]) -> str:
    element, opening, latex = found.groups()
    latex = html.unescape(latex).strip()
    number = _TAG.search(latex)
    mathml = convert(_TAG.sub("", latex).strip(), display="block" if opening == "[" else "inline")
    if element == "span":
        return str(mathml)
    label = f'<span class="number">({html.escape(number[1])})</span>' if number else ""
    name = f"equation {html.escape(number[1])}" if number else "equation"
    # What scrolls on a phone is reached by keyboard, too.
    return f'<div class="equation" role="group" aria-label="{name}" tabindex="0">{mathml}{label}</div>'


def main(site: Path) -> None:
    """Typeset every page of a site in place."""
    for page in site.rglob("*.html"):
        before = page.read_text(encoding="utf-8")
        after = typeset(before)
        if after != before:
            page.write_text(after, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
