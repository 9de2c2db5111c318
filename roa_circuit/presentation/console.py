"""What the three commands share: errors as one line, exit codes, the look of tables.

Exit codes: 0 passed, 1 ran and failed its check, 2 bad input, 3 a simulator, a worker, an iteration or
memory failed, 4 an error that nobody foresaw (its traceback goes to a file), 128 + N ended by signal N:
129 SIGHUP, 130 Ctrl-C, 141 nobody reads the output, 143 SIGTERM.
Only commands import this module and those of options; no other module knows a terminal.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import signal
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import typer
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from roa_circuit.basics import compilation, interrupts, results
from roa_circuit.basics.errors import RoaError, SimulatorError
from roa_circuit.basics.text import one_line, plain, shortened
from roa_circuit.presentation import last_resort
from roa_circuit.presentation import renamed as renaming

if TYPE_CHECKING:
    from rich.progress import Progress

UsageError: type[Exception] = typer.BadParameter.__mro__[2]  # the root of typer's own complaints

UNFORESEEN = 4
"""The exit code of an error that nobody foresaw."""

_INTERRUPTED, _UNREAD = 130, 141
_LONGEST_QUOTE = 300  # characters of a line of a simulator's
_LONGEST_WORD = 20  # that a table's first column makes room for

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def run(app: typer.Typer) -> NoReturn:
    """Run a command line app and end the process; every error prints one line."""
    _make_writable()
    asked_for = compilation.installed() and not compilation.switched_off()
    if asked_for and not compilation.available():
        remark(
            "note: numba has no folder to keep compiled code in, and numpy computes in its place:"
            " slower, the same numbers; set NUMBA_CACHE_DIR to a folder that can be written"
        )
    if err.is_terminal:  # whoever waits there, as for a bar of progress
        compilation.when_it_begins(_say_compiling)
    code = _exit_code(app)
    if code == _INTERRUPTED:  # typer makes it of a Ctrl-C, too, and says nothing
        complain(interrupts.said_of(signal.SIGINT))
    sys.exit(_flushed(code))


def _say_compiling() -> None:
    remark("compiling the kernels for this machine: up to a minute, this once")


def _exit_code(app: typer.Typer) -> int:
    try:
        code = app(standalone_mode=False)
        return code if isinstance(code, int) else 0
    except RoaError as error:
        complain(str(error))
        if isinstance(error, SimulatorError):
            _quote_simulator(error)
        return error.exit_code
    except typer.Exit as stop:
        return stop.exit_code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except SystemExit:  # typer's, where nobody reads what is printed
        return _UNREAD
    except BaseException as error:
        return _misused(error) if isinstance(error, UsageError) else _unforeseen(error)


def _misused(error: BaseException) -> int:
    """Say what is wrong with the command line."""
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    context = getattr(error, "ctx", None)
    renamed = renaming.hint(context and context.info_name, getattr(error, "option_name", "") or "")
    message = renamed or message
    if message:  # empty after the help text of a bare command
        complain(message)
    return RoaError.exit_code


def _unforeseen(error: BaseException) -> int:
    """Say what happened, and the exit code that it has."""
    if isinstance(error, typer.Abort):
        if not isinstance(error.__cause__, EOFError):
            return _INTERRUPTED
        error = error.__cause__  # typer takes the end of a file for that of its own input
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):  # torch's
        complain("out of memory: ask for less at a time, or use a machine with more")
        return SimulatorError.exit_code
    no_room = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if isinstance(error, OSError) and (error.filename or no_room):  # a name too long, a folder closed
        hindered = " cannot be written" if no_room else ""
        complain(f"{error.filename or 'output'}{hindered}: {error.strerror}")
        return RoaError.exit_code
    complain(last_resort.report(error))
    return UNFORESEEN


def _make_writable() -> None:
    """Let output end in '?' rather than in an error where a terminal lacks a character."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started this
            setattr(sys, name, _nowhere())
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _flushed(code: int) -> int:
    """The exit code, once everything is written; that of what hinders it otherwise."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = _UNREAD
    except OSError as error:
        complain(f"standard output cannot be written: {error.strerror}")
        code = RoaError.exit_code
    else:
        return code
    sys.stdout = _nowhere()  # or Python tries once more
    return code


def _nowhere() -> TextIO:
    return os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")


def say(text: str) -> None:
    """A line of plain text. A terminal breaks it between words; one that is indented is not broken."""
    text = plain(text)
    if out.is_terminal and not text.startswith(" "):
        text = "\n".join(_lines(line) for line in text.split("\n"))
    out.print(text, markup=False, soft_wrap=True)


def _lines(text: str) -> str:
    """A long line as several, those behind the first indented."""
    return textwrap.fill(
        text, out.width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def remark(text: str) -> None:
    """One line beside the result, on stderr."""
    err.print(one_line(text), markup=False, soft_wrap=True)


def ignored(option: str, given: object, why: str) -> list[str]:
    """An option that changes nothing: its name, for JSON, with a line on stderr; none if it is None."""
    if given is None:
        return []
    remark(f"{f'{option} {given}'.rstrip()} ignored: {why}")
    return [option.lstrip("-")]


def provenance(inputs: Iterable[Path] = (), **extra: Any) -> dict[str, Any]:
    """What made a command's results: the command as typed, its input files, versions and time."""
    name = Path(sys.argv[0]).name
    command = shlex.join([name, *sys.argv[1:]])
    return results.provenance(command=command, inputs=[results.fingerprint(p) for p in inputs], **extra)


def complain(message: str) -> None:
    """One line on stderr, never wrapped or coloured in the middle of a path."""
    flat = shortened(message.replace(": Value error, ", ": "))  # typer's own words
    with contextlib.suppress(OSError, ValueError):  # of a stream that takes nothing
        err.print("[bold red]error:[/] ", end="")
        err.print(flat, markup=False, soft_wrap=True)


def _quote_simulator(error: SimulatorError) -> None:
    for said in error.log.strip().splitlines()[-8:]:
        err.print("  | " + shortened(said, _LONGEST_QUOTE), markup=False, soft_wrap=True)
    if error.deck is not None:
        err.print(f"  deck kept at {one_line(str(error.deck))}", markup=False, soft_wrap=True)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A plain table: first column left, its words whole as far as there is room, the others right.

    Titles and cells are shown as they are, whatever markup or control characters they hold.
    """
    cells = [[plain(cell) for cell in row] for row in rows]
    head = [one_line(column) for column in columns]
    result = _Fitted(title=Text(one_line(title), "bold"), title_justify="left", header_style="dim")
    for place, (text, *under) in enumerate(zip(head, *cells, strict=True)):
        result.add_column(Text(text), justify="right" if place else "left", overflow="fold")
        lines = [line for cell in (text, *under) for line in cell.splitlines()]
        words = [word for line in lines for word in line.split()]
        result.wanted.append(max(map(cell_len, lines), default=0))
        result.least.append(min(max(map(cell_len, words), default=0), _LONGEST_WORD))
    for row in cells:
        result.add_row(*map(Text, row))
    return result


class _Fitted(Table):
    """A table whose widest columns give way first where there is no room, and words last."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.wanted: list[int] = []
        self.least: list[int] = []

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = options.max_width - 3 * len(self.columns) - 1  # without rules and blanks
        for column, width in zip(self.columns, _widths(self.wanted, self.least, room), strict=True):
            column.max_width = width
        yield from super().__rich_console__(console, options)


def _widths(wanted: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Of columns in so much room: words stay whole if they can, those of the first column longest."""
    found = [min(width, max(room, 1)) for width in wanted]
    name = min(wanted[0], _LONGEST_WORD) if wanted else 0
    few = [1] * len(least[1:])
    for floors in ([name, *least[1:]], least, [*least[:1], *few], [1, *few]):
        while sum(found) > room:
            wide = [place for place, width in enumerate(found) if width > floors[place]]
            if not wide:
                break
            found[max(wide, key=found.__getitem__)] -= 1
    return found


def progress() -> Progress:
    """A progress bar on stderr that vanishes when done and is silent off a terminal."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}", markup=False),
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
