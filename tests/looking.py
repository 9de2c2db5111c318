"""How tests look at pages: views, what a tab complains of, and what a picture shows."""

import io
from pathlib import Path

import numpy as np

PULSES = Path(__file__).parents[1] / "data" / "pulses.csv"
GRID = [
    "--vary", "wire_resistance=1:1k:4log", "--vary", "sigma_wn=0,1,4", "--vary", "scheme=V/2,V/3",
    "--vary", "adc_bits=0,6", "--vary", "adc_range=0,2m", "--repeats", "2",
    "--target", "agreement=70%", "--check", "1%",
]  # fmt: skip
DRAWN = [
    "--vary", "wire_resistance=1:1k:log", "--vary", "sigma_wn=0:4", "--design", "sobol",
    "--points", "16", "--sensitivity", "sobol", "--samples", "8",
]  # fmt: skip
MARKUP = "<b>bold</b> <a href='https://example.org'>link</a> $x_1$"
SWEEPS = ("sweep", "drawn")
VIEWS = {
    "light": {"width": 1180, "color_scheme": "light"},
    "dark": {"width": 1180, "color_scheme": "dark"},
    "phone": {"width": 375, "color_scheme": "light"},
}


def opened(browser, reports, name, width=1180, color_scheme="light", **how):
    """(tab of a report in a view, its context, all that it complained of or asked for beside itself)."""
    viewport = {"width": width, "height": 800}
    context = browser.new_context(viewport=viewport, color_scheme=color_scheme, **how)
    tab, heard = context.new_page(), []
    tab.on("console", lambda message: heard.append(message.text))
    tab.on("pageerror", lambda error: heard.append(str(error)))
    tab.on("request", lambda request: heard.append(request.url))
    address = reports[name].as_uri()
    tab.goto(address)
    assert heard.pop(0) == address
    if name in SWEEPS:
        tab.wait_for_selector("html[data-drawn]")
    elif how.get("java_script_enabled", True):
        for figure in tab.locator("figure[data-plot]").all():
            figure.scroll_into_view_if_needed()
            figure.locator(".plot .main-svg").first.wait_for()
        tab.evaluate("scrollTo(0, 0)")
    return tab, context, heard


def picture(png):
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(float)


def inked(png):
    """The share of pixels that differ from the ground, which the corner shows, and how light that is."""
    pixels = picture(png)
    ground = pixels[2, 2]
    return np.mean(np.abs(pixels - ground).max(axis=2) > 40), ground.mean() / 255


# Pairs of texts of one plot that cover each other, but for the numbers in a map's cells.
OVERLAPPING = """() => [...document.querySelectorAll('.plot')].flatMap(plot => {
  const texts = [...plot.querySelectorAll('text')].filter(e => e.textContent.trim()
    && !e.closest('.modebar') && e.getBoundingClientRect().width > 0);
  const boxes = texts.map(e => e.getBoundingClientRect());
  return texts.flatMap((a, i) => texts.slice(i + 1).map((b, k) => {
    const [p, q] = [boxes[i], boxes[i + 1 + k]];
    const across = Math.min(p.right, q.right) - Math.max(p.left, q.left);
    const down = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
    return across > 2 && down > 4 ? plot.id + ': ' + a.textContent + ' / ' + b.textContent : '';
  })).filter(Boolean);
})"""
