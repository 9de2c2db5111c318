"""The page of questions: every command on it is one, with options and values that it takes."""

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest
from typer.main import get_command

from roa_circuit.device.parameters import load_device

PAGE = Path(__file__).parents[2] / "docs" / "how-do-i.md"
PROGRAMS = {
    "roa-fit": "fitting.commands.cli",
    "roa-spice": "netlists.commands.cli",
    "roa-meta": "meta.commands.cli",
}
LINES = re.findall(r"\| `((?:roa-fit|roa-spice|roa-meta) [^`]*)` \|", PAGE.read_text("utf-8"))
FILES = {
    "CIRCUIT.toml": '[lines]\n"r_word [Ohm]" = 1.0\n"r_bit [Ohm]" = 1.0\n',
    "CONVERTERS.toml": '"adc_bits [-]" = 6\n"adc_range [A]" = 1e-4\n',
    "FAULTS.toml": '"stuck_on [-]" = 0.01\n',
}  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the files lie that the page's names in capitals stand for."""
    monkeypatch.chdir(tmp_path)
    for name in re.findall(r"\b[A-Z]+\.(?:csv|toml)", PAGE.read_text("utf-8")):
        Path(name).write_text(FILES.get(name, ""))
    for name in ("DEVICE.toml", "LAW.toml"):
        Path(name).write_text(load_device("zhang2021").to_toml())
    Path("PICTURES").mkdir()
    return tmp_path


def test_there_are_fifty_questions():
    assert len(re.findall(r"(?m)^\| [^|]*\? \|", PAGE.read_text("utf-8"))) >= 50


@pytest.mark.parametrize("line", LINES)
def test_a_line_is_understood(folder, line):
    program, *words = shlex.split(line)
    group = get_command(import_module(PROGRAMS[program]).app)
    name = words.pop(0) if words[0] in group.commands else "fit"
    if words == ["--help"]:
        return
    context = group.commands[name].make_context(name, words)
    for word in words:
        if word.startswith("--"):
            assert word.split("=")[0] in {o for p in context.command.params for o in p.opts}
