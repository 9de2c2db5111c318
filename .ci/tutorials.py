"""Tutorials as notebooks: run each in an empty folder, and write it as a page and as a notebook.

python .ci/tutorials.py FOLDER [--as-they-are] [NAME ...]

A tutorial is docs/tutorials/NAME.py in jupytext's percent format. Into FOLDER go NAME.md, with outputs
and pictures inside, and NAME.ipynb. What has been run is not run again, unless its text or a package of
ours has changed since. With --as-they-are nothing is run, and pages have no outputs.
"""

from __future__ import annotations

import base64
import hashlib
import html
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jupytext
import nbformat

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "docs" / "tutorials"
PACKAGES = ("roa_circuit", "fitting", "netlists", "meta")
SECONDS = 600
"""How long a cell may take: kernels may have to be translated, on a machine that is busy."""


def names() -> list[str]:
    """The tutorials that there are."""
    return sorted(path.stem for path in SOURCES.glob("*.py"))


def notebook(name: str) -> Any:
    """A tutorial as a notebook without outputs."""
    found = jupytext.read(SOURCES / f"{name}.py")
    found.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return found


def executed(name: str) -> Any:
    """A tutorial as a notebook with outputs; nbclient's error where a cell fails."""
    from nbclient import NotebookClient

    found = notebook(name)
    env = {key: value for key, value in os.environ.items() if key != "MPLBACKEND"}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), env.get("PYTHONPATH")]))
    with TemporaryDirectory() as folder:
        where = {"metadata": {"path": folder}}
        quiet = ["--log-level=40"]
        NotebookClient(found, timeout=SECONDS, resources=where, extra_arguments=quiet).execute(env=env)
    return found


def page(found: Any, name: str) -> str:
    """A notebook as Markdown: title, links to its source, then its cells."""
    title, *rest = found.cells
    heading, _, opening = title.source.partition("\n")
    download = (
        f'<p class="download">Run it yourself: <a href="{name}.ipynb" download>as a notebook</a> or '
        f'<a href="{name}.py" download>as a script</a>.</p>'
    )
    parts = [heading, "", download, "", opening.strip(), ""]
    for cell in rest:
        parts += [cell.source if cell.cell_type == "markdown" else f"```python\n{cell.source}\n```", ""]
        for output in cell.get("outputs", ()):
            parts += [*_shown(output, cell.metadata.get("alt", "")), ""]
    return "\n".join(parts)


def _shown(output: Any, alt: str) -> Iterator[str]:
    """An output: text in a block, a picture with what it shows in words."""
    if output.output_type == "stream":
        yield f"```text\n{output.text.rstrip()}\n```"
    elif "image/png" in output.get("data", {}):
        picture = "".join(output.data["image/png"].split())
        base64.b64decode(picture, validate=True)
        yield f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{picture}">'


def _stamp(name: str) -> str:
    """Of all that a page comes from: the tutorial, this script and our packages."""
    digest = hashlib.sha256()
    ours = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    for path in (Path(__file__), SOURCES / f"{name}.py", *ours):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def write(name: str, folder: Path, *, run: bool) -> None:
    """Write a tutorial's page and notebook, unless they are there already."""
    mark, stamp = folder / f"{name}.stamp", _stamp(name) if run else "not run"
    if mark.is_file() and mark.read_text() == stamp:
        return
    found = executed(name) if run else notebook(name)
    (folder / f"{name}.md").write_text(page(found, name), encoding="utf-8")
    (folder / f"{name}.ipynb").write_text(nbformat.writes(found), encoding="utf-8")
    mark.write_text(stamp)


def main(folder: Path, *asked: str) -> None:
    """Write what was asked for, or all."""
    folder.mkdir(parents=True, exist_ok=True)
    run = "--as-they-are" not in asked
    for name in [one for one in asked if not one.startswith("--")] or names():
        if run:
            print(f"tutorial {name}", flush=True)
        write(name, folder, run=run)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
