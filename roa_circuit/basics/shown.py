"""What objects show at a prompt and in a notebook: a small table instead of their arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A title and rows of text, all of one length; under a `head`, cells are aligned to the right."""

    title: str
    rows: Sequence[Sequence[str]]
    head: Sequence[str] = ()

    def text(self) -> str:
        """The table as text: columns aligned, indented under the title."""
        rows = [self.head, *self.rows] if self.head else self.rows
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        align = str.rjust if self.head else str.ljust
        lines = []
        for first, *others in rows:
            cells = [align(cell, width) for cell, width in zip(others, widths[1:], strict=True)]
            lines.append("  ".join(["", first.ljust(widths[0]), *cells]).rstrip())
        return "\n".join([self.title, *lines])

    def html(self) -> str:
        """The table as HTML, in the style of the notebook."""
        head = _row("th", self.head) if self.head else ""
        body = "".join(_row("td", row) for row in self.rows)
        caption = f"<caption>{escape(self.title)}</caption>"
        return f"<table>{caption}<thead>{head}</thead><tbody>{body}</tbody></table>"


class Shown(ABC):
    """A base class for dataclasses with `repr=False`, which then show their facts instead."""

    @abstractmethod
    def facts(self) -> Facts:
        """What is shown."""

    def __repr__(self) -> str:
        return self.facts().text()

    def _repr_html_(self) -> str:
        return self.facts().html()


def _row(tag: str, cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"
