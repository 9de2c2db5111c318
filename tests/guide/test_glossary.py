"""Words of the glossary are linked where a page first uses them, in its running text alone."""

import importlib.util
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location(
    "glossary", Path(__file__).parents[2] / ".ci" / "glossary.py"
)
glossary = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(glossary)

HOME = """<article><dl><dt><strong>Cell</strong></dt><dd>One.</dd>
<dt><strong>MAC</strong></dt><dd>Two.</dd>
<dt><strong>MAC error</strong></dt><dd>Three.</dd></dl></article>"""


class Prose(HTMLParser):
    """The running text of a page's article, with ‹term› round each link to the glossary."""

    APART = ("button", "code", "h1", "h2", "h3", "h4", "h5", "h6", "label", "math", "nav", "pre",
             "script", "style", "summary", "svg", "th")  # fmt: skip

    def __init__(self, page):
        super().__init__()
        self.said, self.apart, self.linked, self.inside = "", 0, False, False
        self.strays = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.inside |= tag == "article"
        self.apart += tag in self.APART
        if tag == "a":
            self.linked = True
            if "term" in (dict(attrs).get("class") or "").split():
                name = dict(attrs)["href"].partition("#")[2]
                self.said += f"‹{name}:"
                self.strays += [name] * bool(self.apart)
            else:
                self.apart += 1

    def handle_endtag(self, tag):
        self.inside &= tag != "article"
        if tag == "a":
            last = self.said.rfind("‹")
            if last > self.said.rfind("›"):
                self.said += "›"
            else:
                self.apart -= 1
        elif tag in self.APART:
            self.apart -= 1

    def handle_data(self, data):
        if self.inside and not self.apart:
            self.said += data


def test_the_first_use_is_linked_and_no_other():
    page = (
        "<nav>cells</nav><article><h1>Cells</h1><p>Code <code>cell</code>, a <a href='x'>cell</a>,"
        " subcells; the MAC error of two cells. A cell. MACs.</p></article>cell"
    )
    found = glossary.linked(page, glossary.terms(HOME), "../glossary.html")
    assert found == page.replace(
        "the MAC error of two cells. A cell. MACs.",
        'the <a class="term" href="../glossary.html#term-mac-error">MAC error</a> of two'
        ' <a class="term" href="../glossary.html#term-cell">cells</a>. A cell.'
        ' <a class="term" href="../glossary.html#term-mac">MACs</a>.',
    )


def test_each_term_can_be_linked():
    page = glossary.anchored(HOME)
    assert re.findall(r'<dt id="([^"]+)"', page) == ["term-cell", "term-mac", "term-mac-error"]


@pytest.mark.long
@pytest.mark.browser
@pytest.mark.xdist_group("guide")
def test_pages_of_the_guide_link_each_term_once_at_its_first_use(guide_site):
    home = (guide_site / "glossary.html").read_text("utf-8")
    places = re.findall(r'<dt id="([^"]+)"', home)
    assert len(places) == len(set(places)) == home.count("<dt") > 35
    pages = [p for p in guide_site.rglob("*.html") if p.name not in ("glossary.html", "404.html")]
    met = set()
    for page in pages:
        prose = Prose(page.read_text("utf-8"))
        names = re.findall("‹([^:]+):", prose.said)
        assert prose.strays == [], page
        assert len(names) == len(set(names)), page
        assert set(names) <= set(places), page
        met |= set(names)
        for name, word in {
            "term-surrogate": "surrogate",
            "term-dose": "dose",
            "term-cell": "cell",
        }.items():
            first = re.search(
                rf"(?<![\w-])[{word[0]}{word[0].upper()}]{word[1:]}s?(?![\w-])", prose.said
            )
            if names and first:
                assert prose.said[: first.start()].endswith(f"‹{name}:"), (page, name)
    assert len(met) > 35
