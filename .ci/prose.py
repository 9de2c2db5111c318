"""Prose of README, guide and CHANGELOG: how long its sentences are, and symbols that nobody explained.

python .ci/prose.py [--longest N]

A sentence has at most 40 words, and a page at most 18 in the mean. Words are what blanks part; code in
backticks is one word, a link counts by its text. Lists, tables and headings end a sentence.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
MOST_WORDS, MEAN_WORDS = 40, 18.0
SYMBOLS = {
    "ω": r"state[^.]{0,30}ω|ω[^.]{0,30}state|\(ω\)|ω\]\(|^.*ω.*equations\.md",
    "σ_WN": r"(?:write )?noise[^.]{0,60}σ_WN|σ_WN[^.]{0,60}noise|Eq\. 7",
    "θ₀": r"(?:initial|network|start)[^.]{0,60}θ₀|θ₀[^.]{0,60}(?:initial|network|start)",
}
"""What must stand by a symbol where a page uses it first: its name, or where it is defined."""


def pages() -> list[Path]:
    """The pages that people read from top to bottom."""
    guide = [path for path in (ROOT / "docs").rglob("*.md") if "reference" not in path.parts]
    return [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")] + sorted(guide)


def tutorials() -> list[Path]:
    """The tutorials, whose prose is in comments."""
    return sorted((ROOT / "docs" / "tutorials").glob("*.py"))


def prose(path: Path) -> str:
    """The text of a page without code, comments and what is no sentence."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        cells = re.findall(r"^# %% \[markdown\]\n((?:#.*\n)+)", text, re.M)
        text = "\n\n".join(re.sub(r"^# ?", "", cell, flags=re.M) for cell in cells)
    text = re.sub(r"^```.*?^```$", "\n", text, flags=re.M | re.S)
    text = re.sub(r"<!--.*?-->|\\\[.*?\\\]|\$\$.*?\$\$", "\n", text, flags=re.S)
    return re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)


def sentences(text: str) -> Iterator[str]:
    """The sentences of prose, line breaks taken out."""
    text = re.sub(r"`[^`]*`", "CODE", text)
    parts = re.split(r"\n\s*\n|\n(?=\s*(?:[-*+|#>:]|\d+\.)\s)|\|", text)
    for part in parts:
        plain = " ".join(part.replace("**", "").split())
        ends = (
            r"(?<=[.!?:])(?<!Eq\.)(?<!Fig\.)(?<!al\.)(?<!e\.g\.)(?<!i\.e\.)\s+(?=[\"“(*_]*[A-ZÄÖÜΩ0-9`])"
        )
        yield from (one for one in re.split(ends, plain) if len(one.split()) > 2)


def words(sentence: str) -> int:
    """How many words it has."""
    return sum(bool(re.search(r"\w", word)) for word in sentence.split())


def unexplained(path: Path) -> list[str]:
    """Symbols that a page uses before it says what they are."""
    text, found = prose(path), []
    for symbol, told in SYMBOLS.items():
        paragraphs = [part for part in re.split(r"\n\s*\n", text) if symbol in part]
        if paragraphs and not re.search(told, " ".join(paragraphs[0].split()), re.I):
            found.append(symbol)
    return found


def main(longest: int) -> None:
    """Print the longest sentences, the pages with the longest means, and unexplained symbols."""
    every = [(words(one), path, one) for path in pages() + tutorials() for one in sentences(prose(path))]
    for count, path, one in sorted(every, key=lambda found: -found[0])[:longest]:
        print(f"{count}  {path.relative_to(ROOT)}: {one}")
    for path in pages() + tutorials():
        own = [count for count, home, _ in every if home == path]
        if own and sum(own) / len(own) > MEAN_WORDS:
            print(f"mean {sum(own) / len(own):.1f}  {path.relative_to(ROOT)}")
        for symbol in unexplained(path):
            print(f"{symbol} comes unexplained on {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main(int(sys.argv[2]) if sys.argv[1:2] == ["--longest"] else 50)
