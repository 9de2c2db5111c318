"""roa-meta: train, adapt and evaluate networks that learn in one write."""

from __future__ import annotations

import os
import tempfile
from typing import NoReturn

from meta.commands.adapt import adapt
from meta.commands.evaluate import evaluate
from meta.commands.methods import methods
from meta.commands.pretrain import pretrain
from meta.commands.reproduce import reproduce
from meta.commands.sweep import sweep
from meta.commands.train import train
from meta.commands.wires import wires
from roa_circuit.presentation import console, programs

app = programs.assemble(
    "roa-meta",
    "Few-shot networks on memristor crossbars: learn to learn in one write.",
    (pretrain, train, adapt, evaluate, reproduce, wires, sweep, methods),
)


def main() -> NoReturn:
    """Entry point of `roa-meta`."""
    # torch's optimisers make this folder and never use it: a temporary one of that name would stay
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", tempfile.gettempdir())
    console.run(app)
