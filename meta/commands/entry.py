"""Where `roa-meta` begins: fits, decks and verifications install without torch, networks do not."""

from __future__ import annotations

import importlib.util
import sys
from typing import NoReturn

from roa_circuit.basics import interrupts


def main() -> NoReturn:
    """Run `roa-meta`, or say what it lacks."""
    interrupts.end_at_once()
    from roa_circuit.presentation import console

    missing = [
        name for name in ("torch", "safetensors", "pooch") if importlib.util.find_spec(name) is None
    ]
    if missing:
        console.complain(f"roa-meta needs {', '.join(missing)}: pip install 'roa-circuit[learn]'")
        sys.exit(2)
    from meta.commands.cli import main as run

    run()
