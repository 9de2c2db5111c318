"""Pictures: opened in one place, small enough to be drawings, and whole."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from roa_circuit.basics import files
from roa_circuit.basics.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

MOST_PIXELS = 64_000_000
"""Of one picture, as many as a large camera takes; they are scaled down to 84 x 84 at most."""

_LARGEST_FILE = 256 << 20  # bytes


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """The picture in a file, while what can go wrong with it is an InputError."""
    with files.opened(path, most=_LARGEST_FILE) as file, decoded(file, str(path)) as image:
        yield image


@contextmanager
def decoded(file: BinaryIO, name: str) -> Iterator[Image.Image]:
    """The picture in an open file, or in a member of an archive, of that `name` for messages.

    Raises
    ------
    InputError : no picture, a damaged one, or one of too many pixels.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes, which have a limit of their own here
            with Image.open(file) as image:
                width, height = image.size
                if width * height > MOST_PIXELS:
                    raise InputError(f"{name}: {width} x {height} pixels are more than {MOST_PIXELS:,}")
                yield image
    except InputError:
        raise
    except Exception as error:  # Pillow's many decoders raise whatever they meet in damaged files
        why = " ".join(str(error).split())[:80] or type(error).__name__
        raise InputError(f"{name}: not a readable picture ({why})") from None
