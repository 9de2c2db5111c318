"""What all three programs understand: help, version, and completion."""

import importlib.metadata
import os
import subprocess
import sys

import pytest

PROGRAMS = {"roa-fit": "fitting", "roa-spice": "netlists", "roa-meta": "meta"}


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


@pytest.mark.parametrize(("begun", "whole"), [("ins", "inspect"), ("com", "compare")])
def test_a_shell_completes_commands(begun, whole):
    how = {"COMP_WORDS": f"roa-fit {begun}", "COMP_CWORD": "1", "_ROA_FIT_COMPLETE": "complete_bash"}
    program = [sys.executable, "-c", "import sys; sys.argv[0] = 'roa-fit'\nimport fitting.__main__"]
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
