"""A process of `cores`: it computes what it is sent, until the other end of the line closes.

The line brings a function and what all its items share, then items one by one, each in a tuple. Every
message is answered, an item with a result or an error, but for the empty tuple after the last.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable
from typing import Any

import torch

from meta.processes.line import Line


def serve(line: Line) -> None:
    """Answer until there is nobody to answer to."""
    line.send(None)
    with contextlib.suppress(EOFError, OSError):
        while True:
            function, shared = line.receive()
            line.send(None)
            while item := line.receive():
                line.send(_outcome(function, shared, *item))


def _outcome(function: Callable[..., Any], shared: Any, item: Any) -> tuple[Any, Exception | None]:
    try:
        return function(shared, item), None
    except Exception as error:  # goes to the one who asked
        return None, error


if __name__ == "__main__":
    torch.set_num_threads(1)
    module, *ends = sys.argv[1:]
    importlib.import_module(module)  # of the work to come, which takes longer to load than to send
    serve(Line(*map(int, ends)))
