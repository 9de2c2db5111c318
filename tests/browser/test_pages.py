"""The reports in a real browser: nothing is fetched, overflows, is empty or too faint to read."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest

import fitting.cli
import netlists.cli
from roa_circuit import drawing, page
from roa_circuit.results import write_text

pytestmark = [pytest.mark.browser, pytest.mark.ngspice]

PULSES = Path(__file__).parents[2] / "data" / "pulses.csv"
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
VIEWS = {
    "light": {"width": 1180, "color_scheme": "light"},
    "dark": {"width": 1180, "color_scheme": "dark"},
    "phone": {"width": 375, "color_scheme": "light"},
}


@pytest.fixture(scope="session")
def browser():
    """Chromium, as the system has it."""
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, NAMES)))
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="module")
def reports(tmp_path_factory, make_layer):
    """Where each page is, written once, by the command that makes it where there is one."""
    folder = tmp_path_factory.mktemp("reports")
    fitted, verified, odd = (folder / name / "report.html" for name in ("fit", "verify", "odd"))
    options = {"standalone_mode": False}
    fitting.cli.app([str(PULSES), "--output-dir", str(fitted.parent)], **options)
    make_layer(rows=12).save(folder / "layer.npz")
    how = ["verify", "--layer", str(folder / "layer.npz"), "--output-dir", str(verified.parent)]
    netlists.cli.app(how, **options)
    write_text(odd, odd_page().to_html())
    return {"fit": fitted, "verify": verified, "odd": odd}


def odd_page():
    """Everything a page can hold, with names as long as a file may give them."""
    long = "a_name_without_any_space_" * 20

    def paint(figure):
        drawing.dots(figure.subplots(), [1, 2], [3, 4], colour=drawing.VIOLET, label=drawing.plain(long))

    wide = drawing.draw(long, long, paint, size=(9.6, 3.0))
    parts = [
        page.paragraph(long), page.bullets([long]), page.facts([("input", long), (long, long)]),
        page.table((long, long), [(long, long)], caption=long), page.mark(long, "weak"),
        page.matrix([long, "b"], [[1.0, -1.0], [-1.0, 1.0]], caption=long),
        page.unfolding(long, page.paragraph(long)),
        page.side_by_side([page.figure(wide.inline(), long, wide=True), page.paragraph(long)]),
    ]  # fmt: skip
    sections = [page.Section(title=f"{i} {long}", parts=parts) for i in range(2)]
    return page.Page(
        command="roa-fit", title=long, verdict="failed", passed=False, lead=long,
        numbers=[(long, long, long)] * 3, sections=sections, footer=long,
    )  # fmt: skip


@pytest.fixture
def visit(browser, reports):
    """Open a report in a view; what it asks for or complains of fails the test."""
    contexts = []

    def open_(name, width=1180, color_scheme="light"):
        viewport = {"width": width, "height": 800}
        context = browser.new_context(viewport=viewport, color_scheme=color_scheme)
        contexts.append((context, heard := []))
        tab = context.new_page()
        tab.on("console", lambda message: heard.append(message.text))
        tab.on("pageerror", lambda error: heard.append(str(error)))
        tab.on("request", lambda request: heard.append(request.url))
        address = reports[name].as_uri()
        tab.goto(address)
        assert heard.pop(0) == address
        return tab

    yield open_
    for context, heard in contexts:
        context.close()
        assert heard == []


# A part that scrolls by itself may be wider; nothing else may leave the window.
OVERFLOWING = """() => [...document.querySelectorAll('body *')].filter(e =>
    !e.closest('svg *, .skip') && e.parentElement.closest('.scroll') === null
    && e.getBoundingClientRect().right > document.documentElement.clientWidth + 1
).map(e => e.tagName + '.' + e.className)"""


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", ["fit", "verify", "odd"])
def test_nothing_is_wider_than_the_window(visit, name, view):
    tab = visit(name, **VIEWS[view])
    assert tab.evaluate("document.documentElement.scrollWidth") == VIEWS[view]["width"]
    assert tab.evaluate(OVERFLOWING) == []


# (contrast, text) of every text, after WCAG 2.2: against the nearest ground that is not transparent.
CONTRASTS = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const pixel = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = colour => {
    const [r, g, b] = pixel(colour).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = e => {
    for (; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (pixel(colour)[3] === 255) return colour;
    }
    return 'white';
  };
  const result = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || e.closest('style, .skip')) continue;
    const style = getComputedStyle(e);
    const [a, b] = [light(e.closest('svg') ? style.fill : style.color), light(ground(e))];
    result.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), walk.currentNode.data.trim()]);
  }
  return result;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["fit", "verify"])
def test_every_text_can_be_read(visit, name, scheme):
    found = visit(name, color_scheme=scheme).evaluate(CONTRASTS)
    assert len(found) > 100
    assert [one for one in found if one[0] < 4.5] == []


def picture(png):
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(float)


def inked(png):
    """The share of pixels that differ from the ground, and how light that is."""
    pixels = picture(png)
    ground = np.median(pixels.reshape(-1, 3), axis=0)
    return np.mean(np.abs(pixels - ground).max(axis=2) > 40), ground.mean() / 255


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", ["fit", "verify"])
def test_no_figure_is_empty(visit, name, view):
    tab = visit(name, **VIEWS[view])
    figures = tab.locator("figure svg").all()
    assert len(figures) >= 5
    for one in figures:
        share, ground = inked(one.screenshot())
        assert 0.01 < share < 0.9  # maps fill most of theirs
        assert ground < 0.2 if view == "dark" else ground > 0.2


@pytest.mark.parametrize("name", ["fit", "verify"])
def test_paper_gets_everything_and_is_white(visit, name):
    tab = visit(name, color_scheme="dark")
    for one in tab.locator("figure svg").all():
        one.scroll_into_view_if_needed()
    tab.emulate_media(media="print")
    assert tab.locator("nav").is_hidden()
    assert all(part.is_visible() for part in tab.locator("details > .scroll table").all())
    share, ground = inked(tab.screenshot(full_page=True))
    assert 0.01 < share < 0.6
    assert ground > 0.99
    assert tab.pdf(format="A4").startswith(b"%PDF")


@pytest.mark.parametrize("name", ["fit", "verify"])
def test_the_keyboard_reaches_contents_and_tables_and_shows_where_it_is(visit, name):
    tab = visit(name, width=375)
    met = []
    for _ in range(60):
        tab.keyboard.press("Tab")
        met.append(tab.evaluate(
            "(e => [e.tagName, e.className, getComputedStyle(e).outlineStyle])(document.activeElement)"
        ))  # fmt: skip
    assert met[0] == ["A", "skip", "solid"]
    links, tables = tab.locator("nav a").count(), tab.locator("main .scroll").count()
    assert sum(tag == "A" for tag, *_ in met) >= links
    assert sum(kind == "scroll" for _, kind, _ in met) >= tables
    assert {outline for tag, _, outline in met if tag != "BODY"} == {"solid"}
