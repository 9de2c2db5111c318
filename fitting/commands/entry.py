"""Where `roa-fit` begins: a signal ends it with one line while it still loads, too."""

from roa_circuit.basics import interrupts


def main() -> None:
    """Run `roa-fit`."""
    interrupts.end_at_once()
    from fitting.commands.cli import main as run

    run()
