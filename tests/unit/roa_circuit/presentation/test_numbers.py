"""Numbers of options: prefixes and percentages, within bounds that the help shows."""

from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from roa_circuit.presentation import programs


def show(
    share: Annotated[float, typer.Option(min=0, max=1, help="A share.")] = 0.25,
    least: Annotated[float | None, typer.Option(min=1e-9, help="At least so much.")] = None,
    free: Annotated[float | None, typer.Option(help="Any number.", metavar="VOLT")] = None,
    own: Annotated[float, typer.Option(parser=lambda text: 7.0, help="With a parser of its own.")] = 7.0,
    count: Annotated[int, typer.Option(help="Whole.")] = 3,
):
    """Show what was read."""
    print(share, least, free, own, count)


def other():
    """Another command."""


APP = programs.assemble("roa-numbers", "A program.", (show, other))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], "0.25 None None 7.0 3"),
        (["--share", "10%"], "0.1 None None 7.0 3"),
        (["--share=50m", "--free", "-1.5k"], "0.05 None -1500.0 7.0 3"),
        (["--least", "30u", "--own", "x", "--count", "4"], "0.25 3e-05 None 7.0 4"),
    ],
)
def test_options_read_prefixes_and_percentages(given, expected):
    done = CliRunner().invoke(APP, ["show", *given])
    assert done.exit_code == 0
    assert done.stdout.strip() == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--share", "101%"], "101% must be from 0 to 1"),
        (["--least", "0"], "0 must be at least 1e-09"),
        (["--free", "nan"], "'nan' is not a number"),
        (["--free", "3 apples"], "'3 apples' is not a number"),
    ],
)
def test_what_is_no_number_or_out_of_bounds_is_refused(given, message):
    done = CliRunner().invoke(APP, ["show", *given])
    assert done.exit_code == 2
    assert message in " ".join(done.output.replace("│", " ").split())


def test_help_shows_bounds():
    text = " ".join(CliRunner().invoke(APP, ["show", "--help"]).output.replace("│", " ").split())
    assert "A share; from 0 to 1." in text
    assert "VOLT" in text
    assert "NUMBER" in text
