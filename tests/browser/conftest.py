"""One browser for all tests that look at pages, and the reports that several of them look at."""

import shutil

import pytest
from looking import DRAWN, GRID, MARKUP, PULSES, opened

import fitting.commands.cli
import netlists.commands.cli
from roa_circuit.basics.results import write_text
from roa_circuit.presentation import drawing, page, plots

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="session")
def browser():
    """Chromium, as the system has it."""
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, NAMES)))
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="session")
def reports(tmp_path_factory, make_layer):
    """Where each page is, written once, by the command that makes it where there is one."""
    folder = tmp_path_factory.mktemp("reports")
    names = ("fit", "verify", "sweep", "drawn", "odd")
    fitted, verified, swept, drawn, odd = (folder / name / "report.html" for name in names)
    options = {"standalone_mode": False}
    fitting.commands.cli.app([str(PULSES), "--output-dir", str(fitted.parent)], **options)
    make_layer(rows=12).save(folder / "layer.npz")
    layer = ["--layer", str(folder / "layer.npz")]
    netlists.commands.cli.app(["verify", *layer, "--output-dir", str(verified.parent)], **options)
    for how, page_file in ((GRID, swept), (DRAWN, drawn)):
        one = ["sweep", *layer, *how, "--workers", "1", "--output-dir", str(page_file.parent)]
        netlists.commands.cli.app(one, **options)
    write_text(odd, odd_page().to_html())
    return {"fit": fitted, "verify": verified, "sweep": swept, "drawn": drawn, "odd": odd}


def odd_page():
    """Everything a page can hold, with names as long as a file may give them, or like markup."""
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
    columns = {
        "x": plots.Column(values=[1, 2, 3], title=MARKUP),
        "y": plots.Column(values=[1, 4, 9]),
        "name": plots.Column(values=[0, 1, 1], title="name", words=[MARKUP, long]),
    }
    table = plots.Table(name="odd", columns=columns)
    lines = [plots.Trace(table=table, x="x", y="y", kind=kind, name=MARKUP) for kind in ("line", "dots")]
    panel = plots.Panel(y=plots.Axis(title="y"), traces=lines)
    plot = plots.Plot(x=plots.Axis(title="x"), panels=[panel], labels=[(MARKUP, 1, 3)])
    odd = drawing.draw("odd", long, paint, size=(9.6, 3.0), plot=plot)
    sections = [page.Section(title=f"{i} {long}", parts=parts) for i in range(2)]
    sections.append(page.Section(title="Plot", parts=[page.shown(odd)]))
    return page.Page(
        command="roa-fit", title=long, verdict="failed", passed=False, lead=long,
        numbers=[(long, long, long)] * 3, sections=sections, footer=long, program=plots.program([odd]),
    )  # fmt: skip


@pytest.fixture
def visit(browser, reports):
    """Open a report in a view, to use it; what it asks for or complains of fails the test."""
    contexts = []

    def open_(name, **view):
        tab, *rest = opened(browser, reports, name, **view)
        contexts.append(rest)
        return tab

    yield open_
    for context, heard in contexts:
        context.close()
        assert heard == []


@pytest.fixture(scope="session")
def looked_at(browser, reports):
    """As `visit`, for tests that only look: each report is opened once a view."""
    tabs = {}

    def look(name, **view):
        key = (name, *sorted(view.items()))
        if key not in tabs:
            tabs[key] = opened(browser, reports, name, **view)
        tab, _, heard = tabs[key]
        assert heard == []
        return tab

    yield look
    for _, context, heard in tabs.values():
        context.close()
        assert heard == []
