"""What ngspice prints, told apart: banners, complaints, and lines after which no result counts."""

from __future__ import annotations

import re
from collections.abc import Sequence

OLDEST = "ngspice-34"
"""The first that runs every deck; what does not say its number is taken for new enough."""

_COMPLAINTS = re.compile(r"error|abort|singular|too small|no convergence|fatal|can't|cannot", re.I)


def complaint(lines: Sequence[str]) -> str:
    """The line that says most about what went wrong."""
    said = [line for line in lines if _COMPLAINTS.search(line)]
    return said[0] if said else "the analysis left no vectors"


def is_too_old(version: str) -> bool:
    """Whether an ngspice of this name ('ngspice-39') lacks what decks need."""
    own, oldest = (re.match(r"ngspice-(\d+)", name) for name in (version, OLDEST))
    return bool(own and oldest and int(own[1]) < int(oldest[1]))


def is_fatal(line: str) -> bool:
    """Whether an analysis that prints this line has no result.

    A function out of its range ends one iteration alone: the analysis tries another way, or says that it
    was aborted.
    """
    lowered = line.lower()
    if "out of range for" in lowered:
        return False
    return (
        lowered.startswith(("error", "fatal"))
        or "aborted" in lowered
        or "interrupted due to error" in lowered
        or "timestep too small" in lowered
    )


def is_banner(text: str) -> bool:
    """Whether a line says nothing of the circuit: version, copyright, how far the analysis has come."""
    return not text or text.startswith(("**", "Reference value"))
