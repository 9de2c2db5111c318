"""Whatever a file holds, the reader gives measurements or an InputError of one line, soon."""

import io
import time
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fitting import fit_device, read_measurements
from fitting.commands import cli
from fitting.judgement.inspection import inspect_trains, listed, summary
from fitting.readers.conventions import Conventions
from fitting.readers.measurements import describe
from roa_circuit.basics.errors import InputError
from roa_circuit.device.parameters import load_device

LONG = (
    "# comment\ntrain,voltage [V],width [us],read_voltage [V],conductance [S],current [A]\n"
    "a,0,,0.05,1e-3,\na,-1.1,3,0.05,1.2e-3,\na,1.4,30,0.05,1.1e-3,\nb,0.4,,,,5e-4\n"
)
TABBED = LONG.replace(",", "\t")
DECIMAL_COMMAS = LONG.replace(",", ";").replace(".", ",")
WIDE = "one,two\n1.5,2\n1.6,2.1\n1.7,\n1.9,2.4\n"
PULSED_WIDE = "V [mV],t [ns],d1 [kOhm],d2 [kOhm]\n-900,50,12.1,13\n-900,50,11.8,\n900,80,12,12.9\n"
PAIRS = (
    "cell\twidth [ns]\tV [mV]\tR_before [kOhm]\tR_after\n1\t20\t500\t100\t80k\n2\t40us\t1V\t50\t20kOhm\n"
)
DEVICES = (
    "device,train,V_pulse,t_pulse,Vread,read_current [uA]\n"
    "d1,1,-1.1V,3us,50mV,60\nd1,1,-1.1V,3us,50mV,66\nd2,1,1.4V,30us,50mV,70\nd2,1,1.4V,30us,50mV,64\n"
)
BELOW = (
    "train,V_pulse,width,V_read,G\n,mV,us,V,uS\na,0,,0.05,1000\na,-1100,3,0.05,\nb,1400,30,0.05,1000\n"
)
RECORDS = "SetupTitle, I/V\nMetaData, a, b\n" + 2 * (
    "DataName, V1, I1\nDataValue, -0.5, -1E-4\nDataValue, 0.5, 2E-4\nDimension1, 2\n"
)
EXPORT = (
    "SetupTitle, IV\nTestParameter, Channel.VName, Vrow, Vcol\n"
    "TestParameter, Channel.IName, Irow, Icol\n"
    + (
        "TestParameter, Channel.Func, VAR1, CONST\n"
        "TestParameter, Measurement.Primary.Compliance, 0.001\n"
        "MetaData, TestRecord.RecordTime, 03/21/2019\nDimension1, 3, 3, 3\nDataName, Vrow, Vcol, Irow\n"
        "DataValue, 0, 0, 1E-9\nDataValue, 0.5, 0, 5E-4\nDataValue, 1, 0, 1E-3\n"
    )
)
BLOCKS = "LTP_Pulse Number,D1,D2,,LTD_Pulse Number,D1,D2\n" + "".join(
    f"{n},{n}e-6,{n + 1}e-6,,{n},{9 - n}e-6,{10 - n}e-6\n" for n in range(1, 6)
)
GAPS = "pulse,conductance (S)\n0,1e-6\n1.5,2e-6\n4,3e-6\n8,4e-6\n"
SWEPT = "Smu1.Time[1][1],Smu1.V[1][1],Smu1.I[1][1]\n" + "".join(
    f"0.{n},{0.1 * n:.1f},{n}e-6\n" for n in range(9)
)
MARKED = "Index\tVtop\tItop\tResistance\n" + "".join(
    f"{n}\t {100 * n} mV\tC {n}00.0 uA\t 1.0 kohm\n" for n in range(5)
)
AS_ROWS = "cycle,1,2,3,4\n1,1,2,3,4\n2,2,3,4,5\n"
REREADS = "voltage [V],width [us],num_applied,i_0,i_1\n-1,1,1,1e-6,2e-6\n-1,1,4,3e-6,4e-6\n"
CYCLES = "Cycle,HRS (kOhm),LRS (kOhm)\n1,100,10\n2,110,11\n10,120,12\n"
RETAINED = "Time (s),LRS (S)\n1,1e-4\n10,1.1e-4\n100,1.2e-4\n"
LVM = (
    "LabVIEW Measurement\t\nSeparator\tTab\n***End_of_Header***\t\n\t\nChannels\t2\t\n"
    "Y_Unit_Label\tVolts\tAmps\n"
    "***End_of_Header***\t\t\nX_Value\tVoltage\tCurrent\tComment\n0,0\t0,1\t1e-6\n0,1\t0,2\t2e-6\n"
)
FITTABLE = "voltage [V],width [us],read_voltage [V],conductance [mS]\n" + "".join(
    f"{V},{T},0.05,{G:.4g}\n"
    for sign, V, T in ((1, -1.1, 3), (-1, 1.4, 30))
    for G in (1.15 - 0.35 * sign + 0.6 * sign * n / (n + 2) for n in range(1, 8))
)
TEXTS = {
    FITTABLE: Conventions(),
    LONG: Conventions(),
    TABBED: Conventions(scale=0.01),
    DECIMAL_COMMAS: Conventions(where=(("train", "a"),)),
    WIDE: Conventions(pulse=(-1.1, 3e-6), read_voltage=0.1, unit="uA"),
    PULSED_WIDE: Conventions(read_voltage=0.1, columns={"width": "t"}),
    PAIRS: Conventions(read_voltage=0.1, positive_sets=True),
    DEVICES: Conventions(),
    BELOW: Conventions(),
    EXPORT: Conventions(),
    BLOCKS: Conventions(pulses=((-1.0, 1e-6), (1.0, 1e-6)), read_voltage=0.1, unit="A"),
    GAPS: Conventions(pulse=(-1.0, 1e-6), read_voltage=0.1, dropped=(3,)),
    SWEPT: Conventions(dwell=np.inf),
    MARKED: Conventions(),
    AS_ROWS: Conventions(sequence=((-1.0, 1e-6, 2), (1.0, 1e-6, 2)), read_voltage=0.1, unit="uS"),
    REREADS: Conventions(read_voltage=0.1, si=True),
    CYCLES: Conventions(pulses=((-1.0, 1e-6), (1.0, 1e-6)), read_voltage=0.1),
    RETAINED: Conventions(read_voltage=0.1),
    LVM: Conventions(),
    RECORDS: Conventions(dwell=0.02, columns={"voltage": "V1 [V]", "current": "I1 [A]"}),
}
MEMBERS = {"xl/worksheets/sheet1.xml", "xl/workbook.xml", "[Content_Types].xml"}


def workbook(text):
    """The same table as XLSX."""
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    separator = next(s for s in ";\t," if s in text.splitlines()[-1])
    for line in text.splitlines():
        sheet.append([_cell(cell) for cell in line.split(separator)])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _cell(text):
    try:
        return float(text)
    except ValueError:
        return text or None


def arrays():
    """The same kind of table as MATLAB and numpy keep it."""
    import scipy.io

    columns = {"voltage": np.linspace(-1, 1, 9), "current": np.linspace(-1e-3, 1e-3, 9)}
    matlab, numpy_ = io.BytesIO(), io.BytesIO()
    scipy.io.savemat(matlab, {"iv": columns, "note": "x"})
    np.savez(numpy_, **columns)
    return [matlab.getvalue(), numpy_.getvalue()]


ARRAYS = {content: Conventions(si=True) for content in arrays()}
FILES = {text.encode(): how for text, how in TEXTS.items()}
BOOKS = {workbook(text): how for text, how in TEXTS.items()}

# What instruments, spreadsheets and people put where a number or a title should be.
tokens = st.sampled_from([
    "nan", "inf", "-inf", "1e308", "-1e308", "1e-320", "1e999", "-0", "0", "+", "-", ".", "1_000",
    "0x1F", "1,5", "1.5.2", "--1", "1e", "5 kOhm", "5mV", "3 us", "1 %", "1e5m", "5Ohm", "TRUE", "=1/0",
    "12:30", "N/A", "#N/A", "#DIV/0!", "2026-11-22", "µ", "µs", "kΩ", "\u0661\u0662", "\u00bd", "\ufeff",
    "\u2028", "'", '"', '""', "a" * 400, "9" * 400, "[V]", "[", "]", "()", "[bold]x[/]", "[/]", "%s",
    "{0}", "\\", "\x1b[31m", "train", "voltage [V]", "width [s]", "conductance [S]", "R_before [Ohm]",
    "current [A]",
])  # fmt: skip
pieces = st.one_of(
    st.binary(max_size=6),
    st.sampled_from([b",", b"\n", b"\t", b";", b'"', b"-", b"\0", b"\r", b"\x85", b"\xc2\xb5", b"\x1a"]),
    tokens.map(str.encode),
)
edit = st.tuples(st.integers(0, 400), st.integers(0, 12), pieces)


def spliced(content, edits):
    for place, length, piece in edits:
        content = content[:place] + piece + content[place + length :]
    return content


@st.composite
def damaged_bytes(draw):
    """A file with some bytes replaced, cut, or doubled."""
    file = draw(st.sampled_from([*FILES, *BOOKS, *ARRAYS]))
    content = spliced(file, draw(st.lists(edit, min_size=1, max_size=4)))
    content = content[: draw(st.integers(0, len(content)))] if draw(st.booleans()) else content
    return content, (FILES | BOOKS | ARRAYS)[file]


@st.composite
def damaged_cells(draw):
    """A table with some cells replaced, lines and columns doubled, dropped or moved, in any encoding."""
    text = draw(st.sampled_from(list(TEXTS)))
    separator = next(s for s in ";\t," if s in text.splitlines()[-1])
    rows = [line.split(separator) for line in text.splitlines()]
    for _ in range(draw(st.integers(1, 4))):
        row = draw(st.integers(0, len(rows) - 1))
        column = draw(st.integers(0, max(len(rows[row]) - 1, 0)))
        match draw(st.sampled_from(["cell", "cell", "line", "no line", "column", "no column", "swap"])):
            case "cell":
                rows[row][column : column + 1] = [draw(tokens)]
            case "line":
                rows.insert(draw(st.integers(0, len(rows))), list(rows[row]))
            case "no line" if len(rows) > 1:
                del rows[row]
            case "column":
                for line in rows:
                    line[column:column] = line[column : column + 1]
            case "no column":
                for line in rows:
                    del line[column : column + 1]
            case "swap":
                other = draw(st.integers(0, len(rows) - 1))
                rows[row], rows[other] = rows[other], rows[row]
    damaged = "\n".join(separator.join(line) for line in rows)
    if draw(st.integers(0, 3)) == 0:
        return workbook_of(rows), TEXTS[text]
    codec = draw(st.sampled_from(["utf-8"] * 6 + ["utf-8-sig", "utf-16", "latin-1", "cp1252", "utf-32"]))
    return damaged.encode(codec, errors="replace"), TEXTS[text]


def workbook_of(rows):
    """Any cells as XLSX; what its format forbids is left out."""
    import openpyxl
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = openpyxl.Workbook()
    for row in rows:
        book.active.append([_cell(ILLEGAL_CHARACTERS_RE.sub("", cell)) for cell in row])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@st.composite
def damaged_members(draw):
    """A workbook whose XML is damaged inside a sound archive, or whose parts are missing."""
    book = draw(st.sampled_from(list(BOOKS)))
    edits = draw(st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 12), pieces), max_size=3))
    chosen = draw(st.sampled_from(sorted(MEMBERS)))
    number = draw(st.sampled_from([None, None, "99999999", "1048576", "XFD1", "-3", "x"]))
    missing = draw(st.booleans()) and not edits
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(result, "w") as new:
        for member in old.namelist():
            content = old.read(member)
            if member == chosen:
                if missing:
                    continue
                content = spliced(content, edits)
                if number is not None:
                    content = content.replace(b'r="2"', f'r="{number}"'.encode())
                    content = content.replace(b'r="B2"', f'r="{number}"'.encode())
            new.writestr(member, content)
    return result.getvalue(), BOOKS[book]


damaged = st.one_of(damaged_bytes(), damaged_cells(), damaged_cells(), damaged_members())


def check(path, content, how=Conventions()):
    """Measurements that every later step can show, or an InputError of one line that names the file."""
    path.write_bytes(content)
    began = time.process_time()
    try:
        m = read_measurements(path, how)
    except InputError as error:
        complaint, m = str(error), None
    if m is None:
        assert str(path) in complaint
        assert "\n" not in complaint
    else:
        finite = np.isfinite([m.voltage, m.width, m.read_voltage, m.current]).all()
        assert len(m) > 0
        assert finite
        assert (np.diff(m.train) >= 0).all()
        trains = inspect_trains(m)
        assert listed(trains, 20)[1]
        assert summary(m, trains)
        assert describe(m)
    assert time.process_time() - began < 5.0


_settings = settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@_settings
@given(damaged)
def test_a_damaged_table_is_read_or_refused_in_one_line(tmp_path, file):
    check(tmp_path / "t", *file)


@pytest.mark.slow
@settings(_settings, max_examples=10_000)
@given(damaged)
def test_ten_thousand_damaged_tables_are_read_or_refused_in_one_line(tmp_path, file):
    check(tmp_path / "t", *file)


@_settings
@given(content=st.binary(max_size=200), how=st.sampled_from(list(FILES.values())))
def test_any_bytes_are_read_or_refused_in_one_line(tmp_path, content, how):
    check(tmp_path / "t.csv", content, how)


@settings(_settings, max_examples=8)
@given(logs=st.lists(st.tuples(*[st.floats(-1, 1)] * 3), min_size=12, max_size=30))
def test_wild_numbers_still_end_in_a_fit(tmp_path, logs):
    """No overflow (warnings are errors) whatever sizes the reader lets through."""
    rows = [
        f"a,{V * 99 or 1:.3g},{10 ** (11 * T - 7):.3g},0.05,{10 ** (12 * G - 6):.3g},"
        if V
        else "a,1,,,,1e-9"
        for V, T, G in logs
    ]
    path = tmp_path / "t.csv"
    header = "train,voltage [V],width [s],read_voltage [V],conductance [S],current [A]"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    f = fit_device(read_measurements(path), load_device("zhang2021"))
    assert np.isfinite(f.residual).all()
    assert all(e.value > 0 for e in f.estimates.values())


def options(how):
    """The conventions as the command line says them."""
    said = [] if how.pulse is None else ["--pulse", "-1.1V,3us"]
    said += [] if how.read_voltage is None else ["--read", f"{how.read_voltage}V"]
    said += [] if how.unit is None else ["--unit", how.unit]
    return [*said, *(["--polarity", "positive-sets"] if how.positive_sets else [])]


@pytest.mark.slow
@settings(_settings, max_examples=400)
@given(damaged)
def test_commands_end_well_and_leave_all_or_nothing(tmp_path_factory, command, file):
    """Exit code 0 or 1 with all files; or 2, one line of complaint and no file."""
    folder = tmp_path_factory.mktemp("fuzz")
    path = folder / "t"
    path.write_bytes(file[0])
    for name in ("fit", "spread"):
        out = folder / name
        code, _, err = command(cli.main, name, path, *options(file[1]), "--output-dir", out)
        assert code in (0, 1, 2)
        assert (err.count("\n"), err.startswith("error:")) == ((1, True) if code == 2 else (0, False))
        assert out.exists() == (out / f"{name}.json").exists() == (code != 2)
    code, _, err = command(cli.main, "inspect", path, *options(file[1]))
    assert (code, err.count("\n")) in ((0, 0), (2, 1))
