"""Links of the guide lead somewhere, and dotted names in its text are modules or what stands in them."""

import re
from html import unescape
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

pytestmark = pytest.mark.xdist_group("guide")

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")]
PAGES += sorted((ROOT / "docs").rglob("*.md"))


def targets(html):
    """What the links of a page lead to, other sites apart."""
    for link in re.findall(r"<a\b[^>]*?\bhref=\"?([^\" >]+)", html):
        parts = urlsplit(unescape(link))
        if not parts.scheme and not parts.netloc:
            yield unquote(parts.path), unquote(parts.fragment)


def anchors(html):
    return set(re.findall(r"<[a-z0-9]+\b[^>]*?\b(?:id|name)=\"?([^\" >]+)", html)) | {"", "__top"}


def test_every_link_of_the_built_guide_leads_to_a_page_and_a_place_on_it(guide_site):
    pages = {path.resolve(): path.read_text("utf-8") for path in guide_site.rglob("*.html")}
    places = {path: anchors(text) for path, text in pages.items()}
    broken, followed = [], 0
    for page, text in pages.items():
        if page.name == "404.html":  # whose links start at the root of the site
            continue
        for path, fragment in targets(text):
            target = (page.parent / path).resolve() if path else page
            target = target / "index.html" if target.is_dir() else target
            followed += 1
            if not target.exists() or fragment not in places.get(target, {fragment}):
                broken.append(f"{page.relative_to(guide_site.resolve())}: {path}#{fragment}")
    assert followed > 1000
    assert sorted(set(broken)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_source_leads_to_a_file(page):
    """As seen from its folder; the two that the guide takes in from the root, from the guide's."""
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text("utf-8"))
    home = ROOT / "docs" if page.name in {"CHANGELOG.md", "CONTRIBUTING.md"} else page.parent
    assert [link for link in links if not (home / link).exists()] == []


def stands(name):
    """Whether a dotted name is a module or something in one."""
    module, rest = name, []
    while module:
        try:
            found = import_module(module)
        except ModuleNotFoundError:
            module, _, last = module.rpartition(".")
            rest.insert(0, last)
            continue
        for one in rest:
            found = getattr(found, one, None) or getattr(found, "__annotations__", {}).get(one)
            if found is None:
                return False
        return True
    return False


def test_every_dotted_name_in_the_text_is_there():
    pattern = r"`((?:roa_circuit|fitting|netlists|meta)(?:\.\w+)+)(?:\(.*?\))?`"
    named = {
        (page.name, name) for page in PAGES for name in re.findall(pattern, page.read_text("utf-8"))
    }
    assert len(named) > 15
    assert sorted(one for one in named if not stands(one[1])) == []
