"""Which simulator verifies a layer where none is asked for."""

import pytest

from netlists.decks.dialect import PLAIN, Dialect
from netlists.simulation.simulators import Engine
from netlists.verification.choice import LONG, chosen_engine
from roa_circuit.chips.circuitry import BARE
from roa_circuit.circuit.design_point import default_crossbar


def pulses(count):
    """Transients of whole rows of a tile, ten times as long in ngspice."""
    return lambda prices: prices.write_seconds(default_crossbar(64, 65), count)


@pytest.fixture
def installed(monkeypatch):
    monkeypatch.setattr("netlists.simulation.vacask.find_program", lambda: "vacask")
    monkeypatch.setattr("netlists.simulation.run.Simulator.is_available", lambda self: True)


def test_long_work_goes_to_vacask_and_is_said(installed):
    engine, why = chosen_engine(pulses(100), PLAIN, BARE, relays=False)
    assert engine is Engine.vacask
    assert why.startswith("VACASK is here and takes about")
    assert why.endswith("--engine ngspice for ngspice")


@pytest.mark.parametrize(
    ("work", "dialect", "relays"),
    [
        (pulses(1), PLAIN, False),
        (lambda prices: 2 * LONG, PLAIN, False),
        (pulses(100), Dialect(klu=True, osdi=True), False),
        (pulses(100), PLAIN, True),
    ],
    ids=["brief", "no faster", "a fast ngspice", "no ideal switches"],
)
def test_other_work_stays_in_ngspice(work, dialect, relays, installed):
    assert chosen_engine(work, dialect, BARE, relays=relays) == (Engine.ngspice, "")


def test_without_vacask_all_work_stays_in_ngspice(monkeypatch):
    monkeypatch.setattr("netlists.simulation.run.Simulator.is_available", lambda self: False)
    assert chosen_engine(pulses(100), PLAIN, BARE, relays=False) == (Engine.ngspice, "")
