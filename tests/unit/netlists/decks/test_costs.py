"""What decks are said to cost, beside what ngspice counts."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from netlists.decks.costs import law_seconds, prices, require_memory, require_time
from netlists.decks.deck import points_deck, read_deck, sweep_deck, write_deck
from netlists.decks.dialect import Dialect
from netlists.simulation.simulators import Engine
from netlists.simulation.vacask import find_program
from netlists.verification.collocation import surrogate_trajectory
from roa_circuit.basics.errors import InputError
from roa_circuit.chips.circuitry import BARE, Circuitry
from roa_circuit.chips.draw import draw
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.circuit.waveforms import write_programme

CROSSBAR, DEVICE = default_crossbar(16, 6), default_device()
RNG = np.random.default_rng(3)
STATE, VOLTAGES = RNG.uniform(0.1, 0.9, CROSSBAR.shape), RNG.uniform(0, 0.1, (12, CROSSBAR.rows))
CHIP = draw(None, CROSSBAR, DEVICE, RNG)
ONE_A_ROW = np.eye(*CROSSBAR.shape, dtype=int)
SOME = RNG.integers(-1, 2, CROSSBAR.shape) * (np.arange(CROSSBAR.rows) % 4 == 0)[:, None]


def iterations(deck, folder):
    """As the program ngspice accounts for them."""
    path = folder / "deck.cir"
    path.write_text(deck.text.replace("noacct", "acct"), encoding="utf-8")
    done = subprocess.run(
        ["ngspice", "-b", path.name], cwd=folder, env={**os.environ, "HOME": str(folder)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return int(re.search(r"Total iterations = (\d+)", done.stdout)[1])


@pytest.mark.ngspice
@pytest.mark.parametrize(
    "circuitry", [BARE, Circuitry(c_word=1e-15, c_bit=1e-15)], ids=["bare", "charged"]
)
def test_pulses_and_reads_are_priced_at_the_iterations_they_take(circuitry, tmp_path):
    price = prices(Engine.ngspice, circuitry=circuitry)
    how = {"circuitry": circuitry}
    reads = iterations(read_deck(CROSSBAR, STATE, VOLTAGES, DEVICE, **how), tmp_path)
    assert 0.7 < reads / len(VOLTAGES) / price.read < 1.4
    for pulses in (ONE_A_ROW, SOME):
        count = sum(1 for _ in write_programme(pulses, DEVICE))
        writes = iterations(write_deck(CROSSBAR, STATE, pulses, DEVICE, **how), tmp_path)
        assert 0.6 < writes / count / price.pulse < 1.7
    if circuitry is BARE:
        sweep = iterations(sweep_deck(CROSSBAR, STATE, VOLTAGES, DEVICE), tmp_path)
        assert 0.7 < sweep / len(VOLTAGES) / price.sweep < 1.4
        told = surrogate_trajectory(CHIP, STATE, SOME, None)
        states, pulses = np.repeat(told.states, 2, axis=0)[1:-1], np.repeat(told.pulses, 2)
        points = iterations(points_deck(CROSSBAR, states, pulses, DEVICE), tmp_path)
        assert 0.7 < points / len(pulses) / price.point < 1.4


def test_small_arrays_are_not_priced_as_large_ones():
    """A write of many pulses takes seconds as a transient; by collocation the law takes its time."""
    small, pulses = default_crossbar(8, 4), 400
    price = prices(Engine.ngspice)
    assert 1.0 < price.write_seconds(small, pulses) < 6.0  # 1.7 s taken
    assert price.points_seconds(small, 2 * pulses) < 2.0
    assert 3.0 < law_seconds(small, pulses) < 12.0  # 5.6 s taken
    large = default_crossbar(64, 65)
    assert price.write_seconds(large, 1) > 30 * price.write_seconds(small, 1)


def test_limits_are_those_of_engine_and_dialect():
    """Memory first, then time; what one engine cannot do another may."""
    large, larger = default_crossbar(128, 128), default_crossbar(1024, 1024)
    sparse, klu = prices(Engine.ngspice), prices(Engine.ngspice, Dialect(klu=True))
    vacask = prices(Engine.vacask)
    limit = 8 * 2**30
    for price in (sparse, klu, vacask):
        require_memory(price.bytes(large), limit, "128 x 128 cells")
    with pytest.raises(InputError, match=r"1024 x 1024 cells takes about .* GiB, more than the 8.0 GiB"):
        require_memory(sparse.bytes(larger), limit, "1024 x 1024 cells")
    require_time(klu.sweep_seconds(large, 16), 10.0, "16 reads")
    with pytest.raises(InputError, match="far beyond the time limit of 10 s: give --time-limit"):
        require_time(sparse.sweep_seconds(large, 16), 10.0, "16 reads")


@pytest.mark.vacask
@pytest.mark.skipif(sys.platform != "linux", reason="reads the largest resident size in /proc")
@pytest.mark.parametrize("engine", list(Engine))
def test_memory_is_estimated_within_a_factor(engine, tmp_path):
    """Beside what the simulator's own process held at the most."""
    crossbar = default_crossbar(48, 48)
    state, volts = RNG.uniform(0.1, 0.9, crossbar.shape), RNG.uniform(0, 0.1, (2, 48))
    deck = sweep_deck(crossbar, state, volts, DEVICE, engine=engine)
    deck.write(tmp_path / "deck.cir")
    run = [find_program(), "--quiet-progress"] if engine is Engine.vacask else ["ngspice", "-b"]
    most = 0
    with subprocess.Popen(
        [*run, "deck.cir"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        status = Path("/proc", str(process.pid), "status")
        while process.poll() is None:
            found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
            most = max(most, 1024 * int(found[1]) if found else 0)
            time.sleep(0.01)
    assert process.returncode == 0
    python = 6e7
    assert 0.5 < (prices(engine).bytes(crossbar) - python) / most < 2.0, most
