"""The errors of the toolkit: one line that says what, where, the limit, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class RoaError(Exception):
    """Base of every error raised on purpose; `exit_code` is what a command ends with."""

    exit_code = 2


class InputError(RoaError, ValueError):
    """A file, option or argument cannot be used as given."""


class SimulatorError(RoaError):
    """An external simulator is missing, failed or ran out of time.

    Attributes
    ----------
    log : the simulator's own last lines.
    deck : where the failing deck was kept, if it was.
    """

    exit_code = 3

    def __init__(self, message: str, *, log: str = "", deck: Path | None = None) -> None:
        super().__init__(message)
        self.log = log
        self.deck = deck

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild_simulator_error, (str(self), self.log, self.deck))


def _rebuild_simulator_error(message: str, log: str, deck: Path | None) -> SimulatorError:
    return SimulatorError(message, log=log, deck=deck)


class ConvergenceError(RoaError):
    """An iteration stopped short of its tolerance; the message carries the residual."""

    exit_code = 3


class WorkerError(RoaError):
    """A process that computed a part of the results died, or the cluster that it belonged to."""

    exit_code = 3


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint for a misspelt `name`: the closest known name, else all of them."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    close = close or [one for one in known if name and name in one][:1]
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
