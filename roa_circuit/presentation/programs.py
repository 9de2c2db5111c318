"""The three programs: how each shows its help and version, and completes words in a shell."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from roa_circuit.presentation.groups import in_groups
from roa_circuit.presentation.numbers import with_quantities
from roa_circuit.presentation.options import flag


def assemble(
    name: str, about: str, commands: Iterable[Callable[..., Any]], *, cls: type[TyperGroup] = TyperGroup
) -> typer.Typer:
    """A program of several commands, such as roa-fit.

    about : what its help says first
    cls : how it takes its words apart, where a command may be left out
    """
    app = typer.Typer(
        name=name,
        cls=cls,
        help=about,
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for command in commands:
        app.command()(in_groups(with_quantities(command)))

    @app.callback()
    def _options(
        version: Annotated[
            bool, flag("--version", "Show the version, and end.", callback=_say_version, is_eager=True)
        ] = False,
    ) -> None: ...

    return app


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"roa-circuit {importlib.metadata.version('roa-circuit')}")
        raise typer.Exit
