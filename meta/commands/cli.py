"""roa-meta: train, adapt and evaluate networks that learn in one write."""

from __future__ import annotations

from typing import NoReturn

import typer

from meta.commands.adapt import adapt
from meta.commands.evaluate import evaluate
from meta.commands.methods import methods
from meta.commands.reproduce import reproduce
from meta.commands.sweep import sweep
from meta.commands.train import train
from meta.commands.wires import wires
from roa_circuit.presentation import console

app = typer.Typer(
    name="roa-meta",
    help="Few-shot networks on memristor crossbars: learn to learn in one write.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _command in (train, adapt, evaluate, reproduce, wires, sweep, methods):
    app.command()(_command)


def main() -> NoReturn:
    """Entry point of `roa-meta`."""
    console.run(app)
