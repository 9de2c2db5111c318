"""Text from names, paths and files, made fit for a terminal and for a line."""

from __future__ import annotations

import unicodedata

LONGEST = 600
"""Characters of a message, however long what it quotes."""


def plain(text: str) -> str:
    """The text without characters that would steer a terminal; line ends and tabs stay."""
    if text.isprintable():
        return text
    return "".join(c for c in text if c in "\n\t" or not _steers(c))


def one_line(text: str) -> str:
    """The text on one line, without characters that would steer a terminal."""
    return plain(" ".join(text.split()))


def shortened(text: str, most: int = LONGEST) -> str:
    """The text on one line of at most so many characters; what is left out is left out in the middle."""
    line = one_line(text[: 100 * most])
    if len(text) <= 100 * most and len(line) <= most:
        return line
    end = one_line(text[-most:])[-most // 4 :]
    return f"{line[: most - len(end) - 5]} ... {end}"


def is_count(text: str) -> bool:
    """Whether the text is a whole number of at most nine digits; isdigit() would take '²', too."""
    return text.isdecimal() and len(text) <= 9


def _steers(character: str) -> bool:
    """Control characters, and marks that change the direction of what follows."""
    kind = unicodedata.category(character)
    return kind == "Cc" or (kind == "Cf" and unicodedata.bidirectional(character) not in ("", "BN"))
