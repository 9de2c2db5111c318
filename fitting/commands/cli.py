"""The command `roa-fit`: pulse measurements in, a device that simulators can open out."""

from __future__ import annotations

import gc
from typing import Any, NoReturn

import typer
import typer.core

from fitting.commands.compare import compare
from fitting.commands.design import design
from fitting.commands.fit import fit
from fitting.commands.inspect import inspect
from fitting.commands.spread import spread
from roa_circuit.presentation import console


class _FitUnlessTold(typer.core.TyperGroup):
    """`roa-fit FILE` means `roa-fit fit FILE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["fit", *args]
        return list(super().parse_args(ctx, args))


_SELDOM = 100_000  # new objects between two searches for those in circles: a fit leaves few of them

app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode="rich", cls=_FitUnlessTold
)
for _command in (fit, inspect, compare, design, spread):
    app.command()(_command)


@app.callback()
def _about() -> None:
    """Fit a memristor to its pulses. [bold]roa-fit FILE[/] is short for [bold]roa-fit fit FILE[/]."""


def main() -> NoReturn:
    """Run `roa-fit`."""
    gc.set_threshold(_SELDOM)
    console.run(app)
