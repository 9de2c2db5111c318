"""The pictures of docs/gallery.md, and of reports in docs/tasks, drawn anew by their commands.

python .ci/figures.py [all]

An entry of the gallery names in a comment the file that its command draws; a picture of a report has
the page and its command in the comment above it. Those marked `slow` take minutes and are drawn for
`all` alone; those with `data` need that file in the folder that ROA_SHARED_DATA names.
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
_REPORT = re.compile(
    r"^<!-- page: (?P<drawn>[^;>]+); (?P<command>[^;>]+?)(?:; (?P<note>[^>]+?))? -->\n"
    r"!\[[^\]]+\]\((?:\.\./)*(?P<picture>[^)]+)\)$",
    re.M,
)
_WIDE, _LONGEST = 1180, 2000  # pixels
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


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


def reports() -> list[Entry]:
    """Those of pages in docs/tasks that show a report."""
    return [
        Entry(found["picture"], found["drawn"], found["note"] or "", (found["command"],))
        for page in sorted((ROOT / "docs" / "tasks").glob("*.md"))
        for found in _REPORT.finditer(page.read_text(encoding="utf-8"))
    ]


# Where the last section or figure ends that ends within so many pixels, and a margin.
_END = """longest => Math.max(...[...document.querySelectorAll('section, figure')]
  .map(e => e.getBoundingClientRect().bottom + window.scrollY + 16).filter(y => y < longest))"""


def photograph(page: Path, picture: Path) -> None:
    """A picture of a page from its top, light, to the end of a section."""
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, _BROWSERS)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        # Plots are drawn where they are near the window, which is as high as the picture.
        tab = browser.new_page(viewport={"width": _WIDE, "height": _LONGEST}, color_scheme="light")
        tab.goto(page.resolve().as_uri())
        tab.wait_for_timeout(2000)
        end = tab.evaluate(_END, _LONGEST)
        clip = {"x": 0, "y": 0, "width": _WIDE, "height": int(end) if end else 1080}
        tab.screenshot(path=picture, full_page=True, clip=clip)
        browser.close()


def draw(entry: Entry, folder: Path) -> None:
    """Run an entry's commands in a folder, and put the picture into the guide."""
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), env.get("PYTHONPATH")]))
    for command in entry.commands:
        print(f"$ {command}", flush=True)
        subprocess.run(command, shell=True, cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL)
    drawn, picture = folder / entry.drawn, ROOT / "docs" / entry.picture
    if drawn.suffix == ".html":
        photograph(drawn, picture)
    else:
        shutil.copy(drawn, picture)


def main(asked: str = "") -> None:
    """Draw all that can be drawn here."""
    shared = Path(os.environ.get("ROA_SHARED_DATA", "nowhere"))
    with TemporaryDirectory() as made:
        folder = Path(made)
        for name in ("examples", "benchmarks", "data"):
            (folder / name).symlink_to(ROOT / name)
        for entry in entries() + reports():
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
