"""The house itself: directions of import, light imports, one place for all four packages."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = ("roa_circuit", "fitting", "netlists", "meta")
HEAVY = ("torch", "lmfit", "PySpice", "matplotlib", "pandas", "typer")


def test_all_four_packages_come_from_one_place():
    homes = {Path(importlib.import_module(name).__file__).parent.parent for name in PACKAGES}
    assert len(homes) == 1, f"a foreign package shadows ours: {homes}"


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_are_light(package):
    code = f"import {package}, sys; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


@pytest.mark.parametrize("command", ["fitting.commands.cli", "netlists.commands.cli"])
def test_commands_start_without_scipy(command):
    """Half a second each time, and most of that again for scipy.signal or scipy.stats."""
    code = f"import {command}, sys; print(*[m for m in sys.modules if m in ('scipy', 'numba')])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


def test_directions_of_import():
    linter = Path(sys.executable).with_name("lint-imports")
    root = Path(__file__).parents[3]
    result = subprocess.run(
        [linter, "--no-cache"], cwd=root, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout


def test_no_package_init_in_tests():
    assert not list(Path(__file__).parents[2].rglob("__init__.py"))
