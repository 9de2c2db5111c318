"""The guide for everybody: axe finds nothing serious on its pages, light or dark."""

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.xdist_group("guide")]

PAGES = ("index", "equations", "reference/roa_circuit/circuit", "tutorials/own_law")


def serious(browser, site, scheme, pages):
    """(page, rule, element) of what keeps somebody out.

    One tab after the other, as loading axe takes longer than its rules.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    tab, found = context.new_page(), []
    for name in pages:
        tab.goto((site / f"{name}.html").as_uri())
        shown = {"light": "default", "dark": "slate"}[scheme]
        tab.wait_for_function(f"document.body.dataset.mdColorScheme === '{shown}'")
        tab.add_style_tag(content="* { transition: none !important; animation: none !important }")
        for one in Axe().run(tab).response["violations"]:
            if one["impact"] in {"serious", "critical"}:
                found += [(name, one["id"], node["target"]) for node in one["nodes"]]
    context.close()
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser, guide_site, scheme):
    assert serious(browser, guide_site, scheme, PAGES) == []


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(browser, guide_site, scheme):
    pages = [path.relative_to(guide_site).with_suffix("") for path in guide_site.rglob("*.html")]
    assert len(pages) > 60
    assert serious(browser, guide_site, scheme, [p for p in pages if p.name != "404"]) == []
