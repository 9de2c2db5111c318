"""What makes a page interactive: its program, plotly to draw with, and numbers to draw.

The content security policy of a page names the hashes of these two scripts and lets no other run.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Any

from roa_circuit.presentation.library import Library, plotly


@dataclass(frozen=True, kw_only=True)
class Program:
    """The program of an interactive page.

    code : JavaScript that runs when the page has loaded
    data : plain values, which become JSON in the element `data`
    without : what a reader without JavaScript is told
    library : JavaScript that `code` unpacks from the element `library` and runs
    """

    code: str
    data: Any
    without: str = "The plots need JavaScript; the tables do not."
    library: Library = field(default_factory=plotly)

    def policy(self) -> str:
        """What the content security policy of its page allows beside styles."""
        digest = base64.b64encode(hashlib.sha256(self.code.encode()).digest()).decode()
        hashes = " ".join(f"'sha256-{one}'" for one in (digest, self.library.digest))
        return f" blob:; script-src {hashes}"  # plotly saves a picture of itself through a blob

    def to_html(self) -> str:
        """The elements at the end of its page."""
        data = json.dumps(self.data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
        return (
            f"<noscript><p>{self.without}</p></noscript>\n"
            f'<script type="application/json" id="data">{data}</script>\n'
            f'<script type="text/plain" id="library">{self.library.packed}</script>\n'
            f"<script>{self.code}</script>"
        )


@lru_cache
def script(package: str, *names: str) -> str:
    """The code of a program: what all have in common, and its own files of a package."""
    own = (resources.files(package) / name for name in names)
    files = (resources.files(__package__) / "plots.js", *own)
    return "\n".join(one.read_text(encoding="utf-8").strip() for one in files)
