"""The guide in a real browser: opened as files, it asks for nothing, fits a phone, and finds things."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("guide")]

PAGES = (
    "index",
    "tasks/fit",
    "reference/roa-spice",
    "reference/roa_circuit",
    "reference/roa_circuit/chips",
    "tutorials/my_classifier",
    "extending",
    "architecture",
)


@pytest.fixture
def visit(browser, guide_site):
    """Open a page; what it complains of, or asks of anywhere else, fails the test."""
    contexts = []

    def open_(name, width=1280):
        context = browser.new_context(viewport={"width": width, "height": 900})
        contexts.append((context, heard := []))
        tab = context.new_page()
        tab.on("console", lambda message: heard.append(message.text))
        tab.on("pageerror", lambda error: heard.append(str(error)))
        tab.on("request", lambda asked: heard.extend([asked.url] * asked.url.startswith("http")))
        tab.goto((guide_site / f"{name}.html").as_uri())
        return tab

    yield open_
    for context, heard in contexts:
        context.close()
        assert heard == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_phone(visit, name):
    tab = visit(name, width=375)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 375
    assert tab.locator("article h1").is_visible()


# The tab stops of tables, by whether they are wider than what shows of them.
TABLES = """() => [...document.querySelectorAll('.md-typeset__scrollwrap')].map(
  e => [e.scrollWidth > e.clientWidth, e.tabIndex])"""


def test_a_table_that_scrolls_is_reached_by_keyboard(visit):
    """axe found tables in no order of tabs, which a reader without a mouse could not scroll."""
    tab = visit("readout", width=375)
    tab.wait_for_function("document.querySelector('.md-typeset__scrollwrap[tabindex]')")
    found = tab.evaluate(TABLES)
    assert {wide for wide, _ in found} == {True, False}
    assert all((stop == 0) == wide for wide, stop in found)


def test_the_picture_is_there(visit):
    size = (
        visit("index")
        .locator('img[src$="pipeline.svg"]')
        .evaluate("e => [e.naturalWidth, e.clientWidth]")
    )
    assert min(size) > 500


BOX = """() => {
  const inside = (root) => [...root.querySelectorAll("*")].flatMap((e) =>
    [...(e.matches("input:not([type=checkbox], [type=radio])") ? [e.value] : []),
     ...(e.shadowRoot ? inside(e.shadowRoot) : [])]);
  return inside(document)[0];
}"""
"""What stands in the box for words to be found."""


def test_the_search_finds_an_option_without_a_server(visit):
    tab = visit("index")
    tab.wait_for_timeout(500)
    tab.keyboard.press("Control+k")
    tab.wait_for_timeout(500)
    for letter in "predistort":  # an answer to each must leave the box as it is
        tab.keyboard.press(letter)
        tab.wait_for_timeout(100)
    assert tab.evaluate(BOX) == "predistort"
    tab.get_by_text("results").first.wait_for(timeout=20000)
    assert tab.get_by_text("compensation", exact=False).count() > 0


def test_the_copy_button_takes_what_is_typed(visit):
    """No prompt, no output: a block that is pasted runs."""
    tab = visit("quickstart")
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    buttons = tab.locator("button[title*='opy']")
    buttons.first.wait_for()
    copied = []
    for index in range(buttons.count()):
        buttons.nth(index).click(force=True)
        copied.append(tab.evaluate("navigator.clipboard.readText()"))
    assert "roa-fit data/pulses.csv" in copied
    assert not [line for text in copied for line in text.splitlines() if line.startswith(("$", "…"))]
    assert "FITTED" not in "".join(copied)
