"""Options in groups: what a command takes as one value, the command line sees as options."""

from dataclasses import dataclass
from typing import Annotated

import typer
from typer.main import get_command

from roa_circuit.presentation import circuit_options, options


@dataclass(frozen=True, kw_only=True)
class Pair:
    needed: int
    word: Annotated[str, typer.Option("--as", help="A word.")] = "x"


def test_a_group_becomes_its_fields_where_it_stands():
    taken = []

    @options.grouped
    def run(*, before: float = 0.5, pair: Pair, lines: circuit_options.Lines) -> None:
        """Run it."""
        taken.append((before, pair, lines.wiring))

    app = typer.Typer()
    app.command()(run)
    names = [name for parameter in get_command(app).params for name in parameter.opts]
    assert names[:4] == ["--before", "--needed", "--as", "--wire-resistance"]
    app(["--needed", "3", "--as", "y", "--wire-resistance", "4.7k"], standalone_mode=False)
    [(before, pair, wiring)] = taken
    assert (before, pair) == (0.5, Pair(needed=3, word="y"))
    assert (wiring.r_word, wiring.r_bit, wiring.r_sense) == (4700.0, 4700.0, None)
    assert "Run it." in get_command(app).help
