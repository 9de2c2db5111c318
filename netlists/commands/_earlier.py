"""What an earlier verification left in a folder, which beside this one would pass for its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from roa_circuit.basics.errors import InputError

_PAGES = ("report.html", "report.json")
_OF_DECKS = re.compile(r"(write|read|points|pulse\d+)(-\d+-\d+)?(-part\d+)?(-failed)?\.(cir|sim|raw|nc)")
_FIGURE = re.compile(r".+--.+\.(svg|png)")


def clear(folder: Path) -> None:
    """Remove the pages, figures, decks and waveforms that verifications write, and nothing else.

    Of all layers together, each has a folder of its own in this one.

    Raises
    ------
    InputError : a file cannot be removed.
    """
    for path in list(_left(folder)):
        try:
            path.unlink()
        except OSError as error:
            raise InputError(f"{path}: cannot be removed: {error.strerror or error}") from None


def _left(folder: Path) -> Iterator[Path]:
    for path in (*folder.glob("*"), *folder.glob("*/*")):
        inside = path.parent != folder
        page = path.name in _PAGES and not inside
        figure = path.parent == folder / "figures" and _FIGURE.fullmatch(path.name)
        if path.is_file() and (page or figure or _OF_DECKS.fullmatch(path.name)):
            yield path
