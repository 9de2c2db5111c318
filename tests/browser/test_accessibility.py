"""The guide for everybody: axe finds nothing serious on its pages, light or dark."""

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.xdist_group("guide")]

PAGES = ("index", "equations", "reference/roa_circuit/circuit", "tutorials/own_law")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser, guide_site, scheme):
    """One tab after the other, as loading axe takes longer than its rules."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    tab, serious = context.new_page(), []
    for name in PAGES:
        tab.goto((guide_site / f"{name}.html").as_uri())
        shown = {"light": "default", "dark": "slate"}[scheme]
        tab.wait_for_function(f"document.body.dataset.mdColorScheme === '{shown}'")
        tab.add_style_tag(content="* { transition: none !important; animation: none !important }")
        for found in Axe().run(tab).response["violations"]:
            if found["impact"] in {"serious", "critical"}:
                serious += [(name, found["id"], node["target"]) for node in found["nodes"]]
    context.close()
    assert serious == []
