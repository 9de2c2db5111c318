"""Tables as probe stations save them: spellings, units in cells, pairs, wide tables, several files."""

import io
import zipfile

import numpy as np
import pytest

from fitting import read_measurements
from fitting.judgement.inspection import inspect_trains, summary
from fitting.model.noise import read_noise
from fitting.readers.conventions import Conventions
from roa_circuit.basics.errors import InputError

WIDE = Conventions(pulse=(-1.1, 3e-6), read_voltage=0.1, unit="uA")
PULSE = {"pulse": (-1.0, 1e-6)}
READ = {"read_voltage": 0.1}


@pytest.fixture
def reference(table):
    return read_measurements(
        table("a,0,,0.05,1e-3,", "a,-1.1,3e-6,0.05,1.25e-3,", "a,1.4,3e-5,0.05,1e-3,")
    )


def same(m, other):
    for name in ("train", "voltage", "width", "read_voltage", "current", "sweep"):
        np.testing.assert_allclose(getattr(m, name), getattr(other, name), rtol=1e-12)


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("V_pulse [mV],t_pulse (us),V_read [mV],R (kΩ)", ["0,,50,1", "-1100,3,50,0.8", "1400,30,50,1"]),
        (
            "Voltage\tPulse width\tVread\tG",
            ["0\t\t50m\t1mS", "-1.1V\t3us\t50m\t1.25m", "1.4\t30u\t50m\t1e-3"],
        ),
        (
            "trace;V [V];PW [s];read_v [V];I_read [uA]",
            ["x;0;;0,05;50", "x;-1,1;3e-6;0,05;62,5", "x;1,4;3e-5;0,05;50"],
        ),
        (
            "amplitude [V],duration [s],v_r [V],resistance [Ohm]",
            ["0,,50m,1k", "-1.1,3u,50m,800", "1.4,30u,50m,1000"],
        ),
    ],
)
def test_spellings_prefixes_and_separators_mean_the_same(tmp_path, reference, header, rows):
    path = tmp_path / "station.txt"
    path.write_text("\n".join([header, *rows]), encoding="utf-8")
    if "Voltage\t" in header:  # 1.4 and 1e-3 without any unit stay refused
        with pytest.raises(InputError, match="'Voltage' lacks its unit"):
            read_measurements(path)
        path.write_text("\n".join([header, *rows[:2], "1.4V\t30u\t50m\t1m"]), encoding="utf-8")
    m = read_measurements(path)
    same(m, reference)
    assert m.labels == (("x",) if header.startswith("trace") else ("station",))


@pytest.mark.long
def test_a_workbook_is_read_like_the_same_text(tmp_path, reference):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (
        ["# probe station 3"],
        ["V_pulse [V]", "width [s]", "V_read [V]", "G [S]", "note"],
        [0, None, 0.05, 1e-3, None],
        [-1.1, 3e-6, 0.05, 1.25e-3, "hot"],
        [1.4, "30us", 0.05, 1e-3, None],
    ):
        book.active.append(row)
    book.create_sheet("Calc").append(["V [V]", "I [A]"])
    book["Calc"].append([0.5, 1e-4])
    book.save(tmp_path / "book.xlsx")
    m = read_measurements(tmp_path / "book.xlsx")
    same(m, reference)
    assert m.ignored == ("sheet 'Calc'", "note")
    assert read_measurements(tmp_path / "book.xlsx", Conventions(sheet="Calc")).sweep.all()
    with pytest.raises(InputError, match="has no sheet 'calc'; did you mean 'Calc'"):
        read_measurements(tmp_path / "book.xlsx", Conventions(sheet="calc"))
    (tmp_path / "book.xlsx").write_bytes((tmp_path / "book.xlsx").read_bytes()[:900])
    with pytest.raises(InputError, match="not a readable XLSX workbook"):
        read_measurements(tmp_path / "book.xlsx")


def test_one_pulse_between_two_readings_per_cell(tmp_path):
    path = tmp_path / "cells.tsv"
    path.write_text("address\twidth [ns]\tV_BL [V]\tR_before [kOhm]\tR_after [kOhm]\n"
                    "7\t20\t0.5\t100\t80\n9\t40\t1\t50\t20\n")  # fmt: skip
    m = read_measurements(path, Conventions(read_voltage=0.2, positive_sets=True, scale=2.0))
    assert m.labels == m.devices == ("7", "9")
    np.testing.assert_allclose(m.voltage, [0, -0.5, 0, -1.0])
    np.testing.assert_allclose(m.width, [0, 20e-9, 0, 40e-9])
    np.testing.assert_allclose(m.read_voltage, -0.2)
    np.testing.assert_allclose(m.conductance, [2e-5, 2.5e-5, 4e-5, 1e-4])
    unnamed = path.read_text().replace("address", "note")
    path.write_text(unnamed)
    assert read_measurements(path, Conventions(read_voltage=0.2)).labels == ("line 2", "line 3")


def test_one_train_a_column(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text("d1,d2\n160,\n162,170\n,171\n166,\n")
    m = read_measurements(path, WIDE)
    assert m.labels == ("d1", "d2")
    np.testing.assert_allclose(m.current, np.array([160, 162, 166, 170, 171]) * 1e-6)
    np.testing.assert_allclose(m.voltage, -1.1)
    # a pulse whose reading is missing still moved the state
    np.testing.assert_allclose(m.width, np.array([3, 3, 6, 6, 3]) * 1e-6)
    trains = inspect_trains(m)
    assert [t.merged for t in trains] == [1, 1]
    path.write_text("160,161\n162,163\n")
    assert read_measurements(path, WIDE).labels == ("column 1", "column 2")


def test_a_wide_table_with_pulses_of_its_own(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text("V [V],width [us],d1 [uS],d2 [kOhm]\n0,,100,10\n-1,3,120,8\n1.2,30,110,9\n")
    m = read_measurements(path, Conventions(read_voltage=0.1))
    np.testing.assert_allclose(m.voltage, [0, -1, 1.2] * 2)
    np.testing.assert_allclose(m.conductance[:2] * 1e6, [100, 120])
    np.testing.assert_allclose(m.conductance[3:], [1e-4, 1 / 8e3, 1 / 9e3])


@pytest.mark.parametrize("empty", ["", "NaN"])
def test_a_pulse_without_a_reading_still_moved_the_state(table, empty):
    """At one voltage its width adds; after another the train goes on with a start of its own."""
    lost = ["a,-1.1,3e-6,0.05,1e-3", f"a,-1.1,3e-6,0.05,{empty}", f"b,1,1e-6,0.05,{empty}",
            "a,-1.1,4e-6,0.05,1.2e-3", f"a,1.4,3e-5,0.05,{empty}", "b,-1,1e-6,0.05,1e-3",
            "a,-1.1,3e-6,0.05,1.1e-3", "b,0,0,0.05,1e-3", f"b,-1,1e-6,0.05,{empty}"]  # fmt: skip
    m = read_measurements(table(*lost, header="train,voltage [V],width [s],read_voltage [V],G [S]"))
    assert m.labels == ("a", "b", "a part 2")
    np.testing.assert_allclose(m.width, [3e-6, 7e-6, 1e-6, 0.0, 3e-6])
    assert m.ignored == ("3 pulses without a reading (what they did counts)",)


@pytest.mark.parametrize("codec", ["cp1252", "utf-16", "utf-8-sig"])
def test_a_table_as_a_german_spreadsheet_saves_it(tmp_path, reference, codec):
    """Tabs or semicolons, decimal commas, µ in one byte or two; titles of one's own."""
    text = ("Probe 7, Kontakt µ3\nSpannung;Breite [µs];V_read [mV];G [µS]\n"
            "0;;50;1000\n-1,1;3;50;1250\n1,4;30;50;1000\n")  # fmt: skip
    told = Conventions(columns={"voltage": "Spannung [V]", "width": "Breite"})
    for separator in ";\t":
        (tmp_path / "station.txt").write_bytes(text.replace(";", separator).encode(codec))
        m = read_measurements(tmp_path / "station.txt", told)
        same(m, reference)
        assert m.ignored == ("line 1",)


def test_thousands_between_tabs_are_no_decimals(table):
    """1,250 could be either; nothing is guessed."""
    path = table("-1\t3\t1\t1,250", header="voltage [V]\twidth [us]\tread_voltage [V]\tG [uS]")
    with pytest.raises(InputError, match=r"line 2: '1,250' may be 1250 or 1.250"):
        read_measurements(path)


def test_units_in_a_line_of_their_own(tmp_path, reference):
    path = tmp_path / "station.csv"
    path.write_text("V_pulse,width,V_read [V],G,note\nmV,(us),,uS,\n0,,0.05,1000,x\n"
                    "-1100,3,0.05,1250,\n1400,30,0.05,1000,\n")  # fmt: skip
    same(read_measurements(path), reference)


@pytest.mark.parametrize(
    "text",
    [
        "# V_pulse [V] t_pulse [s] V_read [V] G [S]\n0 0 5e-2 1e-3\n-1.1 3e-6 5e-2 1.25e-3\n"
        "1.4 3e-5 5e-2 1e-3\n",
        "# a note\n# V / mV, width / us, V_read / V, R / kOhm\n0,,0.05,1\n-1100,3,0.05,0.8\n"
        "1400,30,0.05,1\n",
        "# V, t, read, G\nV [V],width [s],V_read [V],G [S]\n0,,0.05,1e-3\n-1.1,3u,0.05,1.25m\n"
        "1.4,30u,0.05,1m\n",
        "Run 7 of May\nV_pulse (V)  PW (us)   Vread (V)  G (uS)\n0   0  0.05 1000\n"
        "-1.1  3  0.05  1250\n 1.4   30  0.05 1000\n",
    ],
)
def test_tables_of_plain_numbers_with_titles_as_programs_write_them(tmp_path, reference, text):
    """numpy.savetxt makes a comment of them, and parts columns by spaces; units behind a stroke."""
    path = tmp_path / "station.dat"
    path.write_text(text, encoding="utf-8")
    m = read_measurements(path)
    same(m, reference)
    assert m.ignored == (("line 1",) if text.startswith("Run") else ())


def test_records_of_a_parameter_analyser(tmp_path):
    """Keysight's EasyEXPERT: a preamble, and DataValue before every row; its titles have no units."""
    record = "SetupTitle, I/V\nMetaData, a, b, c\nDimension1, 2\nDataName, V1, I1, I2\n"
    rows = "DataValue, -0.5, -1E-4, 0\nDataValue, 0.5, 2E-4, 0\n"
    path = tmp_path / "b1500.csv"
    path.write_text((record + rows) * 2)
    told = Conventions(columns={"voltage": "V1 [V]", "current": "I1 [A]"})
    m = read_measurements(path, told)
    assert m.labels == ("record 1", "record 2")
    assert m.sweep.all()
    np.testing.assert_allclose(m.current, [-1e-4, 2e-4] * 2)
    assert m.ignored == ("lines 1 to 3", "I2")
    same(read_measurements(path), m)  # V1 takes two values, and such exports are in SI units


def test_pulses_out_of_order_are_refused(table):
    """They would fit, to another history."""
    header = "train,pulse_no,time [s],voltage [V],width [s],read_voltage [V],G [S]"
    rows = [f"{train},{n},{n + 7},-1,1e-6,0.05,1e-3" for train in "ab" for n in (1, 2, 2, 3, 1, 2, 3)]
    assert len(read_measurements(table(*rows, header=header))) == 14  # a count may begin anew
    rows[2:4] = rows[3:1:-1]
    with pytest.raises(InputError, match=r"line 5, column 'pulse_no': is 2 after 3; .*sort the rows"):
        read_measurements(table(*rows, header=header))
    with pytest.raises(InputError, match=r"line 5, column 'time .*is 9 after 10"):
        read_measurements(table(*rows, header=header.replace("pulse_no", "other")))


def test_a_current_counted_the_other_way(table):
    header = "voltage [V],width [s],read_voltage [V],read_current [A]"
    path = table("-1,1e-6,0.05,-1e-4", header=header)
    with pytest.raises(InputError, match="--scale -1 turns all"):
        read_measurements(path)
    assert read_measurements(path, Conventions(scale=-1.0)).conductance == pytest.approx([2e-3])
    path = table("-1,1e-6,0.05,1e-4", header=header.replace("read_current [A]", "G [S]"))
    with pytest.raises(InputError, match="--scale makes it negative"):
        read_measurements(path, Conventions(scale=-1.0))


def test_several_files_each_with_its_own_pulse(tmp_path):
    for name, text in (("set", "a,b\n1,2\n2,3\n"), ("reset", "a\n3\n2\n")):
        (tmp_path / f"{name}.csv").write_text(text)
    each = [Conventions(pulse=(V, 1e-6), read_voltage=0.1, unit="uA") for V in (-1.0, 2.0)]
    m = read_measurements([tmp_path / "set.csv", tmp_path / "reset.csv"], each)
    assert m.labels == ("set a", "set b", "reset a")
    assert m.train.tolist() == [0, 0, 1, 1, 2, 2]
    assert m.voltage.tolist() == [-1] * 4 + [2] * 2
    back = m.of_trains([2, 0])
    assert back.labels == ("reset a", "set a")
    assert back.voltage.tolist() == [2, 2, -1, -1]


def test_rows_and_columns_can_be_chosen(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("gate [V],bl,w [ns],R_read [Ohm],G_old [S]\n2.5,-1V,20,1000,9\n3,-2V,20,500,9\n")
    how = Conventions(
        read_voltage=0.1, columns={"voltage": "bl", "width": "w"}, where=(("gate", "3.0"),)
    )
    m = read_measurements(path, how)
    assert m.voltage.tolist() == [-2.0]
    assert m.conductance == pytest.approx([2e-3])
    for bad, complaint in (
        ({"where": (("gate", "9"),)}, "no row has gate = 9"),
        ({"where": (("gaet", "3"),)}, "has no column 'gaet'; did you mean 'gate"),
        ({"columns": {"voltage": "bk"}}, "has no column 'bk'"),
    ):
        with pytest.raises(InputError, match=complaint):
            read_measurements(path, Conventions(**{"read_voltage": 0.1, **bad}))


@pytest.mark.parametrize(
    ("content", "how", "complaint"),
    [
        (
            "d1,d2\n1,2\n",
            {},
            r"'voltage \[V\]', .* are missing \(or give --pulse -1.1V,3us --read 0.1V --unit",
        ),
        ("d1,d2\n1,2\n", PULSE | {"unit": "A"}, r"'read_voltage \[V\]' is missing \(or give --read"),
        ("d1,d2\n1,\n2,\n", PULSE | READ | {"unit": "A"}, "'d2' holds no reading"),
        ("d1\nx\n", PULSE | READ | {"unit": "A"}, "line 2, column 'd1': 'x' is not"),
        ("d1\n-1\n", PULSE | READ | {"unit": "Ohm"}, "line 2, column 'd1': is -1 Ohm"),
        ("V [V],width [s],R [Ohm]\n1,1,1\n", PULSE, "--pulse is one too many"),
        ("V [V],width [s],Vread [V],R [Ohm]\n1,1,1,1\n", READ, "--read is one too many"),
        ("V [mV],width [s],R [Ohm]\n1u,1,1\n", READ, "'1u' has a prefix and so has the title"),
        ("V [V],width [s],R [Ohm]\n1,3V,1\n", READ, "line 2, column 'width.*'3V' is in V, expected s"),
        ("R_before [Ohm],R_after [Ohm]\n1,0\n", PULSE | READ, "'R_after.*is 0 Ohm"),
        ("R_before [Ohm],G [S]\n1,1\n", PULSE | READ, "'resistance.*is missing"),
    ],
)
def test_what_cannot_be_placed_is_named(tmp_path, content, how, complaint):
    path = tmp_path / "t.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=complaint):
        read_measurements(path, Conventions(**how))


@pytest.mark.parametrize(
    ("how", "complaint"),
    [
        ({"unit": "W"}, "--unit 'W'"),
        ({"scale": 0.0}, "--scale 0"),
        ({"scale": np.nan}, "--scale nan"),
        ({"columns": {"volt": "x"}}, "did you mean 'voltage'"),
    ],
)
def test_a_convention_that_cannot_be_is_refused_with_its_option(how, complaint):
    with pytest.raises(InputError, match=complaint):
        Conventions(**how)


def test_inspection_finds_spikes_rereads_and_kinds(table):
    rng = np.random.default_rng(0)
    G = 1e-3 * (1 + np.arange(40) / 40) * (1 + 0.002 * rng.standard_normal(40))
    G[20] *= 1.3
    rows = [f"a,-1.1,3e-6,0.05,{g:.6g}," for g in G] + [f"b,0,,0.05,{g:.6g}," for g in
            1e-3 * (1 + 0.01 * rng.standard_normal(400))]  # fmt: skip
    m = read_measurements(table(*rows, "b,0.4,,,,5e-4"))
    first, second = inspect_trains(m)
    assert first.outliers == (21,)
    assert first.kinds == {(-1.1, 3e-6): 40}
    assert second.sweep_points == 1
    noise = read_noise(m)
    assert noise.count == 399
    assert noise.relative == pytest.approx(0.01, rel=0.1)
    assert noise.absolute == 0.0
    text = "\n".join(summary(m, [first, second]))
    assert "40 pulses: 1 potentiating amplitude, no depressing amplitudes, 1 width" in text
    assert "outliers in 1 train: a" in text


def test_a_train_that_turns_has_no_outliers(shipped):
    assert all(train.outliers == () for train in inspect_trains(shipped))


@pytest.fixture
def workbook(tmp_path):
    """Write rows as XLSX, then change the XML of one part inside the archive; gives the path."""
    openpyxl = pytest.importorskip("openpyxl")

    def write(rows, part="xl/worksheets/sheet1.xml", change=("", "")):
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        file, path = io.BytesIO(), tmp_path / "book.xlsx"
        book.save(file)
        with zipfile.ZipFile(file) as old, zipfile.ZipFile(path, "w") as new:
            for member in old.namelist():
                content = old.read(member).decode()
                assert member != part or change[0] in content
                new.writestr(member, content.replace(*change) if member == part else content)
        return path

    return write


BOOK = [["voltage [V]", "width [s]", "read_voltage [V]", "conductance [S]"]] + [
    [-1.1, 3e-6, 0.05, 1e-3 * (1 + i)] for i in range(5)
]


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("[Content_Types].xml", ("<Types", "x<Types")),
        ("xl/workbook.xml", ("<sheets>", "<shoots>")),
        ("xl/worksheets/sheet1.xml", ("<v>0.05</v>", "<v>&</v>")),
        ("xl/worksheets/sheet1.xml", ('r="3"', 'r="x"')),
    ],
)
def test_a_damaged_workbook_is_refused_in_one_line(workbook, part, change):
    with pytest.raises(InputError, match=r"book\.xlsx: .*save it as CSV"):
        read_measurements(workbook(BOOK, part, change))


def test_a_workbook_that_misstates_its_size_loses_no_rows(workbook):
    """Some programs write a dimension of one cell; openpyxl then reads one."""
    path = workbook(BOOK, change=('ref="A1:D6"', 'ref="A1:A1"'))
    assert len(read_measurements(path)) == 5


@pytest.mark.long
def test_a_workbook_that_claims_to_be_endless_is_refused(workbook):
    path = workbook(BOOK, change=('<row r="4"', '<row r="99999999"'))
    with pytest.raises(InputError, match="goes beyond 1048576 rows"):
        read_measurements(path)


def test_a_spreadsheets_error_value_is_no_comment(workbook, table):
    rows = [BOOK[0], ["#N/A", *BOOK[1][1:]], BOOK[2]]
    for path in (workbook(rows), table("#N/A,3e-6,0.05,1e-3", header=",".join(BOOK[0]))):
        with pytest.raises(InputError, match=r"line 2, column 'voltage \[V\]': '#N/A'"):
            read_measurements(path)


def test_a_number_that_its_prefix_makes_infinite_is_too_large(table):
    """It overflowed with a warning."""
    path = table("-1.1,3e-6,0.05,1e308", header="voltage [V],width [s],read_voltage [V],R [kOhm]")
    with pytest.raises(InputError, match=r"line 2.*'1e308' is too large"):
        read_measurements(path)


def test_the_same_pulse_number_again_is_another_reading(table):
    """Three readings of each pulse: two more without one, and the noise told from them."""
    rng = np.random.default_rng(0)
    rows = [
        f"{train},{n},-1.1,3u,0.05,{1e-3 * (1 + 0.02 * n) * (1 + 0.01 * rng.standard_normal()):.6g}"
        for train in "ab" for n in range(20) for _ in range(3)
    ]  # fmt: skip
    header = "train,pulse_no,voltage [V],width,read_voltage [V],conductance [S]"
    m = read_measurements(table(*rows, header=header))
    assert (m.voltage != 0).sum() == 40
    np.testing.assert_array_equal(m.voltage != 0, np.arange(120) % 3 == 0)
    bare = [",".join(np.array(row.split(","))[[0, 1, 5]]) for row in rows]
    told = Conventions(pulse=(-1.1, 3e-6), read_voltage=0.05)
    same = read_measurements(table(*bare, header="train,pulse_index,conductance [S]"), told)
    np.testing.assert_array_equal(same.voltage, m.voltage)
    noise = read_noise(m)
    assert noise.count == 80
    assert noise.relative == pytest.approx(0.01, rel=0.25)


def test_a_sweep_passes_through_zero_as_instruments_write_it(table):
    """1e-320 V overflowed a conductance."""
    rows = ["-0.1,-1e-4", "1e-320,1e-9", "5.6e-17,1e-9", "0,0", "0.1,1e-4"]
    m = read_measurements(table(*rows, header="voltage [V],current [A]"))
    np.testing.assert_allclose(m.conductance, [1e-3, np.nan, np.nan, np.nan, 1e-3])
    assert inspect_trains(m)[0].sweep_points == 5


def test_a_resistance_too_small_to_invert_is_refused(table):
    """It overflowed with a warning."""
    path = table("-1.1,3e-6,0.05,1e-320", header="voltage [V],width [s],read_voltage [V],R [kOhm]")
    with pytest.raises(InputError, match=r"line 2, column 'R \[kOhm\]': is inf S, beyond"):
        read_measurements(path)


@pytest.mark.parametrize(
    "header",
    [
        "V_pulse [V],t_prog [s],I @ 50 mV (A)",
        "applied_voltage_V,pulse_width_s,current_A_at_50mV",
        "Spannung [V],Pulsbreite [s],I_read@0.05V [A]",
    ],
)
def test_a_title_says_where_it_was_read(tmp_path, reference, header):
    path = tmp_path / "station.csv"
    rows = ["0,,5e-5", "-1.1,3e-6,6.25e-5", "1.4,3e-5,5e-5"]
    path.write_text("\n".join([header, *rows]), encoding="utf-8")
    same(read_measurements(path), reference)
    with pytest.raises(InputError, match="--read is one too many"):
        read_measurements(path, Conventions(read_voltage=0.1))


def test_titles_of_several_read_voltages_are_no_one_s(tmp_path):
    path = tmp_path / "station.csv"
    path.write_text("pulse,G@0.1V [S],G@0.2V [S]\n1,1e-5,2e-5\n2,1e-5,2e-5\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"different voltages.*--ignore 'G@0\.2V"):
        read_measurements(path, Conventions(read_voltage=0.1))


@pytest.mark.parametrize("title", ["Normalized pulse number", "normalised pulse #", "Pulse", "x"])
def test_pulse_numbers_over_their_number_are_a_pulse_a_row(tmp_path, title):
    path = tmp_path / "curve.csv"
    rows = "".join(f"{n / 10:.3f},{0.1 * n}\n" for n in range(1, 11))
    path.write_text(f"{title},G [uS]\n{rows}", encoding="utf-8")
    m = read_measurements(path, Conventions(pulses=((-2.0, 1e-5),), read_voltage=0.1))
    assert m.pulses[1:].tolist() == [1.0] * 9
    assert "a pulse a row" in " ".join(m.ignored)


def test_a_table_of_arc_one_is_in_ohms_and_volts(tmp_path, reference):
    path = tmp_path / "station.csv"
    head = "Wordline,Bitline,Resistance,Amplitude (V),Pulse width (s),Tag,ReadTag,ReadVoltage"
    rows = [
        "1,2,1000,0,0,S R,R2 V=0.05,0.05",
        "1,2,800,-1.1,3e-6,P,R2 V=0.05,0.05",
        "1,2,1000,1.4,3e-5,P,R2 V=0.05,0.05",
    ]
    path.write_text("\n".join([head, *rows]), encoding="utf-8")
    same(read_measurements(path), reference)


@pytest.mark.parametrize(
    "title", ["delta G [uS]", "dG [uS]", "ΔG (uS)", "G model [uS]", "temperature [uS]"]
)
def test_what_is_worked_out_from_readings_is_none(tmp_path, title):
    path = tmp_path / "train.csv"
    path.write_text(f"pulse,{title}\n" + "".join(f"{i},{i + 1}\n" for i in range(9)), encoding="utf-8")
    how = Conventions(pulse=(-1.1, 3e-6), read_voltage=0.1)
    with pytest.raises(InputError):
        read_measurements(path, how)
    text = path.read_text(encoding="utf-8").splitlines()
    path.write_text(
        "\n".join([f"{text[0]},G [uS]", *(f"{one},{i + 2}" for i, one in enumerate(text[1:]))]),
        encoding="utf-8",
    )
    assert read_measurements(path, how).conductance[0] == pytest.approx(2e-6)


def test_a_title_that_appears_twice_is_named_so(tmp_path):
    path = tmp_path / "twice.csv"
    path.write_text(
        "train,voltage [V],width [s],read_voltage [V],conductance [S],conductance [S]\n"
        "1,-1.1,3e-06,0.05,0.00104,0.00209\n1,-1.1,3e-06,0.05,0.00115,0.00231\n"
    )
    with pytest.raises(InputError, match=r"column 'conductance \[S\]' appears 2 times"):
        read_measurements(path)
