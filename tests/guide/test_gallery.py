"""The gallery: each picture is there, and the command beneath it draws such a file."""

import importlib.util
import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("figures", ROOT / ".ci" / "figures.py")
figures = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(figures)
PROGRAMS = {"roa-fit": "fitting.commands.cli", "roa-spice": "netlists.commands.cli"}
QUICK = {entry.commands: entry for entry in figures.entries() if not entry.note}


def test_every_picture_is_there_and_has_a_command():
    shown = re.findall(r"!\[[^\]]{20,}\]\(([^)]+)\)", figures.GALLERY.read_text("utf-8"))
    assert len(shown) >= 8
    for name in shown:
        with Image.open(ROOT / "docs" / name) as picture:
            assert picture.width >= 600
    assert set(shown) - {entry.picture for entry in figures.entries()} == {
        "figures/reproduction_figure3.png"  # hours: its page has the command
    }


def test_every_picture_of_a_report_has_its_page_and_command():
    found = {Path(entry.picture).stem: entry for entry in figures.reports()}
    assert set(found) == {"fit_report", "sweep_report", "verify_report"}
    for entry in found.values():
        assert (ROOT / "docs" / entry.picture).is_file()
        assert entry.drawn.endswith("/report.html")
        assert shlex.split(entry.commands[0])[0] in PROGRAMS


@pytest.mark.slow
@pytest.mark.parametrize("entry", QUICK.values(), ids=lambda entry: entry.picture)
def test_a_command_draws_its_picture(entry, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for line in entry.commands:
        program, *words = shlex.split(line)
        code, _, complaint = command(import_module(PROGRAMS[program]).main, *words)
        assert code == 0, complaint
    with Image.open(entry.drawn) as drawn, Image.open(ROOT / "docs" / entry.picture) as shown:
        assert drawn.size == shown.size
