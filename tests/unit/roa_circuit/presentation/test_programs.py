"""What all three programs understand: help, version, and completion."""

import importlib.metadata
import os
import re
import subprocess
import sys
from importlib import import_module

import pytest
from typer.main import get_command

PROGRAMS = {"roa-fit": "fitting", "roa-spice": "netlists", "roa-meta": "meta"}
COMMANDS = [
    (package, name)
    for package in PROGRAMS.values()
    for name in get_command(import_module(f"{package}.commands.cli").app).commands
]


def ran(*words, **environment):
    return subprocess.run(
        [sys.executable, "-m", *words],
        capture_output=True, text=True, check=False, env={**os.environ, **environment},
    )  # fmt: skip


@pytest.mark.parametrize(("name", "package"), PROGRAMS.items())
def test_a_program_runs_as_a_module_and_has_a_version(name, package):
    done = ran(package, "--version")
    version = importlib.metadata.version("roa-circuit")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"roa-circuit {version}\n", "")


def test_the_short_help_is_the_long_one():
    short, long = ran("fitting", "-h"), ran("fitting", "--help")
    assert short.stdout == long.stdout
    assert "inspect" in short.stdout
    assert ran("fitting", "inspect", "-h").returncode == 0


@pytest.mark.parametrize(
    ("program", "begun", "whole"),
    [
        ("roa-fit", "ins", "inspect"),
        ("roa-fit", "com", "compare"),
        ("roa-spice", "verify --pha", "--phase"),
        ("roa-meta", "ada", "adapt"),
    ],
)
def test_a_shell_completes_commands_and_options(program, begun, whole):
    asked = f"_{program.upper().replace('-', '_')}_COMPLETE"
    at = str(len(begun.split()))
    how = {"COMP_WORDS": f"{program} {begun}", "COMP_CWORD": at, asked: "complete_bash"}
    code = f"import sys; sys.argv[0] = {program!r}\nimport {PROGRAMS[program]}.__main__"
    program = [sys.executable, "-c", code]
    done = subprocess.run(
        program, capture_output=True, text=True, check=False, env={**os.environ, **how}
    )
    assert done.stdout.split() == [whole]


def test_without_torch_networks_say_what_to_install():
    without = "import sys; sys.modules['torch'] = None; sys.argv[0] = 'roa-meta'\nimport meta.__main__"
    done = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "error: roa-meta needs torch: pip install 'roa-circuit[learn]'\n"


@pytest.mark.parametrize("module", ["fitting.commands.cli", "netlists.commands.cli"])
def test_fits_and_decks_do_without_torch(module):
    code = f"import sys; sys.modules['torch'] = sys.modules['safetensors'] = None\nimport {module}"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("package", "name"), COMMANDS)
def test_every_command_shows_its_options_in_groups_on_a_narrow_terminal(
    command, package, name, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "80")
    main = import_module(f"{package}.commands.cli").main
    code, short, _ = command(main, name, "-h")
    assert code == 0
    assert (code, short) == command(main, name, "--help")[:2]
    assert max(map(len, short.splitlines())) <= 80
    boxes = dict(box.split(" ", 1) for box in short.split("╭─ ")[1:])
    assert re.findall(r"^│[ *]*(--[\w-]+)", boxes.pop("Options"), re.M) == ["--help"]
    assert boxes


def test_the_ground_floor_says_which_programs_there_are():
    about = ran("roa_circuit")
    assert about.returncode == 0
    assert all(f"\n{name} " in about.stdout for name in PROGRAMS)
    assert all(f"python -m {package}\n" in about.stdout for package in PROGRAMS.values())
    version = importlib.metadata.version("roa-circuit")
    assert ran("roa_circuit", "--version").stdout == f"roa-circuit {version}\n"
    wrong = ran("roa_circuit", "fit")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
