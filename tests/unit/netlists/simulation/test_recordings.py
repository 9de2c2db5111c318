"""Recordings as files: NetCDF gives them back with units, and ngspice reads its raw file."""

import io
import json
import subprocess

import numpy as np
import pytest

from netlists.simulation.recordings import Quantity, Recording
from netlists.simulation.run import Simulation
from roa_circuit.basics.results import provenance


@pytest.fixture
def recording():
    """Of two rows, three columns, five points."""
    rng = np.random.default_rng(0)
    cells = tuple(f"v(xword{i}_col{j}.omega)" for i in range(2) for j in range(3))
    senses = tuple(f"i(Vsense{j})" for j in range(3))
    names = ["time", *cells, *senses]
    vectors = {name: rng.random(5) for name in names} | {"time": 1e-6 * np.arange(5)}
    return Recording.of(
        "write", (2, 3),
        (Quantity(name="state", unit="1", dims=("row", "column"), expressions=cells),
         Quantity(name="sensed_current", unit="A", dims=("column",), expressions=senses)),
        Simulation(vectors=vectors, version="ngspice-0", log="", seconds=0.0),
        str,
        pulses=np.array([[1, 0, -2], [0, 0, 3]]),
    )  # fmt: skip


MADE = provenance(command="roa-spice verify\nQuit", inputs=[])


def test_netcdf_gives_values_units_and_provenance_back(recording, tmp_path):
    import xarray as xr

    with (tmp_path / "write.nc").open("wb") as file:
        recording.write_netcdf(file, MADE)
    with xr.open_dataset(tmp_path / "write.nc") as found:
        assert found["state"].dims == ("time", "row", "column")
        np.testing.assert_array_equal(found["state"], recording["state"])
        np.testing.assert_array_equal(found["time"], recording.scale[2])
        np.testing.assert_array_equal(found["pulses"], recording.pulses)
        assert (found["time"].units, found["sensed_current"].units) == ("s", "A")
        assert json.loads(found.provenance) == MADE


def test_a_quantity_comes_in_the_shape_of_the_array(recording):
    assert recording["state"].shape == (5, 2, 3)
    assert recording["sensed_current"].shape == (5, 3)
    assert recording["state"][4, 1, 2] == recording.vectors["v(xword1_col2.omega)"][4]


@pytest.mark.ngspice
def test_ngspice_reads_the_raw_file_and_nothing_in_it_is_a_command(recording, tmp_path):
    with (tmp_path / "write.raw").open("wb") as file:
        recording.write_raw(file, MADE)
    shown = "v(xword1_col2.omega)[4] i(vsense1)[3] time[4]"
    commands = f"load write.raw\nset numdgt=15\nprint {shown}\nquit\n"
    done = subprocess.run(
        ["ngspice", "-n", "-p"], cwd=tmp_path, input=commands, capture_output=True, text=True, check=True
    )
    found = [float(line.split("=")[1]) for line in done.stdout.splitlines() if " = " in line]
    expected = [recording["state"][4, 1, 2], recording["sensed_current"][3, 1], 4e-6]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_reads_count_where_there_is_no_time(recording):
    run = Simulation(vectors=recording.vectors, version="ngspice-0", log="", seconds=0.0)
    swept = Recording.of("read", (2, 3), recording.quantities, run, str)
    assert swept.to_dataset(MADE)["state"].dims == ("read", "row", "column")
    np.testing.assert_array_equal(swept.scale[2], np.arange(5))


def test_the_raw_file_is_as_long_as_it_says(recording):
    file = io.BytesIO()
    recording.write_raw(file, MADE)
    head, data = file.getvalue().split(b"Binary:\n")
    assert b"No. Variables: 10\nNo. Points: 5\n" in head
    assert len(data) == 8 * 10 * 5
