"""Bare matrices of numbers, in and out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from netlists.commands.tables import format_matrix, read_matrix
from roa_circuit.basics.errors import InputError


def read(path, **limits):
    return read_matrix(path, what="state omega", **{"lowest": 0.0, "highest": 1.0, **limits})


def test_reads_what_people_write(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("\ufeff0.5, 1 ,0\r\n1e-3,.25,+1.\r\n\r\n".encode())
    np.testing.assert_array_equal(read(path), [[0.5, 1, 0], [1e-3, 0.25, 1]])


@pytest.mark.parametrize(
    "text", ["0.2;0.4;1\n0.3;.5;0\n", "0,2;0,4;1\n0,3;0,5;0\n", "0.2\t0.4\t1\n0.3 0.5   0\n"]
)
def test_reads_what_spreadsheets_and_other_programs_write(tmp_path, text):
    """Semicolons, with points or commas for decimals, and blanks."""
    (tmp_path / "a.csv").write_text(text)
    np.testing.assert_array_equal(read(tmp_path / "a.csv"), [[0.2, 0.4, 1], [0.3, 0.5, 0]])


BAD = {
    "empty": (b"", "is empty"),
    "blank": (b"\n \n", "is empty"),
    "binary": (b"\x89PNG\x00\xff", "not UTF-8 text"),
    "zeros": (b"0.5\x00", "not UTF-8 text"),
    "header": (b"a,b\n1,1\n", "line 1, column 1: 'a' is not a finite number"),
    "nan": (b"0.5,nan\n", "line 1, column 2: 'nan'"),
    "infinite": (b"inf\n", "'inf'"),
    "overflow": (b"1e999\n", "outside"),
    "underscore": (b"1_0\n", "'1_0'"),
    "ragged": (b"1,1\n1\n", "line 2: 1 numbers, but line 1 has 2"),
    "hole": (b"1,1\n\n1,1\n", "line 2: is empty"),
    "missing": (b"1,,1\n", "line 1, column 2: ''"),
    "mixed": (b"1;1\n1,1\n", "line 2: 1 numbers, but line 1 has 2"),
    "range": (b"0.5\n1.5\n", r"line 2, column 1: state omega = 1.5 lies outside \[0, 1\]"),
    "long": (b"x" * 500, "xxx\\.\\.\\.'"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_one_line_with_the_place(tmp_path, case):
    content, message = BAD[case]
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_a_missing_file_or_a_folder_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / name)


def test_a_file_beyond_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr("netlists.commands.tables.LARGEST_FILE", 10)
    path = tmp_path / "a.csv"
    path.write_text("1,1,1,1,1,1,1\n")
    with pytest.raises(InputError, match="larger than the limit"):
        read(path)


@pytest.mark.long
@given(arrays(np.float64, array_shapes(min_dims=2, max_dims=2), elements=st.floats(-1e3, 1e3)))
def test_round_trip_keeps_twelve_digits(tmp_path_factory, matrix):
    path = tmp_path_factory.mktemp("csv") / "m.csv"
    path.write_text(format_matrix(matrix))
    np.testing.assert_allclose(read(path, lowest=-1e3, highest=1e3), matrix, rtol=1e-11)


def test_no_negative_zero():
    assert format_matrix(np.array([[-0.0, -1.5]])) == "0.00000000000e+00,-1.50000000000e+00\n"


def test_arrays_of_numpy_are_read_as_they_were_saved(tmp_path):
    matrix = np.array([[0.5, 1.0], [0.0, 0.25]])
    np.save(tmp_path / "a.npy", matrix)
    np.savez(tmp_path / "b.npz", weights=matrix)
    np.save(tmp_path / "v.npy", matrix[0])
    np.testing.assert_array_equal(read(tmp_path / "a.npy"), matrix)
    np.testing.assert_array_equal(read(tmp_path / "b.npz"), matrix)
    np.testing.assert_array_equal(read(tmp_path / "v.npy"), matrix[:1].T)


def test_arrays_that_are_none_are_one_line(tmp_path):
    np.savez(tmp_path / "two.npz", a=np.eye(2), b=np.eye(2))
    np.save(tmp_path / "cube.npy", np.zeros((2, 2, 2)))
    np.save(tmp_path / "words.npy", np.array([["a"]]))
    np.save(tmp_path / "none.npy", np.zeros((0, 3)))
    np.save(tmp_path / "nan.npy", np.array([[0.5, np.nan]]))
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    for name in ("text.npy", "text.npz"):
        (tmp_path / name).write_text("0.5,1")
    says = {
        "two.npz": "holds a, b; save one array alone",
        "cube.npy": "must hold a matrix of real numbers",
        "words.npy": "must hold a matrix of real numbers",
        "none.npy": "is empty",
        "nan.npy": "line 1, column 2: state omega = nan lies outside",
        "objects.npy": "not an array that numpy saved",
        "text.npy": "not an array that numpy saved",
        "text.npz": "not an array that numpy saved",
        "missing.npy": "cannot be read",
    }
    for name, message in says.items():
        with pytest.raises(InputError, match=message):
            read(tmp_path / name)


def test_a_heading_of_counts_is_no_read(tmp_path):
    path = tmp_path / "inputs.csv"
    path.write_text("0,1,2\n0.1,0.2,0.3\n0.5,0.5,0.5\n")
    with pytest.raises(InputError, match="line 1: counts"):
        read(path, highest=10.0)
    path.write_text("0,1,2\n2,1,0\n")
    assert read(path, highest=10.0).shape == (2, 3)
