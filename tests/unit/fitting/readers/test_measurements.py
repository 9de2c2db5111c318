"""The reader: what it accepts, and one helpful line for everything it does not."""

import os

import numpy as np
import pytest

from fitting import read_measurements
from fitting.readers.measurements import describe
from roa_circuit.basics.errors import InputError

HEADER = "train,voltage [V],width [s],read_voltage [V],conductance [S],current [A]"


def test_pulses_reads_and_sweeps_become_currents(table):
    m = read_measurements(
        table("a,0,,0.05,1e-3,", "a,-1.1,3e-6,0.05,1.2e-3,", "b,0.4,,,,5e-4", "a,1.4,3e-5,0.05,1.1e-3,")
    )
    assert m.labels == ("a", "b")
    assert m.train.tolist() == [0, 0, 0, 1]
    assert m.voltage.tolist() == [0.0, -1.1, 1.4, 0.0]
    assert m.width.tolist() == [0.0, 3e-6, 3e-5, 0.0]
    assert m.read_voltage.tolist() == [0.05, 0.05, 0.05, 0.4]
    np.testing.assert_allclose(m.current, [5e-5, 6e-5, 5.5e-5, 5e-4])
    assert m.sweep.tolist() == [False, False, False, True]


def test_prefixes_comments_spaces_blank_lines_and_other_columns(table):
    m = read_measurements(
        table(
            "# a comment",
            "",
            " a , -1100 , 3 , 50 , 60 , hot",
            ",,,,,",
            "a,1400,30,50,55,cold",
            header="\ufefftrain, voltage [mV],width [µs],read_voltage [mV], read_current [uA], note",
        )
    )
    np.testing.assert_allclose(m.voltage, [-1.1, 1.4])
    np.testing.assert_allclose(m.width, [3e-6, 30e-6])
    np.testing.assert_allclose(m.current, [60e-6, 55e-6])
    assert m.ignored == ("note",)


def test_a_sweep_alone_needs_no_pulse_columns(table):
    m = read_measurements(table("s,-0.1,-1e-4", "s,0,0", header="train,voltage [V],current [A]"))
    assert m.sweep.all()
    assert np.isnan(m.conductance[1])
    assert "2 readings, 2 of them I-V points" in describe(m)


def test_arrays_are_read_only(table):
    m = read_measurements(table("a,0,,0.05,1e-3,"))
    with pytest.raises(ValueError, match="read-only"):
        m.current[0] = 1.0


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("a,-1.1,3e-6,0.05,inf,", r"line 3, column 'conductance.*: 'inf' is not.*leave the cell empty"),
        ("a,x,3e-6,0.05,1e-3,", r"line 3, column 'voltage \[V\]': 'x' is not a finite number"),
        ("a,-1.1,inf,0.05,1e-3,", r"line 3, column 'width \[s\]': 'inf' is not a finite"),
        ("a,-1.1,3e-6,0.05,-1e-3,", r"line 3, column 'conductance.*-0.001 S.*greater than 0"),
        ("a,-1.1,3e-6,0.05,0,", r"line 3, column 'conductance.*greater than 0"),
        ("a,-1.1,3e-6,0.05,1e-3,1e-3", r"line 3.*the row has 2 readings"),
        ("a,-1.1,3e-6,0.05,1e-3", r"line 3: has 5 cells where the header has 6"),
        ("a,-1.1,3e-6,0.05,1e-3,,", r"line 3: has 7 cells where the header has 6"),
        (",-1.1,3e-6,0.05,1e-3,", r"line 3, column 'train': is empty"),
        ("a,-1100,3e-6,0.05,1e-3,", r"line 3, column 'voltage.*beyond 100 V; is the header's unit"),
        ("a,-1.1,1e6,0.05,1e-3,", r"line 3, column 'width.*beyond 10000 s"),
        ("a,-1.1,-1e-6,0.05,1e-3,", r"line 3, column 'width.*cannot be negative"),
        ("a,-1.1,,0.05,1e-3,", r"line 3, column 'width.*give its width"),
        ("a,,1e-6,0.05,1e-3,", r"line 3, column 'voltage.*give the pulse's voltage"),
        ("a,-1.1,1e-6,,1e-3,", r"line 3, column 'read_voltage.*such as 0.05"),
        ("a,-1.1,1e-6,,,1e-3", r"line 3, column 'width.*leave the width empty"),
        ("a,,,,,1e-3", r"line 3, column 'voltage.*I-V sweep"),
        ('a"b,"-1.1,3e-6,0.05,1e-3,', r"line 3: is not CSV"),
    ],
)
def test_a_bad_row_is_named(table, row, complaint):
    with pytest.raises(InputError, match=complaint):
        read_measurements(table("a,0,,0.05,1e-3,", row))


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        (
            HEADER.replace("voltage [V],w", "voltage,w"),
            r"'voltage' lacks its unit; write 'voltage \[V\]'",
        ),
        (HEADER.replace("width [s]", "width [V]"), r"'width \[V\]' is not in s"),
        (HEADER.replace("width [s]", "width [zs]"), r"'width \[zs\]' is not in s"),
        (HEADER.replace("train", "trane"), "'trane' is unknown; did you mean 'train'"),
        (
            HEADER.replace(",voltage [V]", ",voltige [V]"),
            r"'voltige \[V\]' is unknown; did you mean 'voltage",
        ),
        (HEADER.replace("conductance [S]", "conductanse [S]"), r"did you mean 'conductance \[S\]'"),
        (HEADER.replace("current [A]", "read_curent [A]"), r"did you mean 'read_current \[A\]'"),
        (HEADER.replace("current [A]", "width [s]"), "appears twice"),
        (HEADER.replace("conductance [S]", "resistance [S]"), r"'resistance \[S\]' is not in Ohm"),
        (
            HEADER.replace("width [s]", "v_pulse [V]"),
            r"'v_pulse \[V\]' means what 'voltage \[V\]' means",
        ),
        (HEADER.replace(",", ";"), "line 2: has 1 cells where the header has 6"),
    ],
)
def test_a_bad_header_is_named(table, header, complaint):
    with pytest.raises(InputError, match=complaint):
        read_measurements(table("a,-1.1,1e-6,0.05,1e-3,", header=header))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "holds no table"),
        (b"# only a comment\n", "holds no table"),
        (HEADER.encode() + b"\n", "no rows"),
        (b"a,0,,0.05,1e-3,\n" * 2, "numbers where the titles should be"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "binary"),
        (b"\xff\xfe\x00", "binary"),  # half a character of UTF-16
        (b"train\0,voltage", "binary"),
        (
            HEADER.encode() + b"\na,-1.1,3e-6,0.05,,\na,-1.1,3e-6,0.05,NaN,\n",
            "every row needs one reading",
        ),
    ],
)
def test_a_file_that_is_no_table(tmp_path, content, complaint):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=complaint) as caught:
        read_measurements(path)
    assert str(path) in str(caught.value)


def test_a_path_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_measurements(tmp_path / "none.csv")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_measurements(tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        read_measurements("a\0b.csv")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission(table):
    path = table("a,0,,0.05,1e-3,")
    path.chmod(0)
    with pytest.raises(InputError, match="Permission denied"):
        read_measurements(path)
