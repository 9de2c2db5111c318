"""The pictures of docs/gallery.md, drawn anew by the commands beneath them.

python .ci/figures.py [all]

An entry names in a comment the file that its command draws. Those marked `slow` take minutes and are
drawn for `all` alone; those with `data` need that file in the folder that ROA_SHARED_DATA names.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
GALLERY = ROOT / "docs" / "gallery.md"
_ENTRY = re.compile(
    r"^<!-- figure: (?P<drawn>[^;>]+?)(?:; (?P<note>[^>]+?))? -->\n```console\n(?P<commands>.*?)^```\n\n"
    r"!\[[^\]]+\]\((?P<picture>[^)]+)\)$",
    re.M | re.S,
)


class Entry(NamedTuple):
    """A picture of the guide, the file that its commands draw, and what they need."""

    picture: str
    drawn: str
    note: str
    commands: tuple[str, ...]


def entries() -> list[Entry]:
    """Those of the gallery that have a command."""
    return [
        Entry(
            picture=found["picture"],
            drawn=found["drawn"],
            note=found["note"] or "",
            commands=tuple(re.findall(r"^\$ (.*)$", found["commands"], re.M)),
        )
        for found in _ENTRY.finditer(GALLERY.read_text(encoding="utf-8"))
    ]


def draw(entry: Entry, folder: Path) -> None:
    """Run an entry's commands in a folder, and put the picture into the guide."""
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), env.get("PYTHONPATH")]))
    for command in entry.commands:
        print(f"$ {command}", flush=True)
        subprocess.run(command, shell=True, cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL)
    shutil.copy(folder / entry.drawn, ROOT / "docs" / entry.picture)


def main(asked: str = "") -> None:
    """Draw all that can be drawn here."""
    shared = Path(os.environ.get("ROA_SHARED_DATA", "nowhere"))
    with TemporaryDirectory() as made:
        folder = Path(made)
        for name in ("examples", "benchmarks"):
            (folder / name).symlink_to(ROOT / name)
        for entry in entries():
            if entry.note == "slow" and asked != "all":
                print(f"left as it is: {entry.picture}, which takes minutes")
                continue
            if entry.note.startswith("data: "):
                source = shared / entry.note.removeprefix("data: ")
                if not source.is_file():
                    print(f"left as it is: {entry.picture}, as ROA_SHARED_DATA has no {source.name}")
                    continue
                shutil.copy(source, folder)
            draw(entry, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
