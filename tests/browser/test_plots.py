"""Plots of reports in a real browser: what they tell, how they zoom, and that nothing is sent."""

import csv
import io

import numpy as np
import pytest
from embedded import table_of
from looking import MARKUP, OVERLAPPING, PULSES, VIEWS, inked, opened

from roa_circuit.basics.units import engineering

pytestmark = [pytest.mark.browser, pytest.mark.ngspice, pytest.mark.xdist_group("reports")]


# Where a point of a plot is in the window: (figure, trace, index) gives [x, y].
PLACE = """([name, curve, index]) => {
  const plot = document.getElementById('plot-' + name), trace = plot._fullData[curve];
  const [x, y] = ['x', 'y'].map(a => plot._fullLayout[a + 'axis' + trace[a + 'axis'].slice(1)]);
  const map = trace.type === 'heatmap', box = plot.getBoundingClientRect();
  const [i, j] = map ? index : [index, index];
  const [across, down] = map ? [j, i] : [trace.x[i], trace.y[i]];
  return [box.x + x._offset + x.d2p(across), box.y + y._offset + y.d2p(down)];
}"""


def point_at(tab, name, curve, index):
    """Move the pointer to a point, and give what is told there, a line each."""
    tab.locator(f"[id='plot-{name}']").scroll_into_view_if_needed()
    x, y = tab.evaluate(PLACE, [name, curve, index])
    tab.mouse.move(x - 3, y)
    tab.mouse.move(x, y, steps=3)
    label = tab.locator(f"[id='plot-{name}'] .hoverlayer .hovertext")
    label.first.wait_for()
    return label.first.locator("tspan").all_text_contents() or label.all_text_contents()


def range_of(tab, name, axis="xaxis"):
    return tab.evaluate(f"document.getElementById('plot-{name}')._fullLayout.{axis}.range")


def test_pointing_at_a_reading_tells_its_train_pulse_value_fit_and_misfit(visit, reports):
    told = table_of(reports["fit"].read_text(), "readings")
    tab = visit("fit")
    row = told["train"].index("ramp 1") + 4  # on its steep rise, where no other is as near
    lines = point_at(tab, "trains", 1, row)  # measured, which lies over the line of the fit
    assert lines[0] == f"train: {told['train'][row]}"
    assert lines[1:3] == [f"reading: {told['reading'][row]}", f"after pulse: {told['after pulse'][row]}"]
    said = dict(line.split(": ") for line in lines)
    for title in ("measured", "fitted"):
        assert said[title].replace("\u00a0", " ") == engineering(told[title][row], "S", digits=5)
    assert said["misfit"] == f"{told['misfit'][row]:.3g}\u00a0%".replace("-", "−")
    source = PULSES.read_text().splitlines()[told["line of the file"][row] - 1].split(",")
    assert source[0] == told["train"][row]
    assert float(source[4]) == pytest.approx(told["measured"][row])


def test_pointing_at_currents_and_states_tells_both_engines_and_their_difference(visit, reports):
    name = "synthetic--currents"
    told = table_of(reports["verify"].read_text(), name)
    tab = visit("verify")
    lines = point_at(tab, name, 0, 3)
    row = lines_row(lines, told)
    titles = {line.split(": ")[0] for line in lines}
    assert {"surrogate", "ngspice", "difference", "relative error"} <= titles
    assert f"surrogate: {1e6 * told['surrogate'][row]:.5g}\u00a0µA" in lines
    states = table_of(reports["verify"].read_text(), "synthetic--states")
    lines = point_at(tab, "synthetic--states", 2, [1, 4])
    assert lines[:2] in (["row: 1", "column: 4"], ["row: 4", "column: 1"])
    row = lines_row(lines, states)
    before = float(f"{states['ω before'][row]:.5g}")
    assert f"ω before: {before}" in lines
    assert any(line.startswith("difference: ") for line in lines)


def lines_row(lines, told):
    """The row of a table whose place these lines tell."""
    said = dict(line.split(": ") for line in lines)
    here = [told[key] == int(said[key]) for key in ("read", "row", "column") if key in said]
    (row,) = np.flatnonzero(np.all(here, axis=0))
    return row


def test_dragging_zooms_and_a_double_click_shows_all_again(visit):
    tab = visit("fit")
    plot = tab.locator("#plot-trains")
    plot.scroll_into_view_if_needed()
    before, box = range_of(tab, "trains"), plot.locator(".nsewdrag").first.bounding_box()
    tab.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.2 * box["height"])
    tab.mouse.down()
    tab.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.8 * box["height"], steps=5)
    tab.mouse.up()
    wait_for_range(tab, "trains", lambda low, high: high - low < 0.25 * (before[1] - before[0]))
    assert tab.evaluate("document.getElementById('plot-trains')._fullLayout.xaxis2.range") == range_of(
        tab, "trains"
    )  # the misfits below follow
    tab.mouse.dblclick(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    wait_for_range(tab, "trains", lambda low, high: [low, high] == pytest.approx(before))


def wait_for_range(tab, name, holds):
    for _ in range(100):
        if holds(*range_of(tab, name)):
            return
        tab.wait_for_timeout(50)
    pytest.fail(f"the axis shows {range_of(tab, name)}")


def test_a_plot_is_read_and_zoomed_by_keyboard(visit, reports):
    from playwright.sync_api import expect

    told = table_of(reports["fit"].read_text(), "readings")
    tab = visit("fit")
    heard = tab.locator("figure[data-plot=trains] .heard")
    whole = range_of(tab, "trains")
    tab.focus("#plot-trains")
    for key, row in (("ArrowRight", 0), ("ArrowRight", 1), ("ArrowLeft", 0)):
        tab.keyboard.press(key)
        expect(heard).to_contain_text(f"reading: {told['reading'][row]}; ")
    tab.keyboard.press("End")
    last = [i for i, value in enumerate(told["measured"]) if np.isfinite(value)][-1]
    expect(heard).to_contain_text(f"train: {told['train'][last]}; reading: {told['reading'][last]}; ")
    assert tab.locator("#plot-trains .hovertext").count() == 1
    for _ in range(3):
        tab.keyboard.press("+")
    wait_for_range(tab, "trains", lambda low, high: high - low < 0.13 * (whole[1] - whole[0]))
    low, high = range_of(tab, "trains")
    assert whole[0] <= low < last_place(tab) < high <= whole[1]
    tab.keyboard.press("Home")  # which brings the first reading back into sight
    wait_for_range(tab, "trains", lambda low, high: low == pytest.approx(whole[0]))
    tab.keyboard.press("0")
    wait_for_range(tab, "trains", lambda low, high: [low, high] == pytest.approx(whole))
    tab.keyboard.press("Escape")
    expect(heard).to_be_empty()
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.id") != "plot-trains"


def last_place(tab):
    """Of the measured readings of trains."""
    return tab.evaluate("document.getElementById('plot-trains')._fullData[1].x.at(-1)")


def test_a_map_is_read_cell_by_cell_by_keyboard(visit):
    from playwright.sync_api import expect

    tab = visit("verify")
    heard = tab.locator("figure[data-plot='synthetic--states'] .heard")
    tab.focus("[id='plot-synthetic--states']")
    tab.keyboard.press("ArrowRight")
    expect(heard).to_contain_text("row: 0; column: 0; ω before: ")
    tab.keyboard.press("ArrowDown")
    first = heard.text_content()
    tab.keyboard.press("ArrowUp")
    tab.keyboard.press("ArrowRight")
    assert {first.split("; ω")[0], heard.text_content().split("; ω")[0]} == {
        "row: 0; column: 1",
        "row: 1; column: 0",
    }


def test_the_points_of_a_plot_are_saved_as_csv(visit, reports):
    told = table_of(reports["fit"].read_text(), "readings")
    tab = visit("fit")
    with tab.expect_download() as waiting:
        tab.locator("figure[data-plot=trains] button.points").press("Enter")
    assert waiting.value.suggested_filename == "readings.csv"
    text = waiting.value.path().read_text(encoding="utf-8")
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    head = [title.partition(" [")[0] for title in rows[0]]
    assert head == [title for title in told if title]
    assert "measured [S]" in rows[0]
    column = head.index("measured")
    saved = [float(row[column]) if row[column] else np.nan for row in rows[1:]]
    np.testing.assert_allclose(saved, told["measured"], rtol=2e-7)
    assert [row[0] for row in rows[1:]] == told["train"]


@pytest.mark.parametrize(
    ("name", "view", "least"),
    [
        ("fit", "light", 2),
        ("fit", "dark", 2),
        ("fit", "phone", 2),
        ("verify", "light", 5),
        pytest.param("verify", "dark", 5, marks=pytest.mark.slow),
        ("verify", "phone", 5),
    ],
)
def test_plots_stand_in_place_of_figures_in_the_page_s_colours(looked_at, name, view, least):
    tab = looked_at(name, **VIEWS[view])
    figures = tab.locator("figure[data-plot]").all()
    assert len(figures) >= least
    for one in figures:
        assert one.locator(".still").is_hidden()
        share, ground = inked(one.locator(".plot").screenshot())
        assert 0.002 < share < 0.9, one.get_attribute("data-plot")
        assert ground < 0.2 if view == "dark" else ground > 0.9
        assert one.locator("figcaption").is_visible()
    assert tab.evaluate(OVERLAPPING) == []


def test_plots_follow_when_the_colours_of_the_page_change(visit):
    tab = visit("fit")
    plot = tab.locator("#plot-current-voltage")
    assert inked(plot.screenshot())[1] > 0.9
    tab.emulate_media(color_scheme="dark")
    tab.wait_for_timeout(500)
    share, ground = inked(plot.screenshot())
    assert ground < 0.2
    assert share > 0.002


@pytest.mark.parametrize("name", ["fit", "verify", "sweep"])
def test_no_button_sends_a_plot_anywhere(looked_at, name):
    """plotly offers to upload a plot to its makers."""
    tab = looked_at(name, **VIEWS["light"])
    names = [one.get_attribute("data-title") for one in tab.locator(".modebar-btn").all()]
    assert {"Zoom in", "Zoom out"} <= set(names)
    assert not [one for one in names if "share" in one.lower() or "cloud" in one.lower()]


def test_names_from_files_are_text_in_plots_too(visit):
    tab = visit("odd")
    lines = point_at(tab, "odd", 1, 0)
    assert "".join(lines) == f"{MARKUP}: 1name: {MARKUP}"
    assert tab.locator("#plot-odd a").count() == 0
    assert MARKUP in tab.locator("#plot-odd .legend").text_content()


def test_a_finger_scrolls_the_page_over_a_plot_and_a_tap_tells(browser, reports):
    tab, context, heard = opened(browser, reports, "fit", width=375, has_touch=True, is_mobile=True)
    plot = tab.locator("#plot-trains")
    plot.scroll_into_view_if_needed()
    box, before = plot.bounding_box(), tab.evaluate("scrollY")
    finger = context.new_cdp_session(tab)
    for step in range(16):
        place = {"x": box["x"] + 150, "y": box["y"] + 300 - 10 * step}
        what = "touchMove" if step else "touchStart"
        finger.send("Input.dispatchTouchEvent", {"type": what, "touchPoints": [place]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    tab.wait_for_function(f"scrollY > {before + 100}")
    plot.scroll_into_view_if_needed()
    x, y = tab.evaluate(PLACE, ["trains", 1, 400])
    tab.touchscreen.tap(x, y)
    tab.locator("#plot-trains .hovertext").first.wait_for()
    assert "measured: " in tab.locator("#plot-trains .hoverlayer").text_content()
    assert tab.locator("#plot-trains .modebar-btn[data-title='Zoom in']").is_visible()
    context.close()
    assert heard == []
