"""What newer ngspice can do, KLU and compiled cells, where the one at hand can; else skipped.

Debian's ngspice 39 has neither. NGSPICE_LIBRARY_PATH names another libngspice.
"""

import dataclasses
import shutil

import numpy as np
import pytest

from netlists.commands import cli
from netlists.decks.deck import read_deck, sweep_deck, write_deck
from netlists.decks.dialect import PLAIN, PROBES, CellModel, Dialect, Matrix, abilities, choose
from netlists.simulation.ngspice import ask
from netlists.verification.testbench import Testbench
from netlists.verification.verify import verify
from roa_circuit.basics.errors import SimulatorError
from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.chips.in_situ import write_in_situ
from roa_circuit.circuit.components import Transistor
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.device.parameters import load_device
from roa_circuit.solver.read import read_currents

pytestmark = [pytest.mark.ngspice, pytest.mark.vacask]

DIALECTS = {
    "klu": Dialect(klu=True),
    "compiled": Dialect(osdi=True),
    "both": Dialect(klu=True, osdi=True),
}


@pytest.fixture(scope="module")
def able():
    return abilities(ask(PROBES))


@pytest.fixture(params=DIALECTS)
def dialect(request, able):
    wanted = DIALECTS[request.param]
    if (wanted.klu and not able.klu) or (wanted.osdi and not able.osdi):
        pytest.skip("this ngspice was built without " + ("KLU" if not able.klu else "OSDI"))
    return wanted


def drawn(rows, columns):
    rng = np.random.default_rng(rows)
    shape = rows, columns
    return rng.random(shape), rng.uniform(-0.1, 0.1, (5, rows)), rng.integers(-2, 3, shape)


@pytest.mark.parametrize("build", [sweep_deck, read_deck])
@pytest.mark.parametrize("device", ["zhang2021", "design point"])
def test_reads_are_the_surrogates(build, device, dialect):
    state, volts, _ = drawn(9, 4)
    crossbar = default_crossbar(9, 4)
    device = default_device() if device == "design point" else load_device(device)
    deck = build(crossbar, state, volts, device, dialect=dialect)
    expected = read_currents(crossbar, state, volts, device)
    measured = deck.measured(run := deck.run(time_limit=120))
    np.testing.assert_allclose(measured, expected, atol=1e-8 * np.abs(expected).max())
    assert ("Using KLU" in run.log) == dialect.klu


def test_writes_are_the_surrogates(dialect):
    state, _, pulses = drawn(6, 4)
    crossbar, device = default_crossbar(6, 4), default_device()
    deck = write_deck(crossbar, state, pulses, device, dialect=dialect)
    run = deck.run(time_limit=120)
    outcome = write_in_situ(crossbar, state, pulses, device)
    np.testing.assert_allclose(deck.measured(run).reshape(6, 4), outcome.state, atol=2e-4)
    assert run.vectors["energy"][-1] == pytest.approx(1e3 * outcome.energy, rel=1e-3)


def test_cells_of_their_own_and_transistors(dialect):
    """Constants of each instance reach compiled cells, and other devices stand beside them."""
    state, volts, _ = drawn(4, 3)
    device = default_device().scaled(0.01 * np.linspace(0.5, 2.0, 12).reshape(4, 3))
    crossbar, gated = Crossbar(rows=4, columns=3, r_bit=2.0), Circuitry(transistor=Transistor())
    how = {"circuitry": gated, "dialect": dialect}
    for build, given in ((sweep_deck, volts), (write_deck, drawn(4, 3)[2])):
        chosen, plain = (
            build(crossbar, state, given, device, **one) for one in (how, how | {"dialect": PLAIN})
        )
        one, other = (deck.measured(deck.run(time_limit=120)) for deck in (chosen, plain))
        np.testing.assert_allclose(one, other, atol=1e-4 * np.abs(other).max())


def test_waveforms_are_recorded_under_the_same_names(dialect, make_layer):
    result = verify(make_layer(), bench=Testbench(dialect=dialect), recorded=True)
    assert result.passed
    assert result.dialect == str(dialect)
    write = result.recordings[0]
    np.testing.assert_allclose(write["state"][-1], result.spice_state, atol=1e-9)


def test_an_exported_deck_brings_its_cells_along(dialect, make_layer, tmp_path, command):
    make_layer().save(tmp_path / "layer.npz")
    options = ["--matrix", "klu" if dialect.klu else "sparse"]
    options += ["--cell", "osdi" if dialect.osdi else "behavioural"]
    deck = ["-o", tmp_path / "x.cir", "--layer", tmp_path / "layer.npz", *options]
    assert command(cli.main, "netlist", *deck)[0] == 0
    names = {path.name for path in tmp_path.iterdir()} - {"layer.npz"}
    brought = {"roa_memristor.va", "roa_memristor.osdi"} if dialect.osdi else set()
    assert names == {"x.cir", *brought}


def test_auto_takes_what_is_there(able):
    assert choose() == able
    assert choose(Matrix.sparse, CellModel.behavioural) == PLAIN
    assert choose(Matrix.auto, CellModel.behavioural) == dataclasses.replace(able, osdi=False)


@pytest.mark.parametrize("option", [("--matrix", "klu"), ("--cell", "osdi")])
def test_what_is_not_there_is_said(option, able, tmp_path, command):
    has = able.klu if option[1] == "klu" else able.osdi
    arguments = ["-o", tmp_path / "x.cir", "--layer", "fc", *option]
    code, _, err = command(cli.main, "netlist", *arguments)
    assert code == (0 if has else 3)
    assert has or f"leave {option[0]} out" in err


def test_cells_need_a_compiler(monkeypatch, able):
    """Without openvaf-r `auto` goes on with behavioural cells; what asks for others is told."""
    monkeypatch.setattr("netlists.simulation.vacask._packaged", lambda program: None)
    monkeypatch.setattr(shutil, "which", lambda program: None)
    assert not choose().osdi
    if able.osdi:
        with pytest.raises(SimulatorError, match="openvaf-r is not installed"):
            choose(cell=CellModel.osdi)
