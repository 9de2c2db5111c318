"""Pages and drawings: well-formed, self-contained, and nothing from a file becomes markup."""

import base64
import csv
import gzip
import hashlib
import io
import re
import urllib.parse
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.image import imread
from scipy.ndimage import label

from roa_circuit.presentation import drawing, page
from roa_circuit.presentation.interaction import Program
from roa_circuit.presentation.library import Library
from roa_circuit.presentation.page import Page, Section


class Reader(HTMLParser):
    """Collects what a page refers to, its identifiers and its text; checks that its tags close."""

    VOID = ("meta", "link", "img", "input", "path", "use")

    def __init__(self, text):
        super().__init__()
        self.open, self.references, self.ids, self.text, self.tags = [], [], [], "", []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.references += [value for name, value in attrs if name in ("src", "href", "xlink:href")]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def report(*parts, title="A report", sections=None):
    sections = sections or [Section(title="First", parts=parts), Section(title="Second one", parts=[])]
    return Page(
        command="roa-x", title=title, verdict="passed", passed=True, lead="Well done.",
        numbers=[("misfit", "1 %", "rms")], sections=sections, footer="The end.",
    )  # fmt: skip


@pytest.fixture(scope="module")
def curve():
    def paint(figure):
        axes = figure.subplots()
        drawing.dots(axes, [1, 2, 3], [1e-3, 1e-2, np.nan], colour=drawing.BLUE, label="a & b")
        axes.semilogy([1, 3], [1e-3, 1e-1], color=drawing.RED)
        drawing.decades(axes.yaxis)
        axes.set_title(drawing.plain("$x_{$"))
        axes.legend()

    return drawing.draw("curve", "A curve.", paint)


def test_a_page_is_whole_and_refers_to_nothing_outside(curve):
    parts = [
        page.table(("name", "value"), [("a", "1"), ("b", page.mark("2", "bad"))], caption="Two"),
        page.matrix("ab", [[1.0, -0.5], [-0.5, 1.0]], caption="Correlation"),
        page.side_by_side([page.figure(curve.inline(), curve.caption, wide=True)]),
        page.unfolding("more", page.facts([("why", "because")])),
        page.bullets(["one", "two"]),
    ]
    reader = Reader(report(*parts).to_html())
    outside = [r for r in reader.references if not r.startswith(("#", "data:"))]
    assert outside == []
    assert "script" not in reader.tags
    assert len(reader.ids) == len(set(reader.ids))
    assert {r[1:] for r in reader.references if r.startswith("#")} <= set(reader.ids)
    assert all(word in reader.text for word in ("A report", "Well done.", "Second one", "−0.50", "10⁻²"))


def test_tables_name_their_columns_and_rows():
    text = page.table(("name", "value"), [("a", "1")], caption="Two")
    assert '<th scope="col">value</th>' in text
    assert '<th scope="row">a</th><td>1</td>' in text
    assert 'tabindex="0" aria-label="Two"' in text


def saved(markup):
    """The rows of the CSV files in a part's links, as a program reads them."""
    links = re.findall(r'download="([^"]+)"[^>]* href="data:text/csv;charset=utf-8,([^"]*)"', markup)
    texts = [urllib.parse.unquote(text).removeprefix("\ufeff") for _, text in links]
    return {
        name: list(csv.reader(io.StringIO(text, newline="")))
        for (name, _), text in zip(links, texts, strict=True)
    }


def test_a_table_is_saved_as_it_is_shown_with_numbers_that_a_program_reads():
    rows = [("a, b", page.mark("−2.5", "bad")), ('"c"', "5 %")]
    shown = page.table(("name [Ω]", "value"), rows, caption="Two of them: as measured at 20 °C.")
    assert saved(shown) == {
        "two-of-them-as-measured-at.csv": [["name [Ω]", "value"], ["a, b", "-2.5"], ['"c"', "5 %"]]
    }
    shown = page.matrix("ab", [[1.0, -0.123], [-0.123, 1.0]], caption="Ω")
    assert saved(shown) == {
        "table.csv": [["", "a", "b"], ["a", "1.0000", "-0.1230"], ["b", "-0.1230", "1.0000"]]
    }


@pytest.mark.parametrize("cell", ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-1+cmd|' /C calc'!A0"])
def test_a_name_from_a_file_is_no_formula_in_a_spreadsheet(cell):
    (rows,) = saved(page.table(("a", "b"), [(cell, "-1 ± 2")], caption="c")).values()
    assert rows[1] == ["'" + cell, "-1 ± 2"]


@pytest.mark.long
@given(st.lists(st.tuples(st.text(), st.text()), min_size=1))
def test_any_text_comes_back_from_the_link(rows):
    (found,) = saved(page.table(("a", "b"), rows, caption="c")).values()
    assert len(found) == len(rows) + 1
    for seen, row in zip(found[1:], rows, strict=True):
        for got, cell in zip(seen, row, strict=True):
            plain = cell.replace("\u00a0", " ").replace("\u2212", "-")
            assert got in (plain, "'" + plain)


def test_only_figures_with_many_points_can_be_enlarged(curve):
    assert page.figure(curve.inline(), "c").count("checkbox") == 0
    for how in ({"wide": True}, {"crowded": True}):
        shown = page.figure(curve.inline(), "c", **how)
        assert shown.index("checkbox") < shown.index('class="scroll" role="region" tabindex="0"')


def test_a_number_and_its_percent_sign_share_a_line():
    assert "within 5\u00a0% of" in page.paragraph("within 5 % of")


def every_part(text):
    return "".join([
        page.paragraph(text), page.bullets([text]), page.facts([(text, text)]), page.subheading(text),
        page.table((text, text), [(text, text)], caption=text), page.mark(text, text),
        page.figure(page.Markup("<svg></svg>"), text, wide=True), page.unfolding(text, page.Markup("")),
        page.matrix([text], [[1.0]], caption=text),
    ])  # fmt: skip


@pytest.mark.long
@given(st.text() | st.text("<>&'\"/= script"))
def test_text_never_becomes_markup(text):
    assert Reader(every_part(text)).tags == Reader(every_part("plain")).tags
    assert "<script" not in report(title="<script>" + text).to_html()


def test_a_page_carries_the_library_of_its_program_and_lets_no_other_run():
    for code in ("let a = '✓';", "let b;"):
        program = Program(code="run();", library=Library.of(code.encode()), data=["</script>"])
        text = Page(
            command="roa-spice", title="t", verdict="done", passed=True, lead="", numbers=[],
            sections=[], footer="", program=program,
        ).to_html()  # fmt: skip
        packed = re.search(r'id="library">([^<]*)<', text)[1]
        assert gzip.decompress(base64.b64decode(packed)).decode() == code
        policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
        allowed = re.findall(r"'sha256-([^']*)'", policy)
        digests = [hashlib.sha256(one.encode()).digest() for one in ("run();", code)]
        assert allowed == [base64.b64encode(one).decode() for one in digests]
        assert "unsafe-eval" not in policy
        assert text.count("</script>") == 3


def test_an_inline_drawing_takes_the_colours_of_the_page(curve):
    assert "var(--blue)" in curve.inline()
    assert drawing.BLUE not in curve.inline()
    assert drawing.BLUE in curve.svg
    style = (page.resources.files("roa_circuit.presentation") / "page.css").read_text(encoding="utf-8")
    light, dark = style.split("prefers-color-scheme: dark")
    for name, value in {"blue": drawing.BLUE, "red": drawing.RED, "ink": drawing.INK}.items():
        assert f"--{name}: {value}" in light
        assert f"--{name}:" in dark


def test_a_drawing_has_every_dot_and_the_same_bytes_each_time():
    def paint(figure):
        drawing.dots(figure.subplots(), np.arange(500), np.arange(500) % 7, colour=drawing.GREEN)

    one = drawing.draw("dots", "Dots.", paint, size=(9.0, 3.0))
    assert one.svg == drawing.draw("dots", "Dots.", paint, size=(9.0, 3.0)).svg
    assert one.wide
    path = next(part for part in one.svg.split("<path ") if drawing.GREEN in part)
    assert path.count("M ") == 500
    files = drawing.files([one])
    assert set(files) == {"dots.svg", "dots.png"}
    assert files["dots.png"].startswith(b"\x89PNG")


def test_every_dot_is_in_the_png():
    """Snapped to whole pixels, dots are lines without length, and not drawn."""

    def paint(figure):
        drawing.dots(figure.subplots(), np.arange(40), np.arange(40) % 7, colour="#ff0000", size=4.0)

    png = io.BytesIO(drawing.draw("dots", "Dots.", paint).png())
    picture = imread(png)
    assert label(picture[..., 0] - picture[..., 1] > 0.5)[1] == 40
