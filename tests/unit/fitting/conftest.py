"""What the fitting tests share: the shipped measurements, their generator, small tables."""

import importlib.util
from pathlib import Path

import pytest

from fitting import fit_device, read_measurements
from roa_circuit.device.parameters import load_device

DATA = Path(__file__).parents[3] / "data"


@pytest.fixture(scope="session")
def generator():
    """data/make_pulses.py as a module."""
    spec = importlib.util.spec_from_file_location("make_pulses", DATA / "make_pulses.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def prior():
    return load_device("zhang2021")


@pytest.fixture(scope="session")
def shipped():
    return read_measurements(DATA / "pulses.csv")


@pytest.fixture(scope="session")
def shipped_fit(shipped, prior):
    return fit_device(shipped, prior)


@pytest.fixture
def table(tmp_path):
    """Write rows under a header and give the path."""

    def write(*rows, header="train,voltage [V],width [s],read_voltage [V],conductance [S],current [A]"):
        path = tmp_path / "table.csv"
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def some_trains(tmp_path):
    """The lines of data/pulses.csv whose train passes a test, as a file of its own."""

    def write(keep):
        lines = (DATA / "pulses.csv").read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if line.startswith(("#", "train,")) or keep(line.split(",")[0])]
        path = tmp_path / "some.csv"
        path.write_text("\n".join(kept) + "\n", encoding="utf-8")
        return path

    return write
