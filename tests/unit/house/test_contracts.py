"""The contracts of imports are seen to catch what they forbid, in copies that break them."""

import itertools
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.long  # copies are linted; test_house.py lints the packages

ROOT = Path(__file__).parents[3]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
FLOORS = {
    contract["containers"][0]: contract["layers"]
    for contract in SETTINGS["contracts"]
    if contract["type"] == "layers"
}
PACKAGES = SETTINGS["root_packages"]


@pytest.fixture
def copied(tmp_path):
    """The packages and their contracts, free to be broken."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def plant(folder, module, statement):
    """Add a line to a folder's `__init__`; gives its number."""
    file = folder.joinpath(*module.split("."), "__init__.py")
    text = file.read_text(encoding="utf-8").rstrip("\n") + f"\n{statement}\n"
    file.write_text(text, encoding="utf-8")
    return text.count("\n")


def lint(folder):
    """(exit code, what it says) in a folder."""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_every_package_has_floors():
    assert sorted(FLOORS) == sorted(PACKAGES)


def test_a_copy_that_nobody_broke_is_kept(copied):
    """What the other tests find is what they planted."""
    code, said = lint(copied)
    assert code == 0, said
    assert "0 broken" in said


def test_imports_of_the_floor_above_are_named(copied):
    """From every floor of every package but the top one, each with its line."""
    stairs = [
        (f"{package}.{low}", f"{package}.{high}")
        for package, floors in FLOORS.items()
        for high, low in itertools.pairwise(floors)
    ]
    lines = [plant(copied, low, f"import {high}") for low, high in stairs]
    code, said = lint(copied)
    assert code == 1
    assert all(f"floors of {package} BROKEN" in said for package in PACKAGES)
    for (low, high), line in zip(stairs, lines, strict=True):
        assert f"{low} is not allowed to import {high}:\n\n- {low} -> {high} (l.{line})" in said


def test_folders_that_no_contract_lists_are_named(copied):
    for package in PACKAGES:
        (copied / package / "attic").mkdir()
        (copied / package / "attic" / "__init__.py").touch()
    code, said = lint(copied)
    assert code == 1
    for package in PACKAGES:
        assert f"not listed as layers:\n\n- {package}.attic" in said


BETWEEN = {
    "roa_circuit.solver": ["fitting", "netlists", "meta", "torch", "lmfit", "PySpice", "matplotlib"],
    "roa_circuit.basics": ["typer", "rich", "pandas"],
    "fitting.model": ["netlists", "meta", "torch", "typer", "rich"],
    "netlists.decks": ["fitting", "meta", "torch", "typer", "rich"],
    "meta.network": ["fitting", "netlists", "typer", "rich"],
}


def test_imports_between_packages_are_named(copied):
    lines = {
        (module, other): plant(copied, module, f"import {other}")
        for module, others in BETWEEN.items()
        for other in others
    }
    code, said = lint(copied)
    assert code == 1
    for (module, other), line in lines.items():
        assert f"{module} -> {other} (l.{line})" in said


HIDDEN = (
    "def late():\n    {}",
    "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    {}",
)
"""Where an import may hide from whoever reads the head of a module."""


def test_hidden_imports_of_the_floor_above_are_named(copied):
    planted = {}
    for low in ("roa_circuit.device", "meta.network"):
        package, floor = low.split(".")
        high = f"{package}.{FLOORS[package][FLOORS[package].index(floor) - 1]}"
        planted[low, high] = [plant(copied, low, way.format(f"import {high}")) for way in HIDDEN]
    code, said = lint(copied)
    assert code == 1
    for (low, high), lines in planted.items():
        assert f"{low} is not allowed to import {high}" in said
        assert f"{low} -> {high} (l.{lines[0]}, l.{lines[1]})" in said


def test_an_import_through_the_short_list_of_a_package_is_named(copied):
    """Its names come from every floor, so it would lead upwards unseen."""
    ways = [
        ("roa_circuit.solver", "{}", "roa_circuit", "Chip"),
        ("fitting.model", HIDDEN[0], "fitting", "fit_device"),
        ("netlists.decks", HIDDEN[1], "netlists", "verify"),
        ("meta.network", HIDDEN[0], "roa_circuit", "load_device"),
    ]
    lines = [
        plant(copied, module, way.format(f"from {package} import {name}"))
        for module, way, package, name in ways
    ]
    code, said = lint(copied)
    assert code == 1
    assert "short lists are for users" in said
    for (module, _, package, _), line in zip(ways, lines, strict=True):
        assert f"- {module} -> {package} (l.{line})" in " ".join(said.split())


def test_two_files_of_a_folder_that_import_each_other_are_named(copied):
    """Floors hold between folders; within one, nothing may go round."""
    (copied / "roa_circuit" / "basics" / "chicken.py").write_text("import roa_circuit.basics.egg\n")
    (copied / "roa_circuit" / "basics" / "egg.py").write_text("import roa_circuit.basics.chicken\n")
    code, said = lint(copied)
    assert code == 1
    assert "No cycles are allowed in roa_circuit.basics" in said
    assert "- .chicken -> .egg (1 import)" in said or "- .egg -> .chicken (1 import)" in said
