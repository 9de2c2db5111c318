"""What the three commands share: errors as one line, exit codes, the look of tables.

Exit codes: 0 passed, 1 ran and failed its check, 2 bad input, 3 a simulator or worker failed.
Only commands import this module and `options`; no other module knows a terminal.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from roa_circuit.basics import results
from roa_circuit.basics.errors import RoaError, SimulatorError

UsageError: type[Exception] = typer.BadParameter.__mro__[2]  # the root of typer's own complaints

_INTERRUPTED = 130
_LONGEST_WORD = 20  # that a table's first column makes room for

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def run(app: typer.Typer) -> NoReturn:
    """Run a command line app and end the process; every foreseen error prints one line."""
    sys.exit(_exit_code(app))


def _exit_code(app: typer.Typer) -> int:
    try:
        code = app(standalone_mode=False)
    except RoaError as error:
        complain(str(error))
        if isinstance(error, SimulatorError):
            _quote_simulator(error)
        return error.exit_code
    except typer.Exit as stop:
        code = stop.exit_code
    except (typer.Abort, KeyboardInterrupt):
        code = _INTERRUPTED
    except UsageError as error:
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        if message:  # empty after the help text of a bare command
            complain(message)
        return 2
    if code == _INTERRUPTED:  # typer makes it of a Ctrl-C, too, and says nothing
        complain("interrupted")
    return code if isinstance(code, int) else 0


def say(text: str) -> None:
    """One line of plain text, never wrapped in the middle of a path."""
    out.print(text, markup=False, soft_wrap=True)


def provenance(inputs: Iterable[Path] = (), **extra: Any) -> dict[str, Any]:
    """What made a command's results: the command as typed, its input files, versions and time."""
    name = Path(sys.argv[0]).name
    command = shlex.join([name, *sys.argv[1:]])
    return results.provenance(command=command, inputs=[results.fingerprint(p) for p in inputs], **extra)


def complain(message: str) -> None:
    """One line on stderr, never wrapped or coloured in the middle of a path."""
    flat = " ".join(message.split()).replace(": Value error, ", ": ")  # typer's own words
    err.print("[bold red]error:[/] ", end="")
    err.print(flat, markup=False, soft_wrap=True)


def _quote_simulator(error: SimulatorError) -> None:
    for said in error.log.strip().splitlines()[-8:]:
        err.print("  | " + said, markup=False, soft_wrap=True)
    if error.deck is not None:
        err.print(f"  deck kept at {error.deck}", markup=False, soft_wrap=True)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A plain table: first column left, its words whole as far as there is room, the others right."""
    rows = list(rows)
    longest = max((len(word) for row in rows for word in row[0].split()), default=0)
    result = Table(title=title, title_justify="left", title_style="bold", header_style="dim")
    result.add_column(columns[0], overflow="fold", min_width=min(longest, _LONGEST_WORD))
    for column in columns[1:]:
        result.add_column(column, justify="right", overflow="fold")
    for row in rows:
        result.add_row(*row)
    return result


def progress() -> Progress:
    """A progress bar on stderr that vanishes when done and is silent off a terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )


@contextmanager
def percent(description: str) -> Iterator[Callable[[float], None]]:
    """A progress bar for one long run; yields a function to call with the fraction that is done."""
    with progress() as bar:
        task = bar.add_task(description, total=100)
        yield lambda fraction: bar.update(task, completed=round(100 * fraction))


class DownloadBar:
    """A progress bar for downloads, one after another, that is told of bytes as they arrive."""

    total: int = 0

    def __init__(self, description: str) -> None:
        self._bar = progress()
        self._line = self._bar.add_task(description, total=None)

    def update(self, count: int) -> None:
        """`count` more bytes have arrived."""
        self._bar.start()
        self._bar.update(self._line, advance=count, total=self.total)

    def reset(self) -> None:
        """Start over."""
        self._bar.reset(self._line)

    def close(self) -> None:
        """The download is complete."""
        self._bar.stop()
