"""Thousands signs and decimal commas: read right where a file leaves no doubt, else refused."""

import itertools

import numpy as np
import pytest

from fitting import read_measurements
from fitting.readers.conventions import Conventions
from fitting.readers.files.numerals import plain_numbers
from roa_circuit.basics.errors import InputError

HOW = Conventions(pulse=(-1.0, 1e-6), read_voltage=0.1)
OHMS = [12345.5, 11234.5, 10234.25, 9876.25, 8765.5, 987.75]


@pytest.fixture
def read(tmp_path):
    """The measurements of a text."""

    def from_text(text, name="table.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return read_measurements(path, HOW)

    return from_text


def grouped(number, thousands, decimal):
    whole, _, part = f"{number:,.2f}".partition(".")
    return whole.replace(",", thousands) + decimal + part


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(
    ("thousands", "decimal"),
    [(",", "."), (".", ","), ("'", "."), ("\u202f", ","), (" ", "."), ("\u00a0", ",")],
)
def test_thousands_signs_are_read_right(read, separator, thousands, decimal):
    cells = [f'"{grouped(ohms, thousands, decimal)}"' for ohms in OHMS]
    rows = [separator.join((str(n), cell)) for n, cell in enumerate(cells, start=1)]
    m = read("\n".join([f"pulse{separator}R (Ohm)", *rows]))
    np.testing.assert_allclose(1.0 / m.conductance, OHMS, rtol=1e-12)
    assert any("has thousands signs: it is 12345.5" in text for text in m.assumed)


def test_a_count_of_pulses_with_thousands_signs_is_counted(read):
    """'1,000' in a column of pulse numbers was no number, and every pulse there one pulse."""
    rows = "".join(f'"{n}","2,000.5"\n' for n in ("990", "1,000", "1,020", "1,050"))
    m = read("pulse,R (Ohm)\n" + rows)
    assert m.pulses.tolist() == [10, 10, 20, 30]


@pytest.mark.parametrize("separator", [",", "\t"])
def test_what_may_be_thousands_or_decimals_is_refused_in_a_line_that_says_both(read, separator):
    rows = "".join(f'{n}{separator}"{R}"\n' for n, R in enumerate(["12,345", "9,876", "987"], start=1))
    with pytest.raises(InputError, match=r"line 2: '12,345' may be 12345 or 12.345; write all"):
        read(f"pulse{separator}R (Ohm)\n" + rows)
    with pytest.raises(InputError, match=r"line 3: '1,000' may be 1000 or 1.000"):
        read(f'pulse{separator}R (Ohm)\n999{separator}5\n"1,000"{separator}4\n')


@pytest.mark.parametrize(
    ("cells", "line"),
    [
        (["1,234.5", "1.234,5"], 2), (["1,234.5", "0,5"], 2), (["0.5", "1.234,5"], 3),
        (["1,234.5", "1\u202f234,5"], 2),
    ],
)  # fmt: skip
def test_cells_that_contradict_each_other_are_refused(read, cells, line):
    rows = "".join(f'{n},"{R}"\n' for n, R in enumerate(cells, start=1))
    with pytest.raises(InputError, match=rf"line {line}: .* write numbers in two ways; write all"):
        read("pulse,R (Ohm)\n" + rows)


def test_a_point_beside_decimal_commas_is_not_guessed(read):
    """0,5 beside 12.345 in a German file: twelve thousand, or an instrument's twelve."""
    with pytest.raises(InputError, match=r"line 2: '12.345' may be 12345 or 12.345"):
        read("pulse;G (uS);R (kOhm)\n1;0,5;12.345\n2;0,6;9.876\n")


def test_between_semicolons_a_point_before_three_digits_everywhere_is_not_guessed(read):
    rows = [(n, f"{68.966 - n:.3f}") for n in range(9)]
    text = "Puls;R (Ohm)\n" + "".join(f"{n};{R}\n" for n, R in rows)
    with pytest.raises(InputError, match=r"line 2: '68.966' between semicolons may be 68966 or 68.966"):
        read(text)
    with pytest.raises(InputError, match="may be 68966"):
        read(text + "1000;12.345\n")
    np.testing.assert_allclose(1.0 / read(text.replace(";", ",")).conductance[0], 68.966)


@pytest.mark.parametrize("told", ["0.345", "12.34", "1234", "1.234e3", "12.3456"])
def test_any_other_number_tells_what_a_point_between_semicolons_is(read, told):
    m = read(f"pulse;R (Ohm)\n0;68.966\n1;52.327\n2;{told}\n")
    np.testing.assert_allclose(1.0 / m.conductance, [68.966, 52.327, float(told)])


def test_between_semicolons_a_comma_is_decimal_and_that_is_said(read):
    m = read("pulse;R (Ohm)\n1;12,345\n2;9,876\n3;987\n")
    np.testing.assert_allclose(1.0 / m.conductance, [12.345, 9.876, 987.0])
    assert any("'12,345' has a decimal comma: it is 12.345" in text for text in m.assumed)
    told = read("pulse;R (Ohm)\n1;12,345\n2;0,876\n")
    np.testing.assert_allclose(1.0 / told.conductance, [12.345, 0.876])


def test_quoted_decimal_commas_are_read(read):
    m = read('pulse,G (uS)\n1,"12,5"\n2,"13,25"\n3,"0,75"\n')
    np.testing.assert_allclose(m.conductance, [12.5e-6, 13.25e-6, 0.75e-6])
    assert any("'12,5' has a decimal comma" in text for text in m.assumed)


def test_quoted_thousands_do_not_hide_the_titles_below_a_preamble(read):
    """Where commas in quotes parted cells, titles were looked for in vain."""
    rows = "".join(f'{n},"{R}"\n' for n, R in enumerate(["12,345.5", "11,234.5", "10,234.5"], start=1))
    m = read("Operator: N. N.\nRun 12\npulse,R (Ohm)\n" + rows)
    np.testing.assert_allclose(1.0 / m.conductance, [12345.5, 11234.5, 10234.5])


def test_thousands_without_quotes_are_more_cells_than_titles(read):
    with pytest.raises(InputError, match=r"line 2: has 3 cells .* is 12,345.5 one number\? Write it"):
        read("pulse,R (Ohm)\n1,12,345.5\n2,11,234.5\n")


def test_a_unit_behind_the_number_stays(read):
    m = read('pulse,R (Ohm)\n1,"12,345.5 Ohm"\n2,"9,876.5 Ohm"\n')
    np.testing.assert_allclose(1.0 / m.conductance, [12345.5, 9876.5])


def test_a_workbooks_own_numbers_do_not_tell_how_its_texts_are_written(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    for cells, said in (
        (["12,345.5", "9,876.5"], None),
        (["12.345,5", "9.876,5"], None),
        (["12,345", "9,876"], r"line 2: '12,345' may be 12345 or 12.345"),
        (["12.345,5", 9.876], r"line 3: '9.876' may be 9876 or 9.876"),
    ):
        book = openpyxl.Workbook()
        book.active.append(["pulse", "R (Ohm)", "T (K)"])
        for n, R in enumerate(cells, start=1):
            book.active.append([n, R, 300.25])
        book.save(tmp_path / "book.xlsx")
        if said is None:
            m = read_measurements(tmp_path / "book.xlsx", HOW)
            np.testing.assert_allclose(1.0 / m.conductance, [12345.5, 9876.5])
        else:
            with pytest.raises(InputError, match=said):
                read_measurements(tmp_path / "book.xlsx", HOW)


def test_plain_numbers_stay_as_they_are_to_the_letter():
    lines = [(1, ["pulse", "R [Ohm]", "date"]), (2, ["1", "12.345", "12.03.2024"])]
    lines.append((3, ["2", "1e-6", "-.5"]))
    assert plain_numbers(lines, ",", "a.csv") == (lines, ())
    assert plain_numbers([], ",", "a.csv") == ([], ())


def test_what_a_number_is_does_not_depend_on_the_order_of_rows():
    """Evidence anywhere in the file counts for all of it."""
    cells = ["12,345", "9,876.5", "1,000"]
    for order in itertools.permutations(cells):
        lines = [(n, [cell, "x"]) for n, cell in enumerate(order)]
        found = plain_numbers(lines, ",", "a.csv")[0]
        assert [row[0] for _, row in found] == [cell.replace(",", "") for cell in order]
