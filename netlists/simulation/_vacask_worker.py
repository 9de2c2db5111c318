"""The process that runs VACASK on one deck, by the rules of `netlists.simulation._child`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from netlists.simulation._child import Speaker, keep_priority, leave, limit_memory
from netlists.simulation._raw import read_raw
from netlists.simulation.vacask import ANALYSIS, version
from roa_circuit.basics.errors import SimulatorError

_BANNER = re.compile(
    r"This is vacask|\(c\)|https://|  OpenMP|  Cadnip|(Available )?CPUs|OpenBLAS|Simulating:"
    r"|Running analysis|  Elapsed time|[^\w]*Finished"
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def main(folder: Path, program: str, memory: int) -> int:
    """Run the folder's deck.cir; 0 if its vectors were written."""
    speaker = Speaker()
    keep_priority()
    limit_memory(memory)
    started = time.perf_counter()
    done = _simulated(folder, program)
    speaker.say("version", version(program, done.stdout))
    lines = [line for line in map(_plain, done.stdout.splitlines()) if line and not _BANNER.match(line)]
    for line in lines:
        speaker.say("log", line)
    if done.returncode < 0:
        os.kill(os.getpid(), -done.returncode)  # its crash is ours: what watches us tells the two apart
    if done.returncode:
        why = lines[0] if lines else f"it ended with code {done.returncode}"
        speaker.say("failed", why + _lacking_linker())
        return 1
    try:
        leave(read_raw(folder / f"{ANALYSIS}.raw"), folder)
    except SimulatorError as error:
        speaker.say("failed", str(error))
        return 1
    except OSError as error:
        speaker.say("failed", f"cannot write to {folder}: {error.strerror or error}")
        return 1
    speaker.say("seconds", repr(time.perf_counter() - started))
    return 0


def _simulated(folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Run the deck with nobody's configuration in HOME, and without the deck's shell commands."""
    return subprocess.run(
        [program, "--quiet-progress", "--skip-postprocess", "deck.cir"],
        cwd=folder,
        env={**os.environ, "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )


def _lacking_linker() -> str:
    """What compiled models lack, where that is the linker: `openvaf-r` says nothing of it."""
    if os.name == "nt" or shutil.which("ld"):
        return ""
    return "; Verilog-A needs the linker ld in PATH (Debian and Ubuntu: apt install binutils)"


def _plain(line: str) -> str:
    """A line without colours."""
    return _COLOUR.sub("", line).rstrip()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
