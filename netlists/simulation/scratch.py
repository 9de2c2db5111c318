"""Scratch folders: private, temporary, and gone when this process is, however it ends.

A process that is killed cannot tidy up. So a small one beside it, the janitor, makes the folder of all
scratch folders, and removes it once the line between the two closes.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from roa_circuit.basics.errors import SimulatorError

_JANITOR = """
import os, shutil, sys, tempfile, time
folder = tempfile.mkdtemp(prefix="roa-spice-", dir=sys.argv[1])
os.write(1, os.fsencode(folder))
os.close(1)
sys.stdin.read()
for _ in range(50):  # simulators end at the same time, and may still write
    shutil.rmtree(folder, ignore_errors=True)
    if not os.path.exists(folder):
        break
    time.sleep(0.1)
"""


@contextmanager
def private_folder() -> Iterator[Path]:
    """A private temporary folder, removed afterwards.

    Raises
    ------
    SimulatorError : there is no place for it.
    """
    try:
        temporary = tempfile.TemporaryDirectory(
            prefix="deck-", dir=_scratch(os.getpid(), tempfile.gettempdir()), ignore_cleanup_errors=True
        )
    except OSError as error:
        raise SimulatorError(f"no temporary folder for the deck: {error}; set TMPDIR") from None
    with temporary as path:
        yield Path(path)


@functools.lru_cache
def _scratch(_process: int, place: str) -> Path:
    """The folder of this process's scratch folders in a place, watched by its janitor."""
    janitor = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _JANITOR, place],
        stdin=subprocess.PIPE,  # never written to: its end tells the janitor of ours
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # a Ctrl-C in the terminal is for us
    )
    assert janitor.stdin is not None
    assert janitor.stdout is not None
    with janitor.stdout as answer:
        folder = os.fsdecode(answer.read())
    if not folder:
        _dismiss(janitor)
        raise OSError(f"{place} cannot be written")
    atexit.register(_dismiss, janitor)
    return Path(folder)


def _dismiss(janitor: subprocess.Popen[bytes]) -> None:
    """Let the janitor do its work, and wait for it."""
    if janitor.stdin is not None:
        janitor.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        janitor.wait(10.0)
