"""What tables come in: exports of instruments, LVM, MATLAB, HDF5, numpy, old workbooks."""

import io

import numpy as np
import pytest

from fitting import read_measurements
from fitting.readers.conventions import Conventions
from fitting.readers.files import mat5 as _mat5
from roa_circuit.basics.errors import InputError

V = np.concatenate([np.linspace(0, 1, 11), np.linspace(0.9, 0, 10)])
CURRENT = np.where(np.arange(21) < 11, 1e-5, 1e-4) * V
HEAD = (
    "SetupTitle, IV\nPrimitiveTest, I/V Sweep\nTestParameter, Channel.VName, Vtop, Vbot\n"
    "TestParameter, Channel.IName, Itop, Ibot\nTestParameter, Channel.Mode, V, V\n"
    "TestParameter, Channel.Func, VAR1, CONST\n"
    "TestParameter, Measurement.Primary.Compliance, 1e-3\nMetaData, TestRecord.RecordTime, 1/1/2020\n"
    "Dimension1, 3, 3, 3\nDimension2, 1, 1, 1\n"
)
SI = Conventions(si=True)


def is_the_sweep(m):
    np.testing.assert_allclose(m.read_voltage, V, atol=1e-9)
    np.testing.assert_allclose(m.current, CURRENT, rtol=1e-5)
    return True


def test_records_of_an_export_are_trains_however_their_columns_lie(tmp_path):
    path = tmp_path / "b1500.csv"
    first = "DataName, Vtop, Itop, Ibot\nDataValue, 0, 1E-9, 0\nDataValue, 0.5, 5E-4, 0\n"
    second = "DataName, Ibot, Itop, Vtop\nDataValue, 0, 2E-9, 0\nDataValue, 0, 1E-3, 1\n"
    path.write_text("\ufeff" + HEAD + first + "\n" + HEAD + second, encoding="utf-8")
    m = read_measurements(path)
    assert m.labels == ("record 1", "record 2")
    np.testing.assert_allclose(m.read_voltage, [0, 0.5, 0, 1])
    np.testing.assert_allclose(m.current, [1e-9, 5e-4, 2e-9, 1e-3])
    assert m.limited.tolist() == [False] * 3 + [True]
    path.write_text(HEAD + first + HEAD + second.replace("Itop", "Iother"))
    with pytest.raises(InputError, match="a record with other columns"):
        read_measurements(path)


def test_a_second_variable_parts_an_export_into_sweeps(tmp_path):
    path = tmp_path / "b1500.csv"
    rows = "".join(f"DataValue, {v:.1f}, {g}, {v * g * 1e-5:.3g}\n" for g in (1, 2) for v in V)
    path.write_text(HEAD.replace("Vbot", "Vgate") + "DataName, Vtop, Vgate, Itop\n" + rows)
    with pytest.raises(InputError, match=r"'Vgate' takes 2 values, .*--where 'Vgate'=1"):
        read_measurements(path)
    assert len(read_measurements(path, Conventions(where=(("Vgate", "1"),)))) == 21


def test_a_measurement_file_of_labview(tmp_path):
    head = (
        "LabVIEW Measurement\t\nWriter_Version\t2\nSeparator\tTab\n***End_of_Header***\t\n\t\n"
        "Channels\t2\t\nY_Unit_Label\tVolts\tAmps\n***End_of_Header***\t\t\n"
        "X_Value\tVoltage\tCurrent\tComment\n"
    )
    rows = "".join(
        f"{0.1 * n:.1f}\t{v:.4f}\t{i:.5e}\n" for n, (v, i) in enumerate(zip(V, CURRENT, strict=True))
    )
    for text in (head + rows, head + rows.replace(".", ",")):
        (tmp_path / "a.lvm").write_text(text)
        m = read_measurements(tmp_path / "a.lvm")
        assert is_the_sweep(m)
        np.testing.assert_allclose(m.time, 0.1 * np.arange(21), atol=1e-9)


def test_variables_of_matlab(tmp_path):
    scipy_io = pytest.importorskip("scipy.io")
    path = tmp_path / "a.mat"
    scipy_io.savemat(path, {"V": V, "I": CURRENT, "note": "x", "T": 300.0})
    m = read_measurements(path, SI)
    assert is_the_sweep(m)
    assert m.ignored == ("variable 'T'",)
    with pytest.raises(InputError, match=r"'V' lacks its unit; .*or --si"):
        read_measurements(path)
    ltp = {"pulse": np.arange(1, 9), "conductance": np.arange(1, 9) * 1e-6}
    ltd = {"pulse": np.arange(1, 9), "conductance": np.arange(9, 1, -1) * 1e-6}
    scipy_io.savemat(path, {"ltp": ltp, "ltd": ltd})
    both = Conventions(si=True, pulses=((-1.0, 1e-6), (1.0, 1e-6)), read_voltage=0.1)
    m = read_measurements(path, both)
    assert len(m.labels) == 2
    assert m.voltage.tolist() == [-1] * 8 + [1] * 8
    np.testing.assert_allclose(m.conductance, np.append(ltp["conductance"], ltd["conductance"]))
    alone = Conventions(si=True, sheet="ltd", pulse=(1.0, 1e-6), read_voltage=0.1)
    np.testing.assert_allclose(read_measurements(path, alone).conductance, ltd["conductance"])
    with pytest.raises(InputError, match="has no variable 'lpt'; did you mean 'ltp'"):
        read_measurements(path, Conventions(sheet="lpt"))
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match="is not a readable file of arrays"):
        read_measurements(path)


def test_a_matrix_of_matlab_has_trains_in_its_columns(tmp_path):
    scipy_io = pytest.importorskip("scipy.io")
    G = np.outer(np.arange(1, 31), [1e-6, 2e-6])
    scipy_io.savemat(tmp_path / "m.mat", {"G": G})
    how = Conventions(unit="S", pulse=(-1.0, 1e-6), read_voltage=0.1)
    np.testing.assert_allclose(read_measurements(tmp_path / "m.mat", how).conductance, G.T.ravel())


def test_datasets_of_hdf5_with_units_as_attributes(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        group = file.create_group("run1")
        for name, values, unit in (("voltage", V * 1e3, "mV"), ("current", CURRENT, "A")):
            group.create_dataset(name, data=values).attrs["units"] = unit
    assert is_the_sweep(read_measurements(tmp_path / "a.h5"))
    (tmp_path / "b.h5").write_bytes((tmp_path / "a.h5").read_bytes()[:700])
    with pytest.raises(InputError, match="is not a readable file of arrays"):
        read_measurements(tmp_path / "b.h5")


def test_without_h5py_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    (tmp_path / "a.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(InputError, match=r"needs h5py: pip install 'roa-circuit\[hdf5\]'"):
        read_measurements(tmp_path / "a.h5")


def test_arrays_of_numpy_are_read_without_pickles(tmp_path):
    np.savez(tmp_path / "a.npz", voltage=V, current=CURRENT)
    assert is_the_sweep(read_measurements(tmp_path / "a.npz", SI))
    file = io.BytesIO()
    np.save(file, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    (tmp_path / "a.npy").write_bytes(file.getvalue())
    with pytest.raises(InputError, match="is not a readable file of arrays"):
        read_measurements(tmp_path / "a.npy")


def test_an_old_workbook_needs_its_extra(tmp_path, monkeypatch):
    (tmp_path / "a.xls").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(600))
    monkeypatch.setitem(__import__("sys").modules, "xlrd", None)
    with pytest.raises(InputError, match=r"is an XLS workbook, which needs xlrd: .*\[xls\]"):
        read_measurements(tmp_path / "a.xls")


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        (0xB0, 0x47, "an element of unknown type 71"),  # that of the numbers
        (0x91, 0x08, "a variable of class 6 without its content"),  # complex, with a real part alone
        (0x90, 0x05, "a variable of class 5 without its content"),
        (0x90, 0x2C, "a variable of unknown class 44"),
        (0xB4, 0xFF, "ends within an element"),
    ],
)
def test_a_damaged_variable_of_matlab_does_not_end_the_process(tmp_path, place, value, says):
    """scipy looks the type up in a table that is not so long, and the process ends by a signal."""
    scipy_io = pytest.importorskip("scipy.io")
    scipy_io.savemat(tmp_path / "a.mat", {"V": V, "I": CURRENT})
    content = bytearray((tmp_path / "a.mat").read_bytes())
    content[place] = value
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(InputError, match=f"is not a readable file of arrays .{says}"):
        read_measurements(tmp_path / "a.mat", SI)


@pytest.mark.parametrize("compressed", [False, True])
def test_every_kind_of_variable_of_matlab_is_read(tmp_path, compressed):
    scipy_io = pytest.importorskip("scipy.io")
    beside = {
        "text": "x", "none": np.zeros((0, 0)), "complex": np.array([1 + 2j]),
        "cells": np.array([[1.0, "x"]], dtype=object), "inside": {"a": np.arange(3), "b": {"c": "y"}},
    }  # fmt: skip
    path = tmp_path / "a.mat"
    scipy_io.savemat(path, {"V": V, "I": CURRENT, **beside}, do_compression=compressed)
    _mat5.check(path.read_bytes())
    scipy_io.savemat(path, {"V": V, "I": CURRENT}, do_compression=compressed)
    assert is_the_sweep(read_measurements(path, SI))


def test_titles_of_two_lines_in_a_workbook(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["Pulse\nnumber", "Conductance\n(µS)"])
    for n in range(5):
        book.active.append([n, 10.5 + n])
    book.save(tmp_path / "book.xlsx")
    m = read_measurements(tmp_path / "book.xlsx", Conventions(pulse=(-1.0, 1e-6), read_voltage=0.1))
    assert m.pulses.sum() == 4
    assert "'Conductance (µS)' is conductance [S]" in m.taken
