"""plotly's one file, as pages carry it: packed once, and known to their policies by its hash.

A wheel holds it packed (`hatch_build.py`, which loads this module alone). Where the sources are used the
package plotly has it. To pack it takes a tenth of a second, so what was packed is kept beside the code,
as Python keeps what it compiled.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import secrets
import sys
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

NAME = "plotly.packed"


class Library(NamedTuple):
    """JavaScript that a page's program unpacks and runs.

    digest : SHA-256 of the JavaScript, in base64
    packed : the JavaScript itself, gzip in base64
    """

    digest: str
    packed: str

    @classmethod
    def of(cls, code: bytes) -> Library:
        """Pack JavaScript."""
        packed = gzip.compress(code, compresslevel=6, mtime=0)
        digest = hashlib.sha256(code).digest()
        return cls(*(base64.b64encode(one).decode() for one in (digest, packed)))

    def to_text(self, stamp: str = "") -> str:
        """As a file has it, with a line on what it was made from."""
        return f"{stamp}\n{self.digest}\n{self.packed}\n"

    @classmethod
    def from_text(cls, text: str, stamp: str = "") -> Library | None:
        """What `to_text` wrote; None if it is not whole, or was made from something else."""
        lines = text.split("\n")
        whole = len(lines) == 4 and not lines[3] and lines[1] and lines[2]
        return cls(lines[1], lines[2]) if whole and lines[0] == stamp else None


@lru_cache(maxsize=1)
def plotly() -> Library:
    """The library that draws the plots of pages."""
    own = Path(__file__).with_name(NAME)
    if own.is_file():
        found = Library.from_text(own.read_text(encoding="ascii"))
        assert found is not None, f"{own} is damaged"
        return found
    source = Path(str(resources.files("plotly") / "package_data" / "plotly.min.js"))
    return _kept(source, own.parent / "__pycache__" / NAME)


def _kept(source: Path, place: Path) -> Library:
    """The packed file, from `place` unless the source has changed since it was put there."""
    about = source.stat()
    stamp = f"{about.st_size} {about.st_mtime_ns}"
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if found := Library.from_text(place.read_text(encoding="ascii"), stamp):
            return found
    made = Library.of(source.read_bytes())
    if not sys.dont_write_bytecode:
        _keep(place, made.to_text(stamp))
    return made


def _keep(place: Path, text: str) -> None:
    """Write the file whole or not at all; where that is not allowed, the next process packs again."""
    part = place.with_name(f"{place.name}.{secrets.token_hex(4)}")
    with contextlib.suppress(OSError):
        try:
            place.parent.mkdir(exist_ok=True)
            part.write_text(text, encoding="ascii")
            part.replace(place)
        finally:
            part.unlink(missing_ok=True)
