"""roa-meta: train, adapt and evaluate networks that learn in one write."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from roa_circuit import console

app = typer.Typer(
    name="roa-meta",
    help="Few-shot networks on memristor crossbars: learn to learn in one write.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

DataSet = Annotated[str, typer.Option(help="omniglot, or glyphs (built in, needs no download).")]
Data = Annotated[Path | None, typer.Option(help="A local copy of the data set; downloaded otherwise.")]
Json = Annotated[Path | None, typer.Option("--json", help="Write the result as JSON.")]


@app.callback()
def _root() -> None:
    """Few-shot networks on memristor crossbars: learn to learn in one write."""


@app.command()
def train(
    output: Annotated[Path, typer.Option("--output", "-o", help="The run's folder.")],
    dataset: DataSet = "omniglot",
    data: Data = None,
    ways: int = 5,
    shots: int = 1,
    queries: int = 5,
    filters: int = 64,
    epochs: int = 20,
    iterations: Annotated[int, typer.Option(help="Outer steps an epoch.")] = 500,
    batch: Annotated[int, typer.Option(help="Tasks an outer step.")] = 8,
    pulses_from: Annotated[int, typer.Option(help="First epoch that rounds to pulses.")] = 12,
    rho: Annotated[float, typer.Option(help="Constraint of Eq. 18; 1 leaves it out.")] = 0.5,
    device: Annotated[str, typer.Option(help="Parameter set: a shipped name or a TOML file.")] = "zhang2021",
    seed: int = 0,
) -> None:
    """Meta-train a network; the folder gets checkpoints and metrics after every epoch."""
    from meta.datasets import load_dataset
    from meta.train import Epoch, Training
    from meta.train import train as run

    how = Training(
        ways=ways,
        shots=shots,
        queries=queries,
        filters=filters,
        epochs=epochs,
        iterations=iterations,
        batch=batch,
        pulses_from=pulses_from,
        rho=rho,
        device=device,
        seed=seed,
    )
    images = load_dataset(dataset, data)

    def report(_: object, row: Epoch) -> None:
        console.out.print(
            f"epoch {row.epoch + 1:3d}/{epochs}  loss {row.loss:.4f}  validation: ideal "
            f"{row.accuracy_ideal:.2%}, pulses {row.accuracy_pulses:.2%}, {row.seconds:.0f} s"
        )

    with console.progress() as bar:
        line = bar.add_task("training", total=epochs * iterations)
        run(images, how, output, callbacks=[report], on_iteration=lambda *_: bar.advance(line))
    console.out.print(f"network: {output / 'best.safetensors'}")


def main() -> NoReturn:
    """Entry point of `roa-meta`."""
    console.run(app)
