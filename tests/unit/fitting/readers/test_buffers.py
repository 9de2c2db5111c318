"""Buffers of Keithley's instruments and KickStart: units and clocks in columns of their own."""

import numpy as np
import pytest

from fitting import read_measurements
from fitting.readers.conventions import Conventions
from roa_circuit.basics.errors import InputError

V = np.concatenate([np.linspace(0, 1, 11), np.linspace(0.9, 0, 10)])
CURRENT = 1e-4 * V * (1 + 0.02 * np.arange(21))
HEAD = (
    "Index,Reading,Unit,Range Digits,Disp Digits,Math,Start Group,Limit1 High,Limit1 Low,Limit2 High,"
    "Limit2 Low,Terminal,Questionable,Origin,Value,Unit,Digits,Output,Sense,Source Limit,Overtemp,Date,"
    "Time,Fractional Seconds\n"
)


@pytest.fixture
def read(tmp_path):
    """The measurements of a text."""

    def from_text(text, name="table.csv", **how):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return read_measurements(path, Conventions(**how))

    return from_text


def buffer(limited=(), units=("Amp DC", "Volt DC"), begin=86_399.0):
    """A sweep as a 2450 saves it, from just before midnight on."""
    rows = []
    for n, (volts, amps) in enumerate(zip(V, CURRENT, strict=True)):
        now = begin + 0.25 * n
        clock = f"{int(now) % 86_400 // 3600:02d}:{int(now) % 3600 // 60:02d}:{int(now) % 60:02d}"
        date = "03/12/2024" if now < 86_400 else "03/13/2024"
        rows.append(
            f"{n + 1},{amps:.6g},{units[0]},0.001,5.5,F,F,F,F,F,F,Rear,F,Main,{volts:.6g},{units[1]},5,"
            f"T,2W,{'T' if n in limited else 'F'},F,{date},{clock},{now % 1:.6f}\n"
        )
    return HEAD + "".join(rows)


def test_a_buffer_of_readings_and_source_values_is_a_sweep(read):
    m = read("Model,2450\nSerial Number,04320001\nBuffer,defbuffer1\n\n" + buffer())
    assert m.sweep.all()
    np.testing.assert_allclose(m.read_voltage, V, rtol=1e-5)
    np.testing.assert_allclose(m.current, CURRENT, rtol=1e-5)
    assert "'Value [Volt]' is voltage [V]" in "; ".join(m.taken)
    assert "16 columns of the instrument (Range Digits … Date)" in m.ignored


def test_its_clock_and_fractions_are_a_time_over_midnight(read):
    m = read(buffer(), dwell=np.inf)
    np.testing.assert_allclose(m.width[1:-1], 0.25)
    np.testing.assert_allclose(m.time, 0.25 * np.arange(21))


def test_points_at_its_source_limit_are_not_fitted(read):
    m = read(buffer(limited=range(8, 13)))
    assert np.flatnonzero(m.limited).tolist() == [8, 9, 10, 11, 12]
    assert not read(buffer()).limited.any()


@pytest.mark.parametrize("units", [("A", "V"), ("amps", "volts"), ("Amp", "Volt")])
def test_units_may_be_words(read, units):
    np.testing.assert_allclose(read(buffer(units=units)).current, CURRENT, rtol=1e-5)


def test_units_that_change_along_a_column_are_read_row_by_row(read):
    """An instrument that ranges writes uA, then mA."""
    cells = [f"{1e6 * i:.6g},uA" if n < 9 else f"{1e3 * i:.6g},mA" for n, i in enumerate(CURRENT)]
    rows = (f"{n},{cell},{v:.6g},V\n" for n, (cell, v) in enumerate(zip(cells, V, strict=True), start=1))
    m = read("Index,Reading,Unit,Value,Unit\n" + "".join(rows))
    np.testing.assert_allclose(m.current, CURRENT, rtol=1e-5)


def test_a_unit_belongs_to_the_column_of_its_name_or_before_it(read):
    pairs = enumerate(zip(CURRENT, V, strict=True))
    rows = "".join(f"{n},{1e6 * i:.6g},{v:.6g},uA,V\n" for n, (i, v) in pairs)
    m = read("Index,Current,Voltage,Current Unit,Voltage Unit\n" + rows)
    np.testing.assert_allclose(m.current, CURRENT, rtol=1e-5)
    rows = "".join(f"{n},{1e3 * r:.6g},kOhm\n" for n, r in enumerate(range(10, 2, -1), start=1))
    m = read("pulse,R,Unit\n" + rows, pulse=(-1.0, 1e-6), read_voltage=0.1)
    np.testing.assert_allclose(1 / m.conductance, 1e6 * np.arange(10, 2, -1))


def test_readings_without_a_source_need_only_their_read_voltage(read):
    rows = [f"{1e-5 * (1 + n / 20):.6g},Amp DC,{0.1 * n:g},101\n" for n in range(12)]
    head = "Reading,Unit,Relative Time (s),Channel\n"
    with pytest.raises(InputError, match=r"'read_voltage \[V\]' is missing \(or give --read 0.1V"):
        read(head + "".join(rows))
    m = read(head + "".join(rows), read_voltage=0.1)
    assert (m.devices, m.conductance[0]) == ((), pytest.approx(1e-4))
    two = [row.replace(",101", f",{101 + n % 2}") for n, row in enumerate(rows)]
    m = read(head + "".join(two), read_voltage=0.1)
    assert m.devices == ("101", "102"), "channels that differ are devices"
    assert "'Channel' names the device" in m.assumed


def test_kickstart_runs_have_channels_with_a_dash_and_words_below(read):
    head = '"Run","1"\n"SMU-1","2450"\n\n'
    head += '"Index","SMU-1 Time (s)","SMU-1 Voltage (V)","SMU-1 Current (A)"\n'
    rows = "".join(f'"{n}","{0.1 * n:g}","{v:.6g}","{i:.6g}"\n'
                   for n, (v, i) in enumerate(zip(V, CURRENT, strict=True)))  # fmt: skip
    m = read(head + rows + '\n"Statistics"\n"Mean","0.5"\n', dwell=np.inf)
    np.testing.assert_allclose(m.current, CURRENT, rtol=1e-5)
    np.testing.assert_allclose(m.width[1:-1], 0.1)
    assert {f"line {n} (below the table)" for n in (27, 28)} <= set(m.ignored)
    with pytest.raises(InputError, match="has 2 cells where the header has 4"):
        read(head + rows + "1,2\n")  # no empty line before it: a row that is damaged


def test_words_without_units_stay_a_column(read):
    text = "pulse,Unit,G (uS)\n" + "".join(f"{n},cell 4,{10 + n}\n" for n in range(1, 8))
    assert "Unit" in read(text, pulse=(-1.0, 1e-6), read_voltage=0.1).ignored
