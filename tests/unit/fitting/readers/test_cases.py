"""Small tables that were once misread, in the forms in which people keep them."""

import numpy as np
import pytest

from fitting import read_measurements
from fitting.judgement.hints import hints
from fitting.readers.conventions import Conventions
from roa_circuit.basics.errors import InputError

PULSE = {"pulse": (-1.0, 1e-6), "read_voltage": 0.1}
BOTH = {"pulses": ((-1.0, 1e-6), (1.0, 1e-6)), "read_voltage": 0.1}


@pytest.fixture
def read(tmp_path):
    """Write a table and read it, with conventions."""

    def of(text, name="t.csv", **how):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return read_measurements(tmp_path / name, Conventions(**how))

    return of


def sweep(V, current, head):
    return head + "".join(f"{v:.4f},{i:.5e}\n" for v, i in zip(V, current, strict=True))


LOOP = np.concatenate([np.linspace(0, 1, 11), np.linspace(0.9, 0, 10)])
CURRENT = np.where(np.arange(21) < 11, 1e-5, 1e-4) * LOOP


BLOCKS = "LTP_Pulse Number,Device1,Device2,,LTD_Pulse Number,Device1,Device2\n" + "".join(
    f"{n},{n * 1e-6},{2 * n * 1e-6},,{n},{(9 - n) * 1e-6},{(10 - n) * 1e-6}\n" for n in range(1, 9)
)


def test_blocks_side_by_side_are_potentiation_and_depression(read):
    m = read(BLOCKS, unit="A", **BOTH)
    assert m.labels == ("LTP Device1", "LTP Device2", "LTD Device1", "LTD Device2")
    assert m.devices == ("Device1", "Device2") * 2
    assert np.bincount(m.train).tolist() == [8] * 4
    np.testing.assert_array_equal(m.voltage, np.repeat([-1.0, 1.0], 16))
    turned = read(BLOCKS, unit="A", positive_sets=True, **BOTH)
    assert turned.voltage.tolist() == m.voltage.tolist(), "V < 0 potentiates, once turned"
    alike = read(BLOCKS, unit="A", **PULSE)
    assert set(alike.voltage) == {-1.0}
    assert "a second --pulse gives depression its own" in " ".join(alike.assumed)


@pytest.mark.parametrize("first", ["pulse", "Pulse #", "n", "index", "cycle", "No.", ""])
def test_a_counter_is_no_train(read, first):
    rows = "".join(f"{n},{15 + 3 * n},{20 + 2 * n}\n" for n in range(1, 7))
    m = read(f"{first},A [uS],B [uS]\n{rows}", **PULSE)
    assert m.labels == ("A [uS]", "B [uS]")
    assert m.pulses.tolist() == [1.0] * 12
    bare = read(rows, unit="uS", **PULSE)
    assert bare.labels == ("column 2", "column 3")
    np.testing.assert_allclose(bare.conductance, m.conductance)


@pytest.mark.parametrize("first", [
    "Pulse No.", "Pulse Nr.", "pulse_no", "No.", "Nr.", "#", "", "Unnamed: 0", "Step", "iteration",
    "Point", "Pulse ID", "No. of pulses", "Pulse #", "n", "Count", "Pulsnummer", "Puls Nr.",
])  # fmt: skip
def test_a_count_from_0_begins_with_a_reading_before_any_pulse(read, first):
    rows = "".join(f"{n},{15 + 3 * n}\n" for n in range(7))
    m = read(f"{first},G [uS]\n{rows}", **PULSE)
    assert m.pulses.tolist() == [0.0] + [1.0] * 6
    assert any("begins at 0, which is a reading before any pulse" in said for said in m.assumed)
    assert read(rows, unit="uS", **PULSE).pulses.tolist() == m.pulses.tolist()


@pytest.mark.parametrize("first", ["index", "Idx", "Pulse index"])
def test_an_index_0_is_the_first_pulse(read, first):
    m = read(f"{first},G [uS]\n" + "".join(f"{n},{15 + 3 * n}\n" for n in range(7)), **PULSE)
    assert m.pulses.tolist() == [1.0] * 7
    assert any("begins at 0, which is the first pulse" in said for said in m.assumed)


FOOTERS = {
    "statistics": "Mean,50\nStd. dev.,12\nMax,80\n",
    "behind an empty line": "\nAverage:,50\nON/OFF ratio,5.4\n",
    "words behind an empty line": "\nfinal value,50\n",
    "as pandas describes": "count,7\nmean,50\nstd,12\nmin,10\n25%,12\nmax,80\n",
    "in German": "Mittelwert,50\nStandardabweichung,12\n",
    "of fewer cells": "Median\n",
}


@pytest.mark.parametrize("name", FOOTERS)
@pytest.mark.parametrize("first", ["Pulse", "n", "Cycle"])
def test_statistics_below_a_table_are_no_readings_and_it_is_said(read, name, first):
    rows = "".join(f"{n},{15 + 3 * n}\n" for n in range(7))
    m = read(f"{first},G [uS]\n{rows}{FOOTERS[name]}", **PULSE)
    np.testing.assert_allclose(m.conductance * 1e6, [15 + 3 * n for n in range(7)])
    assert m.pulses.sum() == 6
    assert (
        len([said for said in m.ignored if "(below the table)" in said])
        == FOOTERS[name].strip("\n").count("\n") + 1
    )


def test_statistics_below_columns_of_names_and_voltages_are_no_readings(read):
    rows = "".join(f"a,{n},-1,1,0.1,{15 + 3 * n}\n" for n in range(1, 8))
    head = "train,pulse,V (V),width (us),Vread (V),G (uS)\n"
    assert len(read(head + rows + "Mean,,,,,40\n")) == 7
    assert len(read(head + rows + ",,,,Mean,40\n")) == 7
    loop = read("V (V),I (A)\n0,0\n0.1,1e-5\n0.2,2e-5\n0.1,1e-5\nMean,1e-5\n")
    assert len(loop) == 4


def test_a_train_that_is_called_max_is_no_footer(read):
    rows = "".join(f"{t},-1,1,0.1,{15 + n}\n" for t in ("min", "max") for n in range(5))
    m = read("train,V (V),width (us),Vread (V),G (uS)\n" + rows)
    assert m.labels == ("min", "max")
    assert len(m) == 10


@pytest.mark.parametrize("first", ["Pulse", "n", "No.", "Count"])
@pytest.mark.parametrize(("cell", "said"), [("abc", "is 'abc'"), ("", "is empty"), ("init", "'init'")])
def test_a_word_among_numbers_of_pulses_is_refused(read, first, cell, said):
    rows = "".join(f"{cell if n == 3 else n},{15 + 3 * n}\n" for n in range(9))
    with pytest.raises(InputError, match=rf"line 5, column '{first}'.*({said}|no number of pulses)"):
        read(f"{first},G [uS]\n{rows}", **PULSE)
    with pytest.raises(InputError, match=r"line 11, column 'Pulse': is empty"):
        read("Pulse,G [uS]\n" + "".join(f"{n},{n + 1}\n" for n in range(9)) + ",5\n", **PULSE)


@pytest.mark.parametrize("head", [
    "Pulse,G [uS]", "n,G [uS]", "Pulse,LTP [uS]", "Time (s),G [uS]", "index,G [uS]", "No.,G [uS]",
])  # fmt: skip
def test_numbers_and_times_that_fall_from_row_to_row_are_refused(read, head):
    rows = "".join(f"{9 - n},{15 + 3 * n}\n" for n in range(9))
    with pytest.raises(InputError, match=r"line 3, column .* is 8 after 9; .*sort the rows"):
        read(f"{head}\n{rows}", **PULSE)
    beside = "".join(f"{9 - n},-1,1,{15 + 3 * n}\n" for n in range(9))
    title = head.split(",", 1)[0]
    with pytest.raises(InputError, match=r"is 8 after 9"):
        read(f"{title},V (V),width (us),G [uS]\n{beside}", read_voltage=0.1)


def test_commas_part_columns_before_they_are_decimals(read):
    m = read("A [uS],B [uS]\n105,98\n131,120\n150,139\n", **PULSE)
    np.testing.assert_allclose(m.conductance * 1e6, [105, 131, 150, 98, 120, 139])


def test_a_pulse_number_that_skips_counts_the_pulses_between(read):
    rows = "".join(f"{n},-1,1,0.1,{n}e-6\n" for n in (1, 2, 4, 8, 8, 12.5))
    m = read("pulse_number,voltage [V],width [us],read_voltage [V],G [S]\n" + rows)
    assert m.pulses.tolist() == [1, 1, 2, 4, 0, 4.5]
    np.testing.assert_allclose(m.width, m.pulses * 1e-6)


def test_pulses_a_row_and_re_readings_side_by_side(read):
    text = "voltage [V],width [us],num_applied,i_0 [uA],i_1 [uA],i_2 [uA]\n-1,1,1,1,2,3\n-1,1,4,4,5,6\n"
    m = read(text, read_voltage=0.1)
    assert m.labels == ("t",)
    assert m.pulses.tolist() == [1, 0, 0, 4, 0, 0]
    np.testing.assert_allclose(m.width, np.array([1, 0, 0, 4, 0, 0]) * 1e-6)
    np.testing.assert_allclose(m.current, np.arange(1, 7) * 1e-6)
    with pytest.raises(InputError, match="--layout rereads or --layout columns"):
        read("pulse,i_0,i_1\n1,1,2\n2,2,3\n", **PULSE)


def test_a_title_that_appears_twice_is_two_trains(read):
    m = read("pulse,G [uS],G [uS]\n1,5,50\n2,6,40\n3,7,30\n", **PULSE)
    assert m.labels == ("G [uS]", "G [uS] (2)")
    np.testing.assert_allclose(m.conductance * 1e6, [5, 6, 7, 50, 40, 30])


def test_cycles_as_rows(read):
    rows = "".join(f"{c}," + ",".join(f"{n + c}" for n in range(1, 9)) + "\n" for c in (3, 5))
    m = read("cycle," + ",".join(map(str, range(1, 9))) + "\n" + rows, unit="uS", **PULSE)
    assert m.labels == ("cycle 3", "cycle 5")
    np.testing.assert_allclose(m.conductance * 1e6, [*range(4, 12), *range(6, 14)])
    assert m.line.tolist() == [2] * 8 + [3] * 8
    assert m.pulses.tolist() == [1.0] * 16


def test_a_matrix_without_titles_lies_either_way(read):
    rows = [[r + 10 * c + 1.5 for c in range(7)] for r in range(8)]
    text = "".join(",".join(map(str, row)) + "\n" for row in rows)
    with pytest.raises(InputError, match="--layout columns if every column is a train"):
        read(text, unit="uS", **PULSE)
    by_row = read(text, unit="uS", layout="rows", **PULSE)
    np.testing.assert_allclose(by_row.conductance * 1e6, np.ravel(rows))
    by_column = read(text, unit="uS", layout="columns", **PULSE)
    np.testing.assert_allclose(by_column.conductance * 1e6, np.transpose(rows).ravel())


def test_high_and_low_states_of_cycles_alternate(read):
    text = "Cycle,HRS (kOhm),LRS (kOhm)\n1,100,10\n2,110,11\n10,120,12\n"
    m = read(text, **BOTH)
    np.testing.assert_allclose(1e-3 / m.conductance, [100, 10, 110, 11, 120, 12])
    assert m.voltage.tolist() == [1, -1] * 3
    with pytest.raises(InputError, match="give --pulse twice"):
        read(text, **PULSE)


def test_readings_over_time_have_no_pulses(read):
    text = "Time (s),LRS (S),HRS (S)\n" + "".join(f"{10**n},1e-4,1e-6\n" for n in range(4))
    with pytest.raises(
        InputError, match=r"'read_voltage \[V\]' is missing \(or give --read 0.1V and --pulse"
    ):
        read(text)
    m = read(text, read_voltage=0.1)
    assert not m.voltage.any()
    assert m.time.tolist() == [1, 10, 100, 1000] * 2
    assert "without a pulse between them" in m.assumed[0]


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("Smu1.V[1][1],Smu1.I[1][1]\n", "as such instruments write it"),
        ("AV,AI\n", "as such instruments write it"),
        ("V(te),I(te)\n", "as such instruments write it"),
        ("Spannung (V),Strom (A)\n", "by their units"),
        ("Drain Voltage (V),Drain Current (A)\n", ""),
        ("voltage_V,current_A\n", ""),
        ("Voltage,Current\nVolt,Ampere\n", ""),
        ("V (V),|I| (A)\n", "has no sign"),
        ("Vtop [V],Itop [A]\n", ""),
    ],
)
def test_channels_as_instruments_name_them(read, head, said):
    m = read(sweep(LOOP, CURRENT, head))
    np.testing.assert_allclose(m.read_voltage, LOOP, atol=1e-9)
    np.testing.assert_allclose(m.current, CURRENT, rtol=1e-5)
    assert said in " ".join(m.assumed)


def test_columns_without_units_need_one_option(read):
    text = sweep(LOOP, CURRENT, "Voltage,Current\n")
    with pytest.raises(InputError, match="or --si if every column without a unit"):
        read(text)
    np.testing.assert_allclose(read(text, si=True).current, CURRENT, rtol=1e-5)


def test_two_channels_that_were_swept_are_not_guessed(read):
    rows = "".join(f"{v},{v * 1e-5},{v / 2},{v * 1e-6}\n" for v in LOOP)
    with pytest.raises(InputError, match="'V1' and 'V2' were swept; --column voltage='V1'"):
        read("V1,I1,V2,I2\n" + rows, si=True)


def test_a_bias_of_several_values_is_several_sweeps(read):
    rows = "".join(f"{g},{v},{g * v * 1e-5}\n" for g in (1, 2) for v in LOOP)
    with pytest.raises(InputError, match=r"'Vg \(V\)' takes 2 values, .*--where"):
        read("Vg (V),Vd (V),Id (A)\n" + rows)
    assert len(read("Vg (V),Vd (V),Id (A)\n" + rows, where=(("Vg (V)", "2"),))) == 21


def test_a_current_against_the_voltage_is_turned_by_one_option(read):
    text = sweep(LOOP, -CURRENT, "V (V),I (A)\n")
    with pytest.raises(InputError, match="runs against the voltage; --scale -1"):
        read(text)
    np.testing.assert_allclose(read(text, scale=-1.0).current, CURRENT, rtol=1e-5)


def test_pulses_beside_a_current_are_no_sweep(read):
    text = "voltage [V],current [A]\n" + "".join(f"-1,{n}e-6\n" for n in range(1, 11))
    with pytest.raises(InputError, match=r"--dwell T if it was held, .*--read V --width T"):
        read(text)
    m = read(text, read_voltage=0.1, width=1e-6)
    assert m.pulses.sum() == 10
    assert not m.sweep.any()


def test_points_at_the_compliance_are_shown_and_not_fitted(read):
    held = np.minimum(CURRENT, 4e-5)
    m = read(sweep(LOOP, held, "V (V),I (A)\n"))
    assert len(m) == 21
    assert m.limited.sum() == (held == 4e-5).sum() == 6
    assert "6 points at the compliance of 40 µA" in " ".join(m.assumed)
    kept = read(sweep(LOOP, held, "V (V),I (A)\n"), dwell=0.02).fitted()
    assert len(kept) == 15
    assert kept.labels == ("t", "t part 2"), "behind it the loop has a state of its own"
    assert np.bincount(kept.train).tolist() == [11, 4]


def test_the_convention_by_which_widths_come_from_times_is_said(read):
    """Since the row before; the last row is none but a row, the first has that of the second."""
    times = [0.0, 1.0, 3.0, 7.0]
    rows = "".join(f"{t},{V},{1e-6 * V}\n" for t, V in zip(times, (0.5, 1, 1.5, 2), strict=True))
    text = "Time [s],V [V],I [A]\n" + rows
    m = read(text, dwell=np.inf)
    assert m.width.tolist() == [1.0, 1.0, 2.0, 4.0]
    (said,) = [text for text in m.assumed if "Time [s]" in text]
    assert "as long as the time since the row before, and the first row of a train" in said
    assert not [said for said in read(text, dwell=1.0).assumed if "Time" in said]


def test_the_time_of_every_point_is_its_dwell(read):
    rows = "".join(
        f"{t},{v},{i:.6g}\n" for t, v, i in zip(np.arange(21) ** 1.5, LOOP, CURRENT, strict=True)
    )
    m = read("Time [s],V [V],I [A]\n" + rows, dwell=np.inf)
    np.testing.assert_allclose(m.width[1:-1], np.diff(np.arange(21) ** 1.5)[:-1])
    still = read("Time [s],V [V],I [A]\n" + rows)
    assert "--dwell time, each its own" in " ".join(hints(still))


def test_a_reading_below_the_noise_floor_is_a_missing_one(read):
    rows = "".join(f"{n},{3e-7 * 0.8**n:.4g}\n" for n in range(20))
    m = read(f"pulse,conductance (S)\n{rows}20,-5.3e-13\n", **PULSE)
    assert len(m) == 20
    assert m.ignored == ("1 reading below the noise floor (line 22)",)
    with pytest.raises(InputError, match="greater than 0"):
        read(f"pulse,conductance (S)\n{rows}20,-1e-7\n", **PULSE)


def test_a_reading_is_dropped_and_its_pulse_stays(read):
    text = "pulse,G [uS]\n1,5\n2,90\n3,7\n"
    m = read(text, dropped=(3,), **PULSE)
    np.testing.assert_allclose(m.conductance * 1e6, [5, 7])
    assert m.pulses.tolist() == [1, 2]
    with pytest.raises(InputError, match="--drop-outlier 9: is no line with a reading"):
        read(text, dropped=(9,), **PULSE)


def test_a_column_is_ignored(read):
    text = "pulse,G [uS],temperature [V]\n1,5,1\n2,6,1\n"
    with pytest.raises(InputError, match="--pulse is one too many"):
        read(text.replace("temperature", "voltage"), **PULSE)
    m = read(text.replace("temperature", "voltage"), ignore=("voltage [V]",), **PULSE)
    assert "voltage [V] (as asked)" in m.ignored
    with pytest.raises(InputError, match="has no column 'x'"):
        read(text, ignore=("x",), **PULSE)


def test_pulses_in_turn(read):
    rows = "".join(f"{n},{g}\n" for n, g in enumerate([5, 6, 7, 8, 7, 6, 5, 4], 1))
    turn = ((-1.0, 1e-6, 4), (1.0, 2e-6, 4))
    m = read(f"pulse,G [uS]\n{rows}", sequence=turn, read_voltage=0.1)
    assert m.voltage.tolist() == [-1] * 4 + [1] * 4
    assert m.width.tolist() == [1e-6] * 4 + [2e-6] * 4


@pytest.mark.parametrize("time", [False, True])
def test_a_reading_before_pulses_in_turn_is_none_of_them(read, time):
    """It once counted as the first pulse, and the last pulse as one of the next turn."""
    head = "time [s],G [uS]\n" if time else "dut1 [uS],dut2 [uS]\n"
    lines = [f"{2 * n if time else g},{g}\n" for n, g in enumerate([4, 5, 6, 7, 8, 7, 6, 5, 4])]
    turn = ((-1.0, 1e-6, 4), (1.0, 2e-6, 4))

    def pulses(rows):
        m = read(head + "".join(lines[:rows]), sequence=turn, read_voltage=0.1)
        return m.voltage.tolist()[:rows], any("lies before its pulses" in said for said in m.assumed)

    assert pulses(9) == ([0] + [-1] * 4 + [1] * 4, True)
    assert pulses(8) == ([-1] * 4 + [1] * 4, False)
    assert pulses(7) == (([0] + [-1] * 4 + [1] * 2, True) if time else ([-1] * 4 + [1] * 3, False))


@pytest.mark.parametrize("head", ["V [V],width [s],read_v [V]", "pulse"])
def test_bounds_are_no_trains(read, head):
    """A smallest and a largest conductance of every pulse once became two devices."""
    row = ("-1,1e-6,0.1", "-1,1e-6,0.1") if head[0] == "V" else ("1", "2")
    own = {} if head[0] == "V" else PULSE
    text = f"{head},G_min [uS],Gmean [uS],G_max [uS]\n{row[0]},4,5,6\n{row[1]},5,6,7\n"
    m = read(text, **own)
    assert m.labels == ("Gmean [uS]",)
    assert m.conductance.tolist() == pytest.approx([5e-6, 6e-6])
    assert "G_max [uS] (a bound of readings)" in m.ignored
    with pytest.raises(InputError, match=r"are bounds of one reading, not trains: --ignore 'G_min"):
        read(text, ignore=("Gmean [uS]",), **own)
    assert read(text, ignore=("Gmean [uS]", "G_min [uS]"), **own).labels == ("G_max [uS]",)


@pytest.mark.parametrize("pair", [("expected G", "actual G"), ("setpoint", "read"), ("target", "G2")])
def test_what_was_wanted_is_no_reading(read, pair):
    text = f"pulse,{pair[0]} [uS],{pair[1]} [uS]\n1,5,5.5\n2,6,6.4\n"
    m = read(text, **PULSE)
    assert m.conductance.tolist() == pytest.approx([5.5e-6, 6.4e-6])


@pytest.mark.parametrize("marks", [("+", "-"), ("1", "-1"), ("pos", "Negative"), ("1.0", "−")])
def test_sizes_of_voltages_take_their_sign_from_another_column(read, marks):
    """The column of signs once was not used, and all pulses were positive."""
    rows = f"1.5,{marks[0]},1e-6,0.1,5\n2,{marks[1]},1e-6,0.1,6\n0,,,0.1,6\n"
    for title in ("|voltage| [V]", "voltage [V]"):
        m = read(f"{title},polarity,width [s],read_voltage [V],G [uS]\n{rows}")
        assert m.voltage.tolist() == [1.5, -2.0, 0.0]
        assert f"{title!r} has the sign of 'polarity'" in m.assumed
        assert "polarity" not in m.ignored


def test_sizes_of_voltages_without_a_sign_are_said(read):
    head, row = "|V| [V],width [s],read_voltage [V],G [uS]", "1.5,1e-6,0.1"
    m = read(f"{head}\n{row},5\n{row},6\n")
    assert any("size without a sign, and all pulses count as positive" in said for said in m.assumed)
    text = f"phase,{head}\nLTP,{row},5\nLTP,{row},6\nLTD,{row},5\n"
    assert read(text).voltage.tolist() == [-1.5, -1.5, 1.5]
    assert (-read(text, positive_sets=True).voltage).tolist() == [1.5, 1.5, -1.5]
    with pytest.raises(InputError, match=r"line 3, column 'sign': is 'x'; give \+ or -"):
        read(f"sign,{head}\n+,{row},5\nx,{row},6\n")
    m = read(f"sign,{head.replace('|', '')}\nx,{row},5\nx,{row},6\n")
    assert m.voltage.tolist() == [1.5, 1.5]
    assert m.ignored == ("sign",)


def test_tables_under_one_another_with_the_same_titles(read):
    m = read("V (V),I (A)\n0,0\n1,1e-5\nV (V),I (A)\n0,0\n1,2e-5\n")
    assert m.labels == ("record 1", "record 2")


def test_two_tables_side_by_side_are_two_sweeps(read):
    m = read(
        "Voltage,Current,Voltage,Current\nV,mA,V,mA\n" + "".join(f"{v},{v},{v},{2 * v}\n" for v in LOOP)
    )
    assert m.labels == ("block 1", "block 2")
    np.testing.assert_allclose(m.current[:21] * 2, m.current[21:])


def test_cells_of_an_array_are_devices(read):
    head = "Wordline,Bitline,Resistance (Ohm),Amplitude (V),Pulse width (s),ReadVoltage (V)\n"
    m = read(head + "1,1,1e4,1,1e-6,0.5\n1,2,2e4,1,1e-6,0.5\n1,1,9e3,1,1e-6,0.5\n")
    assert m.devices == ("1 1", "1 2")
    np.testing.assert_allclose(1 / m.conductance, [1e4, 9e3, 2e4])


def test_an_overflow_is_a_missing_reading(read):
    m = read("V (V),I (A)\n0.1,1e-6\n0.2,9.91E+37\n0.3,3e-6\n")
    assert len(m) == 2
    assert m.ignored == ("1 row without a reading",)


def test_titles_that_are_nothing_but_ltp_are_trains(read):
    rows = "".join(f"{n},{n + 4},{20 - n}\n" for n in range(1, 9))
    m = read("pulse,LTP,LTD\n" + rows, unit="uS", **BOTH)
    assert m.labels == ("LTP", "LTD")
    assert m.voltage.tolist() == [-1] * 8 + [1] * 8


def test_set_and_reset_of_counted_cycles_alternate(read):
    m = read("cycle,R_set (Ohm),R_reset (Ohm)\n1,1e3,1e5\n2,1.1e3,1.2e5\n3,1e3,1e5\n", **BOTH)
    np.testing.assert_allclose(1 / m.conductance, [1e3, 1e5, 1.1e3, 1.2e5, 1e3, 1e5])
    assert m.voltage.tolist() == [-1, 1] * 3


def test_several_currents_beside_one_voltage_are_sweeps_of_their_own(read):
    rows = "".join(f"{v:.4f},{i:.5e},{2 * i:.5e}\n" for v, i in zip(LOOP, CURRENT, strict=True))
    m = read("V (V),D1 (A),D2 (A)\n" + rows)
    assert m.labels == ("D1 (A)", "D2 (A)")
    np.testing.assert_allclose(m.current, np.append(CURRENT, 2 * CURRENT), rtol=1e-5)
    gate = read("Vd (V),Id (A),Ig (A)\n" + rows)
    assert gate.labels == ("t",), "Id is the current of Vd"
    assert gate.ignored == ("Ig (A)",)


def test_what_was_worked_out_of_readings_is_none(read):
    rows = "".join(f"{n},{n + 2},0.1\n" for n in range(1, 9))
    m = read("Pulse,Mean (uS),Std (uS)\n" + rows, **PULSE)
    assert m.labels == ("Mean (uS)",)
    assert m.ignored == ("Std (uS) (no reading, or worked out from some)",)
    with pytest.raises(InputError, match="missing"):
        read("V (V),log I (A),note\n" + rows)


def test_words_below_a_table_and_a_count_that_begins_with_a_mark(read):
    rows = "".join(f"{n},{n + 2}\n" for n in range(1, 9))
    m = read("# of pulses,Conductance (nS)\n" + rows + "End of data\n", **PULSE)
    assert len(m) == 8
    assert m.ignored == ("line 10 (below the table)",)
    np.testing.assert_allclose(m.conductance * 1e9, np.arange(3, 11))


def test_like_pulses_that_do_unlike_things_are_told(read):
    up_and_down = [*range(1, 11), *range(9, 1, -1)]
    turned = read("pulse,G (uS)\n" + "".join(f"{n},{g}\n" for n, g in enumerate(up_and_down)), **PULSE)
    assert "the conductance turns near reading" in " ".join(hints(turned))
    apart = read("A (uS),B (uS)\n" + "".join(f"{n + 1},{20 - n}\n" for n in range(12)), **PULSE)
    assert "like pulses raise A (uS) and lower B (uS): --pulse twice" in " ".join(hints(apart))
    each = "".join(f"{n},{1e4 if n % 2 else 1e6}\n" for n in range(14))
    assert "--pulse V,T,1 twice" in " ".join(hints(read("cycle,R (Ohm)\n" + each, **PULSE)))
