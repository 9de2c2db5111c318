"""`docs/extending.md` done: a parameter set, a law as a file, another I-V, and a law as a class."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from roa_circuit import Crossbar, Memristor, load_device, read_currents
from roa_circuit.device.compact_model import ngspice_library
from roa_circuit.device.memristor import conductance_range, current

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text("utf-8")


def fenced(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


def test_another_parameter_set(tmp_path, monkeypatch):
    (tmp_path / "ours.toml").write_text(fenced("toml")[0])
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(fenced("python")[0], names)
    assert names["ours"].memristor.k == 2e-4
    assert names["up"] > 0
    assert names["down"] > 0


def test_a_law_of_ones_own(tmp_path, monkeypatch):
    """The page's law file: its motion against an integrator, its text in ngspice's language."""
    (tmp_path / "filament.toml").write_text(fenced("toml")[1])
    (tmp_path / "mine.toml").write_text(fenced("toml")[2])
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(fenced("python")[1], names)
    law, width = names["mine"].memristor, names["mine"].pulses.potentiation_width
    exact = solve_ivp(
        lambda _, w: law.state_derivative(w, -1.2), (0, width), [0.3], rtol=1e-10, atol=1e-12
    )
    assert float(law.after_dose(0.3, names["up"])) == pytest.approx(exact.y[0, -1], abs=1e-8)
    assert 0.3 < exact.y[0, -1] < 0.9
    assert names["down"] > 0
    assert "{v_0}" in ngspice_library(names["mine"])


def test_an_ohmic_cell_is_a_case_of_eq_2():
    table_1 = load_device("zhang2021").memristor
    p = Memristor(
        k=table_1.k, mu1=table_1.mu1, mu2=table_1.mu2, gamma=20.0, delta=1e-6, alpha=5.0, beta=1e-6
    )
    V = np.linspace(-3, 3, 7)
    np.testing.assert_allclose(current(1.0, V, p), 20e-6 * V, rtol=1e-5)
    np.testing.assert_allclose(current(0.0, V, p), 5e-6 * V, rtol=1e-5)
    np.testing.assert_allclose(conductance_range(0.1, p), (5e-6, 20e-6), rtol=1e-6)


def changed(diff, root):
    """Apply the page's lines: a `+` line takes the place of a `-` line, or follows another.

    What stands above it is one line of its file.
    """
    path, above, goes = None, None, False
    for line in diff.splitlines():
        if line.startswith("+++ b/"):
            path = root / line.removeprefix("+++ b/")
        elif line.startswith(("-", " ")) and not line.startswith("---"):
            above, goes = line[1:] + "\n", line.startswith("-")
        elif line.startswith("+"):
            text, own = path.read_text("utf-8"), line[1:] + "\n"
            assert text.count(above) == 1, f"{path.name} has not one line {above!r}"
            path.write_text(text.replace(above, own if goes else above + own), "utf-8")


CHECK = """
import dataclasses
import numpy as np
from netlists.verification.verify import verify
from roa_circuit import Crossbar, ProgrammedLayer, default_device
from roa_circuit.solver.dense import read_currents_dense as dense
from roa_circuit.device.memristor import current, differential_conductance
from roa_circuit.solver.read import read_currents

rng = np.random.default_rng(0)
device = default_device()
device = dataclasses.replace(device, memristor=dataclasses.replace(device.memristor, beta=2.0))
V = np.linspace(-1, 1, 9)
assert np.array_equal(current(0.0, V, device.memristor), -current(0.0, -V, device.memristor))
slope = (current(0.3, V + 1e-6, device.memristor) - current(0.3, V - 1e-6, device.memristor)) / 2e-6
assert np.allclose(slope, differential_conductance(0.3, V, device.memristor), rtol=1e-6)
crossbar = Crossbar(rows=4, columns=3, r_source=10.0, r_word=20.0, r_bit=20.0, r_sense=10.0)
state = rng.uniform(0.2, 0.8, crossbar.shape)
volts = rng.uniform(0, 0.5, (5, 4))
exact = dense(crossbar, state, volts, device)
assert np.abs(read_currents(crossbar, state, volts, device) - exact).max() < 1e-9 * np.abs(exact).max()
pulses = np.zeros(crossbar.shape, dtype=np.int64)
pulses[0, 0], pulses[1, 1] = 2, -1
state[:, -1] = 0.5
result = verify(ProgrammedLayer(name="other", device=device, crossbar=crossbar, initial_state=state,
    pulses=pulses, inputs=rng.random((3, 4)), labels=np.array([], dtype=np.int64), input_scale=1.0))
print(result.max_relative_current_error, result.max_state_error)
assert result.passed and result.max_state_error < 5e-4
"""


@pytest.mark.ngspice
def test_another_iv_in_surrogate_and_ngspice(tmp_path):
    for package in ("roa_circuit", "netlists"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    changed(fenced("diff")[0], tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", CHECK], cwd=tmp_path, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr


@pytest.mark.long
def test_a_law_as_a_class_passes_what_every_law_passes(tmp_path):
    """The page's class in a copy, with the page's changes, by the tests of all laws."""
    tests = "tests/unit/roa_circuit/device/laws"
    shutil.copytree(
        ROOT / "roa_circuit", tmp_path / "roa_circuit", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copytree(ROOT / tests, tmp_path / tests)
    for name in ("pyproject.toml", "tests/law_devices.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "roa_circuit/device/laws/drift.py").write_text(fenced("python")[2], "utf-8")
    changed(fenced("diff")[1], tmp_path)
    only = ["-k", "drift or has_a_device", "-p", "no:cacheprovider"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-n0", "-q", *only, tests],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout
    passed = int(re.search(r"(\d+) passed", ran.stdout)[1])
    assert passed > 20, ran.stdout


def test_the_pages_changes_are_not_made_here():
    p = load_device("zhang2021").memristor
    assert current(0.0, 1.0, p) != pytest.approx(-current(0.0, -1.0, p))
    array = Crossbar(rows=2, columns=2)
    assert read_currents(
        array, np.full((2, 2), 0.5), np.full((1, 2), 0.1), load_device("zhang2021")
    ).all()
