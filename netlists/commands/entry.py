"""Where `roa-spice` begins: Ctrl-C ends it with one line while it still loads, too."""

from __future__ import annotations

from typing import NoReturn

from roa_circuit.basics import interrupts


def main() -> NoReturn:
    """Run `roa-spice`."""
    interrupts.end_at_once()
    from netlists.commands.cli import main as run

    run()
