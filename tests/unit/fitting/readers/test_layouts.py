"""Layouts that instruments, plotting programs and papers write, each with known values."""

import io

import numpy as np
import pytest

from fitting import read_measurements
from fitting.readers.conventions import Conventions
from roa_circuit.basics.errors import InputError

N = 8
UP = [20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0]  # [uS]
DOWN = [a - 10.0 for a in UP[::-1]]
BOTH = {"pulses": ((-1.0, 1e-6), (1.0, 1e-6)), "read_voltage": 0.1}
ONE = {"pulse": (-1.0, 1e-6), "read_voltage": 0.1}


def table(head, row, count=N, tail=()):
    """Lines of titles, then of numbers: `row` gets the pulse number and both conductances [uS]."""
    rows = [row(k + 1, UP[k % N], DOWN[k % N]) for k in range(count)]
    return "\n".join([*head, *rows, *tail]) + "\n"


def read(tmp_path, text, name="f.txt", **how):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_measurements(path, Conventions(**how))


def trains(m):
    """(conductances [uS], pulse voltages) of every train."""
    return [(m.conductance[m.train == n] * 1e6, m.voltage[m.train == n]) for n in range(len(m.labels))]


PAIRS = {
    "Igor": table(
        ["IGOR", "WAVES/D\tpulse\tG_LTP\tG_LTD", "BEGIN"],
        lambda k, a, b: f"\t{k}\t{a * 1e-6:g}\t{b * 1e-6:g}",
        tail=["END", 'X SetScale y 0,0,"S", G_LTP, G_LTD'],
    ),
    "Origin": table(
        ["Long Name\tPulse number\tG\tPulse number\tG", "Units\t\tµS\t\tµS",
         "Comments\tLTP\tLTP\tLTD\tLTD"],
        lambda k, a, b: f"\t{k}\t{a}\t{k}\t{b}",
    ),
    "Origin without names of its lines": table(
        ["Pulse number\tG\tPulse number\tG", "\tµS\t\tµS", "LTP\tLTP\tLTD\tLTD"],
        lambda k, a, b: f"{k}\t{a}\t{k}\t{b}",
    ),
    "titles in a comment of MATLAB": table(
        ["% pulse G_LTP(S) G_LTD(S)"], lambda k, a, b: f"  {k:.7e}  {a * 1e-6:.7e}  {b * 1e-6:.7e}"
    ),
    "blocks under one another with their names": "LTP\nPulse,G (uS)\n"
    + "".join(f"{k},{a}\n" for k, a in enumerate(UP, start=1)) + "\nLTD\nPulse,G (uS)\n"
    + "".join(f"{k},{a}\n" for k, a in enumerate(DOWN, start=1)),
    "a cycle in words above": table(
        ["Figure 3b,,,,", "Potentiation,,,Depression,", "Pulse number,G (μS),,Pulse number,G (μS)"],
        lambda k, a, b: f"{k},{a},,{k},{b}",
    ),
    "a power of ten in the unit": table(
        ["Pulse,LTP (x10^-6 S),LTD (×10⁻⁶ S)"], lambda k, a, b: f"{k},{a},{b}"
    ),
    "SET and RESET in kOhm": table(
        ["pulse,SET (kΩ),RESET (kΩ)"], lambda k, a, b: f"{k},{1e3 / a!r},{1e3 / b!r}"
    ),
    "words below the table": table(
        ["pulse,LTP [uS],LTD [uS]"], lambda k, a, b: f"{k},{a},{b} # ok",
        tail=["", "% aborted by user", "Total time: 12 s"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_potentiation_and_depression_however_they_are_headed(tmp_path, name):
    (up, V), (down, W) = trains(read(tmp_path, PAIRS[name], **BOTH))
    np.testing.assert_allclose(up, UP, rtol=1e-6)
    np.testing.assert_allclose(down, DOWN, rtol=1e-6)
    assert (V == -1).all()
    assert (W == 1).all()


BARE = {
    "an array of MATLAB each": "% trains\nG_ltp = [\n" + "".join(f"{a};\n" for a in UP) + "];\nG_ltd = ["
    + " ".join(map(str, DOWN)) + "];\n",
    "points off a figure": table(
        ["LTP,,LTD,", "X,Y,X,Y"], lambda k, a, b: f"{k + 0.02},{a},{k - 0.01},{b}"
    ),
    "points off a figure with names above y": table(
        ["X,LTP,X,LTD"], lambda k, a, b: f"{k + 0.02},{a},{k - 0.01},{b}"
    ),
    "points off a figure with numbers": table(
        ["x1,Potentiation,x2,Depression"], lambda k, a, b: f"{k},{a},{k},{b}"
    ),
    "x over the number of pulses": table(
        ["xLTP,LTP,xLTD,LTD"], lambda k, a, b: f"{k / N},{a},{k / N},{b}"
    ),
    "titles below prose": table(
        ["Device A: G in uS versus number; 100 us", "pulse,LTP,LTD"], lambda k, a, b: f"{k},{a},{b}"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BARE)
def test_readings_without_a_unit_take_that_of_the_option(tmp_path, name):
    with pytest.raises(InputError, match="--unit"):
        read(tmp_path, BARE[name], **BOTH)
    (up, V), (down, W) = trains(read(tmp_path, BARE[name], unit="uS", **BOTH))
    np.testing.assert_allclose(up, UP, rtol=1e-6)
    np.testing.assert_allclose(down, DOWN, rtol=1e-6)
    assert (V == -1).all()
    assert (W == 1).all()


def test_blocks_under_one_another_have_the_pulses_of_their_names(tmp_path):
    def block(name, values):
        return f"{name}\nPulse,G (uS)\n" + "".join(f"{k},{a}\n" for k, a in enumerate(values)) + "\n"

    text = "".join(block(*one) for one in (("LTD", DOWN), ("LTP", UP), ("LTD", DOWN), ("LTP", UP)))
    m = read(tmp_path, text, **BOTH)
    assert m.labels == ("LTD", "LTP", "LTD (2)", "LTP (2)")
    assert [V[1] for _, V in trains(m)] == [1.0, -1.0, 1.0, -1.0]


UNNAMED = {
    "points off a figure": table(["X,Y,X,Y"], lambda k, a, b: f"{k - 1.04},{a},{k - 1.01},{b}"),
    "counts": table(["Pulse,G (uS),Pulse,G (uS)"], lambda k, a, b: f"{k - 1},{a},{k - 1},{b}"),
    "other counts": table(["n,A,n,B"], lambda k, a, b: f"{k - 1},{a},{k - 1},{b}"),
}


@pytest.mark.parametrize("name", UNNAMED)
def test_blocks_without_names_have_several_pulses_in_their_order(tmp_path, name):
    m = read(tmp_path, UNNAMED[name], unit="uS", **BOTH)
    (up, V), (down, W) = trains(m)
    np.testing.assert_allclose(up, UP, rtol=1e-6)
    np.testing.assert_allclose(down, DOWN, rtol=1e-6)
    assert V.tolist() == [0.0] + [-1.0] * (N - 1)
    assert W.tolist() == [0.0] + [1.0] * (N - 1)
    assert [said.rsplit(" has ", 1)[1] for said in m.assumed if " has the pulses of " in said] == [
        "the pulses of -1 V", "the pulses of 1 V",
    ]  # fmt: skip
    turns = ((-1.0, 1e-6, N), (1.0, 1e-6, N))
    in_turn = read(tmp_path, UNNAMED[name], unit="uS", sequence=turns, read_voltage=0.1)
    assert any("no pulse is of 1 V" in said for said in in_turn.assumed)


def test_quotes_that_stay_open_are_refused_in_their_line(tmp_path):
    with pytest.raises(InputError, match=r"line 4: is not CSV"):
        read(tmp_path, 'pulse,G (uS)\n1,2\n2,3\n3,"4\n4,5\n5,6\n6,7\n7,8\n', **ONE)


def test_an_x_that_does_not_rise_is_refused(tmp_path):
    text = table(["X,LTP,X,LTD"], lambda k, a, b: f"{k % 3},{a},{k % 3},{b}")
    with pytest.raises(InputError, match=r"'X' is the x of points.*do not rise"):
        read(tmp_path, text, unit="uS", **BOTH)


ONES = {
    "titles parted by wide blanks": (
        table(["Pulse number   Conductance (uS)"], lambda k, a, b: f"{k}      {a}"), ONE,
    ),
    "a read voltage in the title": (
        table(["pulse,I_d (nA) at V_d = 0.1 V"], lambda k, a, b: f"{k},{a * 100}"),
        {"pulse": (-1.0, 1e-6)},
    ),
    "a read voltage with its name": (
        table(["pulse,Current(uA)@Vread=0.1V"], lambda k, a, b: f"{k},{a / 10}"),
        {"pulse": (-1.0, 1e-6)},
    ),
    "titles of two lines": (
        table(['"Pulse\nnumber","Conductance\n(µS)"'], lambda k, a, b: f"{k},{a}"), ONE,
    ),
    "a title of three lines below prose": (
        table(["Run 5", '"Pulse";"Conductance\nof the cell\n[µS]"'], lambda k, a, b: f"{k};{a:.2f}"),
        {**ONE, "columns": {"conductance": "Conductance of the cell [µS]"}},
    ),
    "everything in lines above": (
        table(["# Vread = 0.1 V", "# Vpulse = -1 V, width = 1 us", "pulse,I (uA)"],
              lambda k, a, b: f"{k},{a / 10}"), {},
    ),
    "keys and values above": (
        table(["Read voltage (mV);100", "Pulse amplitude (V);-1", "Pulse width (us);1",
               "Puls;Leitwert (µS)"], lambda k, a, b: f"{k};{a}".replace(".", ",")), {},
    ),
    "a current behind pulses": (
        table(["pulse_id,type,voltage(V),width(us),current(nA)"],
              lambda k, a, b: f"{k},P,-1,1,{a * 100}"), {"read_voltage": 0.1},
    ),
    "a minus as typesetting has it": (
        table(["Pulse,V (V),width (us),Vread (V),G (uS)"], lambda k, a, b: f"{k},−1.0,1,0.1,{a}"), {},
    ),
    "a gate that is pulsed": (
        table(["Pulse number,V_gate (V),t_gate (us),V_sd (V),I_sd (nA)"],
              lambda k, a, b: f"{k},-1,1,0.1,{a * 100}"), {},
    ),
    "UTF-16 between tabs": (
        table(["Pulse\tV (V)\tWidth (us)\tVread (V)\tI (nA)"],
              lambda k, a, b: f"{k}\t-1\t1\t0.1\t{a * 100}").encode("utf-16"), {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ONES)
def test_one_train_however_it_is_headed(tmp_path, name):
    text, how = ONES[name]
    m = read(tmp_path, text, **how)
    ((G, V),) = trains(m)
    np.testing.assert_allclose(G, UP, rtol=1e-6)
    np.testing.assert_allclose(m.width, 1e-6, rtol=1e-9)
    assert (V == -1).all()
    assert (m.read_voltage == 0.1).all()


def test_an_option_beats_the_lines_above_with_a_word(tmp_path):
    text = table(["# Vread = 0.2 V", "# Vpulse = -1.1 V, width = 3 us", "pulse,I (uA)"],
                 lambda k, a, b: f"{k},{a / 10}")  # fmt: skip
    m = read(tmp_path, text, **ONE)
    np.testing.assert_allclose(m.conductance * 1e6, UP)
    said = " ".join(m.assumed)
    assert "read at 200 mV; --read 0.1 V counts" in said
    assert "-1.1 V, 3 µs; --pulse counts" in said
    both = text.replace("# Vread", "# Vpulse = 2 V\n# Vread")  # of two pulses neither
    with pytest.raises(InputError, match=r"columns 'voltage \[V\]', 'width \[s\]' are missing"):
        read(tmp_path, both)


@pytest.mark.parametrize("title", ["G/Gmax", "G/G0", "Normalized conductance", "Weight", "G (a.u.)"])
def test_a_share_of_some_conductance_is_normalised_whatever_the_unit_says(tmp_path, title):
    text = table([f"Pulse number,{title}"], lambda k, a, b: f"{k},{a / 100}")
    m = read(tmp_path, text, unit="uS", **ONE)
    assert m.normalised
    np.testing.assert_allclose(m.conductance * 100, UP)


def test_a_resistance_over_another_falls_as_the_conductance_rises(tmp_path):
    text = table(["Pulse number,R/R0 LTP,R/R0 LTD"], lambda k, a, b: f"{k},{20 / a!r},{20 / b!r}")
    m = read(tmp_path, text, **BOTH)
    assert m.normalised
    np.testing.assert_allclose(m.conductance[m.train == 0] * 20, UP)


def test_a_column_of_words_tells_potentiation_from_depression(tmp_path):
    def row(k, a, b):
        return f"{k},{'P' if k <= N else 'D'},{a if k <= N else b}"

    ((G, V),) = trains(read(tmp_path, table(["Pulse,Type,G (uS)"], row, 2 * N), **BOTH))
    np.testing.assert_allclose(G, [*UP, *DOWN])
    np.testing.assert_array_equal(V, [-1] * N + [1] * N)

    def anew(k, a, b):
        return f"{(k - 1) % N + 1},{'LTP' if k <= N else 'LTD'},{a if k <= N else b}"

    m = read(tmp_path, table(["Pulse,Type,G (uS)"], anew, 2 * N), **BOTH)
    assert m.labels == ("LTP", "LTD")
    assert [set(V) for _, V in trains(m)] == [{-1.0}, {1.0}]


def test_titles_say_the_pulses_of_their_trains(tmp_path):
    text = table(["Pulse number,G (uS) -1.0 V,G (uS) -1.1 V"], lambda k, a, b: f"{k},{a},{a}")
    m = read(tmp_path, text, width=1e-6, read_voltage=0.1)
    assert [set(V) for _, V in trains(m)] == [{-1.0}, {-1.1}]
    with pytest.raises(InputError, match=r"'G .uS. -1.1 V' says another pulse than --pulse"):
        read(tmp_path, text, **ONE)
    whole = table(['Pulse number,"G (uS), -1.0 V, 10 us","G (uS), -1.1 V, 20 us"'],
                  lambda k, a, b: f"{k},{a},{a}")  # fmt: skip
    m = read(tmp_path, whole, read_voltage=0.1)
    np.testing.assert_allclose([m.width[m.train == n][0] for n in (0, 1)], [1e-5, 2e-5])
    widths = table(["Pulse number,100 ns,1 us"], lambda k, a, b: f"{k},{a},{a}")
    with pytest.raises(InputError, match="'100 ns' says another pulse"):
        read(tmp_path, widths, unit="uS", **ONE)
    each = {"pulses": ((-1.0, 1e-7), (-1.0, 1e-6)), "read_voltage": 0.1}
    m = read(tmp_path, widths, unit="uS", **each)
    np.testing.assert_allclose([m.width[m.train == n][0] for n in (0, 1)], [1e-7, 1e-6])


def test_the_name_of_a_file_is_held_against_the_pulse(tmp_path):
    text = table(["pulse,G (uS)"], lambda k, a, b: f"{k},{a}")
    m = read(tmp_path, text, "LTP_1.5V_10us.csv", **ONE)
    assert "whatever the file's name says" in " ".join(m.assumed)
    m = read(tmp_path, text, "LTP_1.5V_10us.csv", pulse=(-1.5, 1e-5), read_voltage=0.1)
    assert not m.assumed


def test_pulses_by_the_order_of_trains_are_said(tmp_path):
    text = table(["Device,Pulse,G (uS)"], lambda k, a, b: f"D{(k - 1) // N + 1},{k},{a}", 2 * N)
    m = read(tmp_path, text, **BOTH)
    assert m.assumed[-2:] == ("'D1' has the pulses of -1 V", "'D2' has the pulses of 1 V")


def test_what_is_no_reading_is_no_train(tmp_path):
    epochs = table(["Epoch,Pulse,G_LTP (uS)"], lambda k, a, b: f"1,{k},{a}")
    m = read(tmp_path, epochs, unit="uS", **ONE)
    assert len(m.labels) == 1
    assert m.ignored == ("Epoch",)
    warm = table(["Pulse,D1 (uS),T (°C)"], lambda k, a, b: f"{k},{a},25")
    np.testing.assert_allclose(read(tmp_path, warm, **ONE, unit="uS").conductance * 1e6, UP)
    volts = table(["Pulse,D1 (uS),VX (V)"], lambda k, a, b: f"{k},{a},-1")
    with pytest.raises(InputError, match=r"'VX .V.' is a voltage, no reading: --column voltage="):
        read(tmp_path, volts, unit="uS", **ONE)
    half = table(["Pulse,G_LTP (S),G_LTD"], lambda k, a, b: f"{k},{a},{b}")
    with pytest.raises(InputError, match="'G_LTD' lacks its unit, which other columns have"):
        read(tmp_path, half, unit="uS", **BOTH)


def test_a_gate_is_pulsed_and_the_channel_is_read(tmp_path):
    text = table(["Time (s),Vg (V),Gsd (uS)"], lambda k, a, b: f"{2 * k},{-1 if k < 4 else 1},{a}")
    m = read(tmp_path, text, width=1e-3, read_voltage=0.1)
    np.testing.assert_array_equal(m.voltage, [-1] * 3 + [1] * 5)
    assert "'Vg (V)' is the pulses' voltage and 'Gsd (uS)' what is read" in " ".join(m.assumed)
    curve = table(["Vg (V),Id (A)"], lambda k, a, b: f"{k / 10},{a * 1e-6}", N)
    curve += "".join(f"{k / 10},{k * 1e-6}\n" for k in range(9, 30))  # a transfer curve has no pulses
    assert read(tmp_path, curve).sweep.all()


def test_a_pulse_of_no_width_at_the_read_voltage_is_a_read(tmp_path):
    text = "Wordline,Bitline,Resistance,Amplitude,Pulse width,Tag,ReadTag,ReadVoltage\n"
    text += "1,1,100000,0.5,0,S R2 V=0.5,R2,0.5\n1,1,50000,-1.2,1e-05,P,R2,0.5\n"
    m = read(tmp_path, "Arc1 v1.0\n2020-01-01\n" + text)
    np.testing.assert_allclose(m.voltage, [0, -1.2])
    np.testing.assert_allclose(m.conductance, [1e-5, 2e-5])


def test_cycles_of_a_sweep_side_by_side(tmp_path):
    points = [*np.linspace(0, 1, 6), *np.linspace(0.8, 0, 5)]
    lines = ["Cycle 1,,Cycle 2,", "Voltage,Current,Voltage,Current", "V,A,V,A"]
    lines += [f"{v:.1f},{v * 1e-4:g},{v:.1f},{v * 2e-4:g}" for v in points]
    m = read(tmp_path, "\n".join(lines))
    assert m.labels == ("Cycle 1", "Cycle 2")
    assert m.sweep.all()
    np.testing.assert_allclose(m.current[m.train == 1], [v * 2e-4 for v in points])


def test_pulses_and_reads_that_alternate_are_no_sweep(tmp_path):
    text = table(["t (s),V (V),I (A)"],
                 lambda k, a, b: f"{k * 1e-3},{-1.2 if k % 2 else 0.1},{1e-6 * (-2 if k % 2 else 1)}",
                 2 * N)  # fmt: skip
    with pytest.raises(InputError, match="takes 2 values but 0 in 16 rows: --dwell time"):
        read(tmp_path, text)


def test_notes_before_the_data_of_a_workbook(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "Notes"
    book.active["A1"] = "see the next sheet"
    sheet = book.create_sheet("Fig2c")
    sheet.append(["# pulses", "Conductance (S)"])
    for k, a in enumerate(UP):
        sheet.append([k + 1, a * 1e-6])
    held = io.BytesIO()
    book.save(held)
    m = read(tmp_path, held.getvalue(), "book.xlsx", **ONE)
    np.testing.assert_allclose(m.conductance * 1e6, UP)
    assert "sheet 'Notes'" in m.ignored


def test_an_option_that_columns_repeat_is_none_too_many(tmp_path):
    text = table(
        ["V (V),width (us),Vread (V),G (uS)"], lambda k, a, b: f"{-1 if k < 4 else 1},1,0.1,{a}"
    )
    m = read(tmp_path, text, **ONE)
    assert "--pulse is not needed, as columns have the pulses" in m.assumed
    np.testing.assert_array_equal(m.voltage, [-1] * 3 + [1] * 5)
    for how, option in (({"pulse": (-1.5, 1e-6)}, "--pulse"), ({"read_voltage": 0.2}, "--read")):
        with pytest.raises(InputError, match=f"{option} is one too many"):
            read(tmp_path, text, **how)


def test_a_count_that_is_no_number_is_named(tmp_path):
    with pytest.raises(InputError, match="line 3, column 'num_applied': is no number of pulses"):
        read(tmp_path, "num_applied,G (uS)\n1,20\n+,30\n2,40\n", **ONE)
