"""What README and guide tell people to type: every option exists, and every command runs.

A block ```console of README.md, of the quick start or of a task page is copied and pasted, unless the
comment above it says `not run:` and why, or `slow`.
"""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest
from typer.main import get_command

ROOT = Path(__file__).parents[2]
PROGRAMS = {
    "roa-fit": "fitting.commands.cli",
    "roa-spice": "netlists.commands.cli",
    "roa-meta": "meta.commands.cli",
}
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
TASKS = [ROOT / "README.md", ROOT / "docs/quickstart.md", *sorted(ROOT.glob("docs/tasks/*.md"))]
BLOCK = re.compile(r"^(?:<!-- (?P<note>[^>]*?) -->\n)?```console\n(?P<text>.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """One block: its commands, and the comment above it."""

    note: str
    commands: tuple[str, ...]


def blocks(page):
    """The blocks of a page, in order."""
    return [
        Block(note=found["note"] or "", commands=tuple(_commands(found["text"])))
        for found in BLOCK.finditer(page.read_text("utf-8"))
    ]


def _commands(text):
    """Lines after a prompt, with those that go on after a backslash or a `>`; the rest is output."""
    joined = re.sub(r"\\\n\s*", "", text)
    joined = re.sub(r"\n> +", " ", joined)
    return [line.removeprefix("$ ").strip() for line in joined.splitlines() if line.startswith("$ ")]


def calls(command):
    """Each call of one of our programs in a shell line: its name and its words."""
    for part in re.split(r"&& |\| |; |\bdo ", command):
        if part.split(" ")[0] in PROGRAMS:
            yield shlex.split(part.replace("; done", ""), comments=True)


EVERY_CALL = [
    pytest.param(words, id=f"{page.relative_to(ROOT)}: {' '.join(words)}")
    for page in PAGES
    for block in blocks(page)
    for command in block.commands
    for words in calls(command)
]


@pytest.mark.parametrize("words", EVERY_CALL)
def test_every_option_that_is_shown_exists(words):
    group = get_command(import_module(PROGRAMS[words[0]]).app)
    name = words[1] if len(words) > 1 and words[1] in group.commands else "fit"
    assert name in group.commands, words
    known = {option for p in group.commands[name].params for option in (*p.opts, *p.secondary_opts)}
    for word in words[1:]:
        if re.match(r"--?[a-z]", word):
            assert word.split("=")[0] in known | {"--help"}, f"{words[0]} {name} has no {word}"


def test_pages_hold_commands():
    assert all(any(calls(c) for b in blocks(page) for c in b.commands) for page in TASKS)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A folder like a fresh checkout, for commands to write into."""
    for name in ("data", "examples"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


SHORTER = (("--epochs 3", "--epochs 1"), ("--iterations 40", "--iterations 3"))
"""What makes its training one of a second; the slow test below trains as long as the page says."""


def shortened(line):
    """The line with a short training, if it trains."""
    for long, short in SHORTER if " train " in line else ():
        assert long in line
        line = line.replace(long, short)
    return line


@pytest.mark.ngspice
def test_the_paths_of_the_front_page_run(checkout, command):
    """Fit, verify, netlist, sweep and train, in this process: what they import is here already."""
    for block in blocks(ROOT / "README.md"):
        if block.note:
            continue
        for line in map(shortened, block.commands):
            words = shlex.split(line, comments=True)
            if words[0] in PROGRAMS:
                code, _, complaint = command(import_module(PROGRAMS[words[0]]).main, *words[1:])
                assert code == 0, f"{line}: {complaint}"
            else:
                pasted(line, checkout)


@pytest.mark.slow
@pytest.mark.ngspice
@pytest.mark.vacask
@pytest.mark.parametrize("page", TASKS, ids=[str(page.relative_to(ROOT)) for page in TASKS])
def test_the_commands_of_a_page_run_as_pasted(page, checkout):
    for block in blocks(page):
        if not block.note.startswith("not run:"):
            for line in block.commands:
                pasted(line, checkout)
    for number, deck in enumerate(
        re.findall(r"^```spice\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
    ):
        (checkout / f"{number}.cir").write_text(deck)
        pasted(f"ngspice -b {number}.cir", checkout)
    for number, script in enumerate(
        re.findall(r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
    ):
        (checkout / f"{number}.py").write_text(script)
        pasted(f"python {number}.py", checkout)


def pasted(line, folder):
    """Run a line in a shell, as a reader would."""
    paths = [str(Path(sys.executable).parent), os.environ["PATH"]]
    environment = {**os.environ, "PATH": os.pathsep.join(paths), "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        ["bash", "-c", line], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, f"{line}\n{ran.stdout[-2000:]}\n{ran.stderr[-2000:]}"
