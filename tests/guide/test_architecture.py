"""The architecture page and CONTRIBUTING say what is so: paths, names, folders, order of floors."""

import re
import runpy
import tomllib
import xml.etree.ElementTree as ET
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text("utf-8")
PICTURE = ROOT / "docs/assets/architecture.svg"
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"][
    "contracts"
]
FLOORS = {c["containers"][0]: c["layers"][::-1] for c in CONTRACTS if c["type"] == "layers"}
PACKAGES = sorted(FLOORS)
TOPS = ("roa_circuit", "fitting", "netlists", "meta", "tests", "docs", "benchmarks")
SOURCES = "\n".join(path.read_text("utf-8") for name in PACKAGES for path in (ROOT / name).rglob("*.py"))


def paths(text):
    return [p for p in re.findall(r"`([\w./-]+)`", text) if "/" in p and p.split("/")[0] in TOPS]


@pytest.mark.parametrize(("page", "least"), [("docs/architecture.md", 80), ("CONTRIBUTING.md", 12)])
def test_every_path_on_the_page_exists(page, least):
    found = paths((ROOT / page).read_text("utf-8"))
    assert len(found) >= least
    assert [path for path in found if not (ROOT / path).exists()] == []


def test_every_name_is_defined_in_the_file_it_is_said_to_be_in():
    said = re.findall(r"((?:`\w+`(?: and )?)+) (?:in|of)\s`([\w/]+\.py)`", PAGE)
    assert len(said) > 20
    for names, path in said:
        source = (ROOT / path).read_text("utf-8")
        for name in re.findall(r"\w+", names.replace(" and ", " ")):
            assert re.search(rf"^ *(?:def|class) {name}\b|^{name}(?:: .+)? =", source, re.M), (
                f"{path}: {name}"
            )


def test_every_class_on_the_page_is_in_the_code():
    names = set(re.findall(r"`([A-Z][a-z]\w+)`", PAGE))
    assert {"Measurements", "Deck", "Verification", "Adapted", "Episode"} <= names
    assert [name for name in names if not re.search(rf"^class {name}\b", SOURCES, re.M)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_the_table_has_every_folder_in_the_order_of_floors_and_its_own_words(package):
    rows = re.findall(rf"^\| `{package}/(\w+)` \| (.+) \|$", PAGE, re.M)
    assert [name for name, _ in rows] == FLOORS[package]
    for name, purpose in rows:
        said = import_module(f"{package}.{name}").__doc__.split("\n\n")[0].split(": ", 1)[1]
        assert purpose.lower() == said.strip().lower()


def texts():
    """(text, x, y) of everything that is written in the picture."""
    svg = ET.fromstring(PICTURE.read_text("utf-8"))
    return [
        (one.text, float(one.get("x")), float(one.get("y")))
        for one in svg.iter("{http://www.w3.org/2000/svg}text")
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_the_picture_has_every_floor_in_its_place(package):
    [(_, left, top)] = [found for found in texts() if found[0] == package]
    below = [(y, text) for text, x, y in texts() if 0 <= x - left < 20 and y > top]
    names = [text for _, text in sorted(below, reverse=True) if text in FLOORS[package]]
    if package != "roa_circuit":  # the ground floor goes on below the first tower
        names = names[-len(FLOORS[package]) :]
    assert names == FLOORS[package]


def test_picture_and_table_are_what_the_script_makes():
    """After a change of contracts or docstrings: python .ci/architecture.py"""
    script = runpy.run_path(str(ROOT / ".ci/architecture.py"))
    built = script["house"]()
    assert PICTURE.read_text("utf-8") == script["picture"](built)
    assert script["page"](PAGE, built) == PAGE
    assert built.doors == [
        ("netlists.commands", "meta.circuits"),
        ("meta.circuits", "netlists.verification"),
    ]
