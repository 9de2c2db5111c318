"""Where `roa-spice` begins: a signal ends it with one line while it still loads, too."""

from roa_circuit.basics import interrupts


def main() -> None:
    """Run `roa-spice`."""
    interrupts.end_at_once()
    from netlists.commands.cli import main as run

    run()
