"""The reports in a real browser: nothing is fetched, overflows, is empty or too faint to read."""

import csv

import numpy as np
import pytest
from looking import OVERLAPPING, VIEWS, inked, picture

pytestmark = [pytest.mark.browser, pytest.mark.ngspice, pytest.mark.xdist_group("reports")]

# A part that scrolls by itself may be wider; nothing else may leave the window.
OVERFLOWING = """() => [...document.querySelectorAll('body *')].filter(e =>
    !e.closest('svg *, .skip') && e.parentElement.closest('.scroll') === null
    && e.getBoundingClientRect().right > document.documentElement.clientWidth + 1
).map(e => e.tagName + '.' + e.className)"""


@pytest.mark.parametrize("view", ["light", "phone"])
@pytest.mark.parametrize(
    "name", ["fit", "verify", "sweep", pytest.param("drawn", marks=pytest.mark.slow), "odd"]
)
def test_nothing_is_wider_than_the_window(looked_at, name, view):
    tab = looked_at(name, **VIEWS[view])
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


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        ("fit", "dark"),
        ("verify", "light"),
        pytest.param("fit", "light", marks=pytest.mark.slow),
        pytest.param("verify", "dark", marks=pytest.mark.slow),
    ],
)
def test_every_text_can_be_read(looked_at, name, scheme):
    found = looked_at(name, **VIEWS[scheme]).evaluate(CONTRASTS)
    assert len(found) > 100
    assert [one for one in found if one[0] < 4.5] == []


@pytest.mark.parametrize(
    ("name", "view"),
    [
        ("fit", "light"),
        ("fit", "dark"),
        ("verify", "phone"),
        pytest.param("fit", "phone", marks=pytest.mark.slow),
        pytest.param("verify", "light", marks=pytest.mark.slow),
        pytest.param("verify", "dark", marks=pytest.mark.slow),
    ],
)
def test_no_figure_is_empty_where_no_scripts_run(looked_at, name, view):
    tab = looked_at(name, **VIEWS[view], java_script_enabled=False)
    assert "where JavaScript runs" in tab.inner_text("noscript p")
    assert tab.locator(".plot").count() == 0
    figures = tab.locator("figure svg").all()
    assert len(figures) >= 5
    for one in figures:
        share, ground = inked(one.screenshot())
        assert 0.01 < share < 0.9, one.get_attribute("aria-label")  # maps fill most of theirs
        assert ground < 0.2 if view == "dark" else ground > 0.2


@pytest.mark.parametrize("name", [pytest.param("fit", marks=pytest.mark.slow), "verify"])
def test_paper_gets_everything_and_is_white(visit, name):
    tab = visit(name, color_scheme="dark")
    tab.emulate_media(media="print")
    assert tab.locator("nav").is_hidden()
    assert all(plot.is_hidden() for plot in tab.locator(".plot").all())
    assert all(still.is_visible() for still in tab.locator(".still svg").all())
    assert all(part.is_visible() for part in tab.locator("details > .scroll table").all())
    share, ground = inked(tab.screenshot(full_page=True))
    assert 0.01 < share < 0.6
    assert ground > 0.99
    assert tab.pdf(format="A4").startswith(b"%PDF")


@pytest.mark.parametrize("name", ["fit", pytest.param("verify", marks=pytest.mark.slow)])
def test_the_keyboard_reaches_contents_and_tables_and_shows_where_it_is(visit, name):
    tab = visit(name, width=375)
    met = []
    for _ in range(60):
        tab.keyboard.press("Tab")
        met.append(tab.evaluate(
            "(e => [e.tagName, e.className, getComputedStyle(e).outlineStyle])(document.activeElement)"
        ))  # fmt: skip
    assert met[0] == ["A", "skip", "solid"]
    links, tables = tab.locator("nav a").count(), tab.locator("main .scroll:visible").count()
    assert sum(tag == "A" for tag, *_ in met) >= links
    assert sum(kind == "scroll" for _, kind, _ in met) >= tables
    assert sum("plot" in kind.split() for _, kind, _ in met) >= tab.locator(".plot").count() >= 2
    assert {outline for tag, _, outline in met if tag != "BODY"} == {"solid"}


def test_a_table_is_saved_as_csv_though_the_page_runs_and_asks_for_nothing(visit):
    tab = visit("fit")
    with tab.expect_download() as waiting:
        tab.locator("a.csv").first.press("Enter")
    text = waiting.value.path().read_text(encoding="utf-8-sig")
    rows = list(csv.reader(text.splitlines()))
    assert waiting.value.suggested_filename == "the-constants-of-eq-1-2.csv"
    assert rows[0][:3] == ["parameter", "value", "stderr"]
    assert rows[1][0] == "k [1/s]"
    assert float(rows[1][1]) == pytest.approx(1e-4, rel=0.1)


@pytest.mark.parametrize("view", ["light", "phone"])
def test_a_figure_is_enlarged_by_keyboard_and_its_points_come_apart(visit, view):
    tab = visit("fit", **VIEWS[view], java_script_enabled=False)
    figure = tab.locator("figure.wide").first
    width = "e => e.getBoundingClientRect().width"
    before, dots = figure.locator("svg").evaluate(width), figure.locator("svg").screenshot()
    figure.get_by_label("enlarge").press("Space")
    assert figure.locator("svg").evaluate(width) > 2.4 * before
    assert tab.evaluate("document.documentElement.scrollWidth") == VIEWS[view]["width"]
    assert tab.evaluate(OVERFLOWING) == []
    share = inked(figure.locator("svg").screenshot())[0]
    assert 0.001 < share < 0.7 * inked(dots)[0]  # lines and dots are as thick as before
    tab.emulate_media(media="print")
    assert figure.get_by_label("enlarge").is_hidden()
    assert figure.locator("svg").evaluate(width) < 1.01 * VIEWS[view]["width"]


@pytest.mark.parametrize(
    ("name", "view", "plots"),
    [
        pytest.param("sweep", "light", 3, marks=pytest.mark.slow),
        ("sweep", "dark", 3),
        ("sweep", "phone", 3),
        ("drawn", "light", 4),
    ],
)
def test_plots_are_drawn_in_the_colours_of_the_page_and_no_texts_overlap(looked_at, name, view, plots):
    tab = looked_at(name, **VIEWS[view])
    assert tab.locator(".plot").count() == plots  # curves, map, tornado; and Sobol' indices
    for plot in tab.locator(".plot").all():
        pixels = picture(plot.screenshot())
        ground = pixels[2, 2]
        assert 0.005 < np.mean(np.abs(pixels - ground).max(axis=2) > 40) < 0.95
        assert ground.mean() < 50 if view == "dark" else ground.mean() > 230
    assert tab.evaluate(OVERLAPPING) == []


def test_filters_change_the_plots_and_the_command(visit):
    tab = visit("sweep")
    shown = [plot.screenshot() for plot in tab.locator("#curves, #map").all()]
    command = tab.inner_text("#command")
    for name, choice in (
        ("metric", "3"),
        ("along", "1"),
        ("by", "0"),
        ("sigma_wn", "2"),
        ("scheme", "1"),
    ):
        tab.select_option(f"select[name={name}]", choice)
    now = [plot.screenshot() for plot in tab.locator("#curves, #map").all()]
    assert all(np.abs(picture(a) - picture(b)).max() > 50 for a, b in zip(shown, now, strict=True))
    assert "--vary sigma_wn=4 --vary scheme=V/3" in tab.inner_text("#command") != command
    assert "σ_WN 4, scheme V/3" in tab.inner_text("#chosen")
    tab.select_option("select[name=adc_range]", "0")
    tab.select_option("select[name=adc_bits]", "1")
    assert "adc_bits needs adc_range" in tab.inner_text("#chosen")  # a failed point says why


def test_filters_leave_a_part_of_drawn_points(visit):
    tab = visit("drawn")
    assert tab.locator("#curves .scatterlayer .point").count() == 17  # and the ring
    tab.select_option("select[name=sigma_wn]", "1")
    assert 3 <= tab.locator("#curves .scatterlayer .point").count() <= 8


def test_a_click_in_a_plot_chooses_its_point_and_the_pointer_is_told_the_configuration(visit):
    from playwright.sync_api import expect

    tab = visit("sweep")
    tab.locator("#map").scroll_into_view_if_needed()
    cells = tab.locator("#map .nsewdrag").bounding_box()
    tab.mouse.click(cells["x"] + 0.9 * cells["width"], cells["y"] + 0.1 * cells["height"])
    expect(tab.locator("#command")).to_contain_text("--vary wire_resistance=1000 --vary sigma_wn=4")
    tab.mouse.move(cells["x"] + 0.1 * cells["width"], cells["y"] + 0.9 * cells["height"], steps=9)
    told = tab.locator("#map .hoverlayer")  # of a cell on the way, until the pointer has come to rest
    expect(told).to_contain_text("wire resistance: 1 Ω", timeout=20_000)
    expect(told).to_contain_text("adc bits: 0")


def test_a_sweep_is_used_by_keyboard_and_printed_on_white(visit):
    tab = visit("sweep", color_scheme="dark")
    command = tab.inner_text("#command")
    tab.focus("select[name=sigma_wn]")
    tab.keyboard.press("ArrowDown")
    assert tab.inner_text("#command") != command
    tab.emulate_media(media="print")
    tab.wait_for_selector("html.paper")
    assert tab.locator("#controls").is_hidden()
    share, ground = inked(tab.screenshot(full_page=True))
    assert 0.01 < share < 0.6
    assert ground > 0.99
    assert tab.evaluate(OVERLAPPING) == []
    assert tab.pdf(format="A4").startswith(b"%PDF")
