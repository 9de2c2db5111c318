"""Plots: their numbers come back from the page, few of many are the telling ones, and all is said."""

import json

import numpy as np
import pytest
from embedded import data_of, numbers, table_of
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from roa_circuit.presentation import plots
from roa_circuit.presentation.drawing import draw
from roa_circuit.presentation.page import Page, Section, shown
from roa_circuit.presentation.plots import (
    Axis,
    Column,
    Curve,
    Mark,
    Panel,
    Plot,
    Table,
    Trace,
    curves,
    program,
    telling,
    thinned,
    thinned_line,
)


def drawn(name="dots", columns=None, table="points", **trace):
    columns = columns or {"x": Column(values=[1.0, 2.0]), "y": Column(values=[3.0, 0.5], title="value")}
    points = Trace(table=Table(name=table, columns=columns), x="x", y="y", **trace)
    plot = Plot(x=Axis(title="x"), panels=[Panel(y=Axis(title="y"), traces=[points])])
    return draw(name, "Dots.", lambda figure: figure.subplots().plot([1, 2], [3, 0.5]), plot=plot)


def page_of(*drawings):
    sections = [Section(title="First", parts=[shown(one) for one in drawings])]
    return Page(
        command="roa-x", title="t", verdict="done", passed=True, lead="", numbers=[],
        sections=sections, program=program(drawings),
    ).to_html()  # fmt: skip


@given(
    st.one_of(
        arrays(np.float32, st.integers(1, 40), elements=st.floats(width=32, allow_infinity=False)),
        arrays(np.int64, st.integers(1, 40), elements=st.integers(-(2**31), 2**31 - 1)),
        arrays(np.int64, st.integers(1, 40), elements=st.integers(0, 2**32 - 1)),
        arrays(np.bool_, st.integers(1, 40)),
    )
)
def test_numbers_come_back_as_they_were(values):
    np.testing.assert_array_equal(numbers(plots.packed(values)), values)


def test_numbers_have_seven_digits_and_take_little_room():
    values = 1e-6 * np.linspace(1, 2, 1000)
    np.testing.assert_allclose(numbers(plots.packed(values)), values, rtol=6e-8)
    assert len(plots.packed(values)["bdata"]) == pytest.approx(4 * 1000 * 4 / 3, abs=4)
    assert len(plots.packed(np.full(1000, 0.05))["bdata"]) == 8
    assert plots.packed(np.arange(200.0))["dtype"] == "u1"


def test_a_page_has_each_table_once_and_every_plot_in_place_of_its_figure():
    one = drawn("one")
    text = page_of(one)
    assert 'data-plot="one"' in text
    assert text.count("<svg") == 1  # the figure stays, for paper and where no scripts run
    np.testing.assert_array_equal(table_of(text, "points")["value"], [3.0, 0.5])
    assert data_of(text)["plots"]["one"]["panels"][0]["traces"][0]["table"] == "points"
    with pytest.raises(AssertionError, match="two tables are named points"):
        program([one, drawn("two")])


def test_a_page_without_many_points_runs_nothing():
    bare = draw("bare", "Bare.", lambda figure: figure.subplots().plot([1, 2]))
    assert program([bare]) is None
    assert "<script" not in page_of(bare)
    assert "data-plot" not in page_of(bare)


def test_of_two_drawings_with_one_name_neither_takes_the_other_s_place():
    assert program([drawn("same"), drawn("same", table="others")]) is None


def test_what_no_point_has_is_left_out_and_what_is_not_finite_is_none():
    nothing = Column(values=[np.nan, np.nan], title="nothing")
    columns = {"x": Column(values=[1.0, 2.0]), "y": Column(values=[np.inf, 1.0]), "none": nothing}
    table = Table(name="t", columns=columns)
    assert set(table.to_dict()["columns"]) == {"x", "y"}
    panel = Panel(
        y=Axis(title="y", span=(0.0, float("nan"))),
        traces=[],
        marks=[Mark(kind="across", at=float("inf")), Mark(kind="up", at=1.0)],
    )
    plain = panel.to_dict()
    assert plain["y"]["span"] is None
    assert [one["at"] for one in plain["marks"]] == [1.0]
    json.dumps(plain, allow_nan=False)


def test_some_points_of_a_column_have_their_own_words_alone():
    column = Column(values=[0, 1, 2, 1], words=["a", "b", "c"])
    some = column.of(np.array([1, 3]))
    assert (some.words, list(some.values)) == (["b"], [0, 0])


def test_of_many_points_the_most_telling_and_some_others_are_kept():
    size = np.random.default_rng(1).permutation(1000.0 * np.arange(1000))
    kept = telling(size, 100)
    assert len(kept) == len(set(kept)) == 100
    assert set(np.argsort(-size)[:10]) <= set(kept)
    assert np.all(np.diff(kept) > 0)
    assert 0.3 < np.mean(size[kept] > np.median(size)) < 0.8
    np.testing.assert_array_equal(telling(size, 100), kept)
    np.testing.assert_array_equal(telling(size[:50], 100), np.arange(50))
    assert thinned(50, 50, "cells", "errors") == ""
    said = thinned(1000, 100, "cells", "errors")
    assert said == (
        " Of 1,000 cells 100 are drawn: the 10 with the largest errors, the others at random."
    )


def test_a_line_with_fewer_points_keeps_every_peak():
    line = np.sin(np.linspace(0, 60, 20_000))
    line[7777] = 5.0
    other = np.zeros(20_000)
    other[123] = -1.0
    rows = thinned_line([line, other], 400)
    assert len(rows) <= 402
    assert {0, 123, 7777, 19_999} <= set(rows)
    between = np.interp(np.arange(20_000), rows, line[rows])
    assert np.median(np.abs(between - line)) < 0.1
    np.testing.assert_array_equal(thinned_line([line[:300]], 400), np.arange(300))


def test_curves_are_one_table_and_each_its_own_rows():
    lines = [
        Curve(whose={"device": name}, x=np.arange(n) + 0.5, y=np.full(n, float(n)), label=name)
        for name, n in (("a", 3), ("b", 2))
    ]
    table, traces = curves("c", lines, Column(values=[], title="V"), Column(values=[], title="I"))
    assert [table.columns["device"].words[i] for i in table.columns["device"].values] == [*"aaabb"]
    for line, trace in zip(lines, traces, strict=True):
        np.testing.assert_array_equal(np.asarray(table.columns["x"].values)[trace.rows], line.x)
        np.testing.assert_array_equal(np.asarray(table.columns["y"].values)[trace.rows], line.y)
