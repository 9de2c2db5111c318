"""The guide: it builds without a warning, asks the network for nothing, and leaves out no command."""

import html
import re
from importlib import import_module
from pathlib import Path

import pytest
from typer.main import get_command

pytestmark = pytest.mark.xdist_group("guide")

ROOT = Path(__file__).parents[2]
PROGRAMS = {
    "roa-fit": "fitting.commands.cli",
    "roa-spice": "netlists.commands.cli",
    "roa-meta": "meta.commands.cli",
}
COMMANDS = [
    (program, name, command)
    for program, module in PROGRAMS.items()
    for name, command in get_command(import_module(module).app).commands.items()
]


def test_no_page_asks_for_anything_from_elsewhere(guide_site):
    pages = list(guide_site.rglob("*.html"))
    assert len(pages) > 25
    fetched = re.compile(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=\"?(?:https?:)?//[^\"> ]*", re.I)
    assert [found for page in pages for found in fetched.findall(page.read_text("utf-8"))] == []
    styles = "".join(sheet.read_text("utf-8") for sheet in guide_site.rglob("*.css"))
    assert re.findall(r"url\(['\"]?(?:https?:)?//[^)]*|@import[^;]*//[^;]*", styles) == []


@pytest.mark.parametrize(
    ("program", "name", "command"), COMMANDS, ids=[f"{p} {n}" for p, n, _ in COMMANDS]
)
def test_every_command_and_option_is_in_the_reference_and_says_what_it_is(
    guide_site, program, name, command
):
    page = (guide_site / "reference" / f"{program}.html").read_text("utf-8")
    section = page.split(f'id="{program}-{name}"')[1].split("<h2")[0]
    assert command.help, f"{program} {name} has no docstring"
    for parameter in command.params:
        if parameter.param_type_name == "option" and parameter.name != "help":
            assert f"<code>{parameter.opts[0]}</code>" in section
            assert parameter.help, f"{program} {name} {parameter.opts[0]} has no help"


def test_files_that_pages_include_are_on_them(guide_site):
    found = {page: page.read_text("utf-8") for page in (ROOT / "docs").rglob("*.md")}
    assert [page.name for page, text in found.items() if "8 <" in text] == []
    included = [
        (page, ROOT / name)
        for page, text in found.items()
        for name in re.findall(r'^--8<-- "(examples/\w+\.py)"', text, re.M)
    ]
    assert len(included) >= 7
    for page, path in included:
        built = guide_site / page.relative_to(ROOT / "docs").with_suffix(".html")
        text = html.unescape(re.sub(r"<[^>]+>", "", built.read_text("utf-8")))
        assert path.read_text("utf-8").splitlines()[0] in text


def test_equations_are_typeset_without_scripts(guide_site):
    page = (guide_site / "equations.html").read_text("utf-8")
    numbers = re.findall(r'<span class="number">\(([^)]*)\)</span>', page)
    assert numbers == ["1", "2", "3", "4, 5", "6", "7", "8", "9", "10", "11", "15", "17", "18"]
    assert page.count("<math") > len(numbers)
    left = [page.name for page in guide_site.rglob("*.html") if "arithmatex" in page.read_text("utf-8")]
    assert left == []


def test_what_a_package_names_is_in_the_python_reference(guide_site):
    """What `from package import *` gives is documented, where it is defined."""
    missing = []
    for package in ("roa_circuit", "fitting", "netlists", "meta"):
        pages = (guide_site / "reference" / package).glob("*.html")
        page = "".join(one.read_text("utf-8") for one in pages)
        for name in import_module(package).__all__:
            home = getattr(import_module(package), name)
            if f'id="{home.__module__}.{home.__qualname__}"' not in page:
                missing.append(f"{home.__module__}.{home.__qualname__}")
    assert missing == []


def test_every_page_has_a_place():
    """A page that nobody put into the navigation is found by nobody."""
    settings = (ROOT / "mkdocs.yml").read_text("utf-8")
    placed = set(re.findall(r"([\w/-]+\.md)$", settings, re.M))
    assert placed == {str(page.relative_to(ROOT / "docs")) for page in ROOT.glob("docs/**/*.md")}
