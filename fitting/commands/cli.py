"""The command `roa-fit`: pulse measurements in, a device that simulators can open out."""

from __future__ import annotations

import gc
import os
from typing import Any, NoReturn

from typer.core import TyperGroup

from fitting.commands.compare import compare
from fitting.commands.design import design
from fitting.commands.fit import fit
from fitting.commands.inspect import inspect
from fitting.commands.spread import spread
from roa_circuit.presentation import console, programs


class _FitUnlessTold(TyperGroup):
    """`roa-fit FILE` means `roa-fit fit FILE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        own = {option for parameter in self.get_params(ctx) for option in parameter.opts}
        if args and not ctx.resilient_parsing and args[0] not in own | set(self.commands):
            args = ["fit", *args]
        return list(super().parse_args(ctx, args))


_SELDOM = 100_000  # new objects between two searches for those in circles: a fit leaves few of them

app = programs.assemble(
    "roa-fit",
    "Fit a memristor to its pulses. [bold]roa-fit FILE[/] is short for [bold]roa-fit fit FILE[/].",
    (fit, inspect, compare, design, spread),
    cls=_FitUnlessTold,
)


def main() -> NoReturn:
    """Run `roa-fit`."""
    _one_thread_for_products()
    gc.set_threshold(_SELDOM)
    console.run(app)


def _one_thread_for_products() -> None:
    """A fit's matrices are thin: threads would wait for each other. What the user sets, holds."""
    if "OMP_NUM_THREADS" not in os.environ:
        for library in ("OPENBLAS", "MKL"):
            os.environ.setdefault(f"{library}_NUM_THREADS", "1")
