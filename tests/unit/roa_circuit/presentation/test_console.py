"""What a terminal shows: tables that can be read, and why a command takes its time."""

import io
import sys

import numba
import pytest
import typer
from rich.console import Console

from roa_circuit.basics import compilation
from roa_circuit.presentation import console


def test_names_of_rows_are_not_broken_where_columns_are_many():
    head = ["", "from best to worst", "allowed alone", "mean there", "worst chip there", "all together"]
    rows = [
        ("temperature", "250 K … 400 K", "400 K (all)", "97.3 %", "97.3 %", "373 K"),
        ("wires", *"abcde"),
    ]
    text = io.StringIO()
    Console(file=text, width=80).print(console.table("Budget", head, rows))
    assert "│ temperature " in text.getvalue()
    assert max(map(len, text.getvalue().splitlines())) <= 80


def test_no_letter_is_cut_off_where_the_first_column_needs_its_room():
    """The remarks of `roa-fit inspect` ended at the edge of a terminal of 80 columns."""
    head = ["train", "readings", "pulses", "read at", "conductance", "remarks"]
    row = ("data-hysteresis-loop", "11", "48 × -1 V 1 µs", "100 mV", "23.5 pS → 5.51 nS",
           "37 pulses without reading")  # fmt: skip
    for width in (80, 60, 30):
        text = io.StringIO()
        Console(file=text, width=width).print(console.table("Trains", head, [row]))
        lines = text.getvalue().splitlines()
        assert max(map(len, lines)) <= width
        parts = zip(*(line.split("│") for line in lines if "│" in line), strict=True)
        whole = ["".join(part).replace(" ", "") for part in parts]
        assert whole[1:-1] == [cell.replace(" ", "") for cell in row]


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_breaks_lines_between_words_and_paths_nowhere(monkeypatch, terminal):
    out = Console(file=io.StringIO(), force_terminal=terminal, width=40)
    monkeypatch.setattr(console, "out", out)
    said, path = "pulses of a hundred volts break " * 3, "  " + "a folder/" * 9
    console.say(said.strip())
    console.say(path)
    lines = out.file.getvalue().splitlines()
    assert lines[-1] == path
    assert (max(map(len, lines[:-1])) <= 40) == terminal
    assert " ".join(line.strip() for line in lines[:-1]) == said.strip()
    assert all(line.startswith("  ") for line in lines[1:-1])


def test_a_table_may_be_empty():
    assert console.table("Nothing", ["", "value"], []).row_count == 0


@pytest.mark.long
@pytest.mark.parametrize("terminal", [True, False])
def test_whoever_waits_at_a_terminal_is_told_that_kernels_are_compiled(monkeypatch, terminal):
    """A kernel without a cache is compiled in every process."""
    err = Console(file=io.StringIO(), force_terminal=terminal)
    monkeypatch.setattr(console, "err", err)
    monkeypatch.setattr(compilation, "_to_tell", [])
    monkeypatch.setattr(sys, "argv", ["roa-spice"])
    app = typer.Typer()

    @app.command()
    def compiles():
        compilation.watch()
        assert numba.njit(lambda x: x + 1)(1) == 2

    with pytest.raises(SystemExit) as ended:
        console.run(app)
    assert not ended.value.code
    assert ("compiling the kernels" in err.file.getvalue()) == terminal
