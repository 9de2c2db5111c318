"""Text that is HTML already, and text that is made so."""

from __future__ import annotations

import html


class Markup(str):
    """Text that is already HTML, and not escaped again."""

    __slots__ = ()


def escaped(text: str) -> Markup:
    """Text as HTML, no line break between a number and its percent sign; `Markup` as it is."""
    return text if isinstance(text, Markup) else Markup(html.escape(text).replace(" %", "\u00a0%"))
