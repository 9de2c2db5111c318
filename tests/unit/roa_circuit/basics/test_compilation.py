"""Where compiled code is kept, and that numpy computes the same where it cannot be."""

import os
import subprocess
import sys

import numpy as np
import pytest

from roa_circuit.basics import compilation


@pytest.fixture
def asked_anew():
    for function in (compilation.cache_folder, compilation.available):
        function.cache_clear()
    yield
    for function in (compilation.cache_folder, compilation.available):
        function.cache_clear()


@pytest.mark.usefixtures("asked_anew")
def test_a_folder_that_cannot_be_made_leaves_numba_out(monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/proc/none")
    assert compilation.cache_folder() is None
    assert not compilation.available()


@pytest.mark.usefixtures("asked_anew")
def test_a_folder_that_can_be_made_is_taken_before_all_others(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "new"))
    assert compilation.cache_folder() == tmp_path / "new"


@pytest.mark.long
def test_a_command_does_without_kernels_that_are_switched_off_and_says_nothing(tmp_path):
    """A first verification translated kernels for a minute, which one small layer never gave back."""
    rng = np.random.default_rng(0)
    np.savetxt(tmp_path / "s.csv", rng.random((16, 12)), delimiter=",")
    np.savetxt(tmp_path / "v.csv", 0.1 * rng.random((5, 16)), delimiter=",")
    program = (
        "import sys; from netlists.commands.cli import main\ntry: main()\nexcept SystemExit as end:\n"
    )
    program += " print('numba' in sys.modules); raise"
    words = ["solve", "--states", "s.csv", "--inputs", "v.csv", "--wire-resistance", "50", "-o"]
    found = []
    for switch in ("0", "1"):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        ran = subprocess.run(
            [sys.executable, "-c", program, *words, f"{switch}.csv"], cwd=tmp_path,
            env=environment | {"NUMBA_DISABLE_JIT": switch}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        found.append(np.loadtxt(tmp_path / f"{switch}.csv", delimiter=","))
        assert ran.stdout.splitlines()[-1] == str(switch == "0")
        assert "NUMBA" not in ran.stderr
    np.testing.assert_allclose(found[1], found[0], rtol=1e-9)


@pytest.mark.long
def test_without_a_cache_a_command_names_the_variable_and_gives_the_same_numbers(tmp_path):
    rng = np.random.default_rng(0)
    np.savetxt(tmp_path / "s.csv", rng.random((6, 4)), delimiter=",")
    np.savetxt(tmp_path / "v.csv", 0.1 * rng.random((5, 6)), delimiter=",")
    words = ["solve", "--states", "s.csv", "--inputs", "v.csv", "--wire-resistance", "50", "-o"]
    program = "from netlists.commands.cli import main; main()"
    found = []
    for number, place in enumerate((os.environ.get("NUMBA_CACHE_DIR"), "/proc/none")):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        environment |= {"NUMBA_CACHE_DIR": place} if place else {}
        ran = subprocess.run(
            [sys.executable, "-c", program, *words, f"{number}.csv"], cwd=tmp_path, env=environment,
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        found.append(np.loadtxt(tmp_path / f"{number}.csv", delimiter=","))
        assert ("set NUMBA_CACHE_DIR to a folder that can be written" in ran.stderr) == bool(number)
    np.testing.assert_allclose(found[1], found[0], rtol=1e-9)


KERNEL = """
import numba
from roa_circuit.basics import compilation

compilation.when_it_begins(lambda: print("begins"))
compilation.watch()

@numba.njit(**compilation.INNER)
def square(x):
    return x * x

@numba.njit(**compilation.ENTRY)
def double_square(x):
    return 2.0 * square(x)

print(double_square(3.0), double_square(3))
"""


@pytest.mark.long
def test_it_is_told_once_that_kernels_are_compiled_and_not_where_a_cache_has_them(tmp_path):
    (tmp_path / "kernel.py").write_text(KERNEL)
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    said = [
        subprocess.run(
            [sys.executable, "kernel.py"], cwd=tmp_path, env=environment, capture_output=True, text=True,
            check=True,
        ).stdout.split()
        for _ in range(2)
    ]  # fmt: skip
    assert said == [["begins", "18.0", "18.0"], ["18.0", "18.0"]]
