"""Docstrings as this house writes them, in Markdown for the guide's Python reference.

`state : (rows, columns) omega in [0, 1]` becomes an item of a list, with the name as code; in a section
such as Raises it becomes the two lines of the numpy style. A unit in brackets is no link.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import griffe

_ITEM = re.compile(r"^( *)([A-Za-z_]\w*(?:, [A-Za-z_]\w*)*) : (.+)$")
_RULE = re.compile(r"^-{3,}$")


class DocstringLists(griffe.Extension):
    """Rewrites every docstring before it is parsed."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called with each module, class, function and attribute."""
        if obj.docstring is not None:
            lines = obj.docstring.value.splitlines()
            obj.docstring.value = "\n".join(_rewritten(lines))


def _rewritten(lines: list[str]) -> Iterator[str]:
    section = False
    examples = False
    indent = None  # of the list that goes on
    for above, line, below in zip(["", *lines], lines, [*lines[1:], ""], strict=False):
        item = _ITEM.match(line)
        examples = above.strip() == "Examples" if _RULE.match(line) else examples
        if examples:
            yield line
        elif _RULE.match(below) or _RULE.match(line):
            section, indent = True, None
            yield line
        elif item and section:
            yield f"{item[2]}\n    {_plain(item[3])}"
        elif line.startswith("    ") and indent is None and not item:
            yield line  # drawings, and the body of a section
        elif item and (indent is not None or not item[1] or above.strip()):
            if indent is None:
                yield ""
            indent = item[1]
            names = ", ".join(f"`{name}`" for name in item[2].split(", "))
            yield f"* {names}: {_plain(item[3])}"
        elif indent is not None and line.startswith(f"{indent} "):
            yield f"    {_plain(line.strip())}"
        else:
            if indent is not None and line.strip():
                yield ""
            indent = None
            title = line.strip() and (found := _ITEM.match(below)) and found[1]
            yield f"**{line.strip()}**" if title else _plain(line)


def _plain(text: str) -> str:
    """Brackets outside code, such as those of a unit, are brackets."""
    parts = text.split("`")
    return "`".join(part if i % 2 else part.replace("[", r"\[") for i, part in enumerate(parts))
