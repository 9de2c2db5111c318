"""The house itself: directions of import, light imports, one place for all four packages."""

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
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


@pytest.mark.long
@pytest.mark.parametrize("command", ["fitting.commands.cli", "netlists.commands.cli"])
def test_commands_start_without_scipy(command):
    """Half a second each time, and most of that again for scipy.signal or scipy.stats."""
    code = f"import {command}, sys; print(*[m for m in sys.modules if m in ('scipy', 'numba')])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


@pytest.mark.long
def test_directions_of_import():
    linter = Path(sys.executable).with_name("lint-imports")
    root = Path(__file__).parents[3]
    result = subprocess.run(
        [linter, "--no-cache"], cwd=root, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout


def test_no_package_init_in_tests():
    assert not list(Path(__file__).parents[2].rglob("__init__.py"))


MOST_ARGUMENTS = 8


def arguments(function):
    """How many arguments a function takes, `self` and `cls` apart."""
    a = function.args
    named = [one.arg for one in (*a.posonlyargs, *a.args, *a.kwonlyargs)]
    return len([name for name in named if name not in {"self", "cls"}]) + bool(a.vararg) + bool(a.kwarg)


def is_exempt(path, function):
    """A command, which has the name of its module and an argument for each option, or a kernel."""
    compiled = any("njit" in ast.unparse(decorator) for decorator in function.decorator_list)
    return compiled or (path.parent.name == "commands" and function.name == path.stem)


@pytest.mark.long
@pytest.mark.parametrize("package", PACKAGES)
def test_arguments_that_travel_together_are_records(package):
    folder = Path(importlib.import_module(package).__file__).parent
    functions = [
        (path, node)
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert len(functions) > 100
    long = [
        f"{path.relative_to(folder)}: {node.name} takes {arguments(node)}"
        for path, node in functions
        if arguments(node) > MOST_ARGUMENTS and not is_exempt(path, node)
    ]
    assert long == []


LONGER = {
    "roa_circuit/solver/_kernels.py": 550,  # one call graph, whose translation numba keeps by file
    "roa_circuit/device/laws/table.py": 500,
    "roa_circuit/device/laws/formula_law.py": 450,
}


@pytest.mark.parametrize("package", PACKAGES)
def test_modules_are_no_longer_than_a_reader_keeps_in_mind(package):
    for file in sorted((ROOT / package).rglob("*.py")):
        name, lines = file.relative_to(ROOT).as_posix(), len(file.read_text("utf-8").splitlines())
        assert lines <= LONGER.get(name, 400), name


@pytest.mark.parametrize("package", PACKAGES)
def test_folders_hold_no_more_than_one_sees_at_a_glance(package):
    for folder in (ROOT / package, *(ROOT / package).rglob("*/")):
        modules = [file for file in folder.glob("*.py") if file.name != "__init__.py"]
        assert len(modules) <= 22, folder


def test_one_version_is_packed_cited_and_described():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    titles = re.findall(r"^## (.*)$", changes, re.M)
    assert titles[0] == "Unreleased"
    newest, _, date = titles[1].partition(" – ")
    assert newest == version
    assert re.search(r"^version: (.*)$", cited, re.M)[1] == version
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", date)
    assert re.search(r"^date-released: (.*)$", cited, re.M)[1] == date
