"""Files that are read: what is no file, too large, damaged or nested deeply is refused at once."""

import io
import os
import tomllib
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roa_circuit.basics import files, results, text, toml
from roa_circuit.basics.errors import InputError


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_a_pipe_or_a_device_is_refused_at_once(tmp_path, make):
    make(tmp_path / "x.toml")
    for read in (toml.read, files.content, files.digest):
        with pytest.raises(InputError, match="is no file, but a device or a pipe"):
            read(tmp_path / "x.toml")


def test_arrays_that_announce_more_than_there_is_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((4, 4)))
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content.replace(b"(4, 4)", b"(4, 4" + b"0" * 12 + b")"))
    with pytest.raises(InputError, match="damaged"):
        files.array(tmp_path / "a.npy")


def test_an_archive_that_unpacks_to_gigabytes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LARGEST_DATA", 1 << 20)
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(1 << 20))
    assert (tmp_path / "a.npz").stat().st_size < 1 << 20
    with pytest.raises(InputError, match="more than 1 MiB"):
        files.arrays(tmp_path / "a.npz", expected="arrays")


def test_flipped_bytes_of_an_archive_never_raise_anything_else(tmp_path):
    np.savez_compressed(tmp_path / "good.npz", a=np.arange(50.0), b=np.ones((3, 3), dtype=np.int8))
    good, path = (tmp_path / "good.npz").read_bytes(), tmp_path / "bad.npz"
    rng = np.random.default_rng(5)
    refused = 0
    for _ in range(300):
        bad = bytearray(good)
        bad[rng.integers(len(bad))] ^= 1 << rng.integers(8)
        path.write_bytes(bad[: rng.integers(1, len(bad) + 1)])
        try:
            files.arrays(path, expected="arrays")
        except InputError as error:
            refused += "\n" not in str(error)
    assert refused > 250


def test_pickled_and_encrypted_members_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.array([{}], dtype=object))
    with pytest.raises(InputError, match="not arrays"):
        files.arrays(tmp_path / "a.npz", expected="arrays")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.npy", b"no array")
    (tmp_path / "a.npz").write_bytes(packed.getvalue())
    with pytest.raises(InputError, match="not arrays"):
        files.arrays(tmp_path / "a.npz", expected="arrays")


@pytest.mark.parametrize("digits", [20, 400, 5000])
def test_whole_numbers_beyond_64_bits_are_refused(digits):
    with pytest.raises(InputError, match=r"f\.toml.*(64 bits|not valid TOML)"):
        toml.loads(f"x = 1{'0' * digits}", source="f.toml")


@pytest.mark.parametrize("depth", [20, 100_000])
def test_nesting_is_refused(depth):
    with pytest.raises(InputError, match=r"f\.toml.*(deep|not valid TOML)"):
        toml.loads(f"x = {'[' * depth}{']' * depth}", source="f.toml")


_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.long
@given(
    st.dictionaries(
        _TEXT, _TEXT | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
    )
)
def test_no_text_changes_what_a_toml_file_says(document):
    assert tomllib.loads(toml.dumps(document)) == document


def test_a_write_that_fails_leaves_nothing(tmp_path):
    def fail(file):
        file.write(b"half")
        raise KeyboardInterrupt

    results.write_text(tmp_path / "a.txt", "whole")
    with pytest.raises(KeyboardInterrupt):
        results.write_file(tmp_path / "a.txt", fail)
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "whole"


def test_a_name_that_leaves_no_room_for_another_is_written(tmp_path):
    results.write_text(tmp_path / ("x" * 255), "text")
    assert [len(path.name) for path in tmp_path.iterdir()] == [255]


@given(st.text())
def test_no_text_steers_a_terminal(given_text):
    line = text.shortened(given_text)
    assert len(line) <= text.LONGEST
    assert not set(line) & {chr(code) for code in (*range(32), 127, *range(128, 160), 0x202E, 0x2066)}


def test_a_megabyte_is_shortened_to_its_ends():
    line = text.shortened("a" * 10**6 + "b" * 10)
    assert line.startswith("aaa")
    assert line.endswith(" ... " + "a" * (text.LONGEST // 4 - 10) + "b" * 10)
    assert text.shortened("run[v2] [/x] \x1b[31mred") == "run[v2] [/x] [31mred"
