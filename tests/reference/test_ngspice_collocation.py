"""A write checked at operating points of a simulator: what it finds, and what it must not miss."""

import dataclasses

import numpy as np
import pytest

from netlists.decks.deck import points_deck
from netlists.layers.shipped import load_layer
from netlists.simulation.parallel import Together
from netlists.simulation.simulators import Engine
from netlists.verification.collocation import Collocation, Scope, choose, surrogate_trajectory
from netlists.verification.engines import Analysis, Phase
from netlists.verification.figures import drawings
from netlists.verification.report import analysed, summary_rows
from netlists.verification.result import STATE_LIMIT, STATE_SHARE
from netlists.verification.samples import Arrays
from netlists.verification.testbench import Testbench
from netlists.verification.verify import verify
from roa_circuit.basics.errors import InputError
from roa_circuit.chips.circuitry import BARE, Circuitry
from roa_circuit.chips.draw import draw
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.components import Transistor
from roa_circuit.circuit.waveforms import write_programme
from roa_circuit.device.laws.windows import Windows
from roa_circuit.device.memristor import current
from roa_circuit.device.parameters import load_device
from roa_circuit.layers.tiling import TileSize, split

pytestmark = pytest.mark.ngspice

POINTS = Testbench(analysis=Analysis.collocation, phase=Phase.write, time_limit=250)
STEPS = Testbench(analysis=Analysis.transient, phase=Phase.write, time_limit=250)

BOTH_ENGINES = [Engine.ngspice, pytest.param(Engine.vacask, marks=pytest.mark.vacask)]


BASE = load_device("zhang2021")


def windows(p, q, **others):
    law = Windows(**{**BASE.memristor.constants, "current_scale": 0.01}, p=p, q=q, **others)
    return dataclasses.replace(BASE, name="windows", memristor=law)


IN_CI = ("vteam",)
LAWS = {
    "constant steps": windows(0.0, 0.0),
    "ever faster": windows(-1.0, 0.1),
    "soft bounds in ln G, thresholds": windows(
        1.0, 1.5, ratio=5.0, threshold_up=0.6, threshold_down=0.8
    ),
    "vteam": load_device("vteam"),
    "yakopcic": load_device("yakopcic").scaled(0.002),
}


def collocated(
    layer, *, chip=None, circuitry=BARE, engine=Engine.ngspice, planted=0.0, told=None, points=None
):
    """A layer's write by collocation, its trajectory, and whatever is planted into that."""
    chip = chip or draw(None, layer.crossbar, layer.device, np.random.default_rng(0))
    told = told or surrogate_trajectory(chip, layer.initial_state, layer.pulses, circuitry.transistor)
    if planted:
        row = told.pulses[len(told.pulses) // 2].row
        last = max(number for number, pulse in enumerate(told.pulses) if pulse.row == row)
        states = told.states.copy()
        states[last + 1 :, row, 0] += planted
        told = dataclasses.replace(told, states=states)
    chosen = choose([told.pulses], None, 0)[0]
    if points:
        chosen = dataclasses.replace(chosen, points=points, transients=())
    return Collocation(
        chip=chip,
        trajectory=told,
        scope=Scope(believed=chip, chosen=chosen, parts=2),
        how={"circuitry": circuitry, "engine": engine},
        name="",
        run=lambda deck, name, progress: deck.run(name=name, progress=progress, time_limit=200),
        together=Together(),
    ).done(lambda fraction: None), told


def wired(layer, **wires):
    return dataclasses.replace(layer, crossbar=dataclasses.replace(layer.crossbar, **wires))


@pytest.mark.parametrize("engine", BOTH_ENGINES)
def test_the_surrogates_write_is_right_within_a_small_bound(make_layer, engine):
    layer = make_layer(rows=12, columns=4, density=0.4)
    bench = Testbench(analysis=Analysis.collocation, engine=engine, time_limit=250)
    result = verify(layer, bench=bench)
    assert result.passed
    assert result.max_state_error <= result.residual_bound * (1 + 1e-9) < 1e-6
    assert result.max_transient_error < 1e-4
    assert result.pulses_simulated == result.pulses_in_programme > result.pulses_as_transients == 3
    assert result.write_energy_spice == pytest.approx(result.write_energy_surrogate, rel=1e-4)
    assert result.max_disturb_spice == pytest.approx(result.max_disturb_surrogate, abs=1e-8)
    assert result.max_relative_current_error < 1e-7


def test_of_a_sample_nothing_is_said_that_no_simulator_saw(make_layer):
    layer = make_layer(rows=12, columns=4, density=0.4)
    result = verify(layer, bench=Testbench(pulses=3, time_limit=250))
    assert result.passed
    assert result.is_sampled
    assert result.max_state_error is result.max_disturb_spice is result.write_energy_spice is None
    assert result.max_disturb_surrogate > 0
    assert "no simulator saw: states after the write are the surrogate's" in analysed(result)
    rows = {name: value for name, value, *_ in summary_rows(result)}
    assert "final states, worst error" not in rows
    assert rows["disturb of idle cells, surrogate / ngspice"].endswith("/ not measured")
    drawn = {one.name: one for one in drawings(result)}
    assert not {f"{layer.name}--state-scatter", f"{layer.name}--state-error"} & drawn.keys()
    caption = next(one.caption for name, one in drawn.items() if name.endswith("--states"))
    assert "after it in the surrogate" in caption


def test_an_error_planted_in_the_states_comes_back_in_the_bound(make_layer):
    layer = make_layer(rows=8, columns=4, density=0.5)
    planted = -1e-3
    found, told = collocated(layer, planted=planted)
    assert found.bound.max() == pytest.approx(1e-3, rel=1e-2)
    row, column = np.unravel_index(found.bound.argmax(), found.bound.shape)
    assert (row, column) == (told.pulses[len(told.pulses) // 2].row, 0)
    assert np.sort(found.bound, axis=None)[-2] < 2e-5  # its neighbours see another current
    back = (found.state - told.states[-1])[row, column]
    assert back == pytest.approx(-planted, rel=1e-2)


@pytest.mark.slow
def test_a_tile_of_a_convolution_is_collocated_in_debians_ngspice():
    """64 x 65 cells: all 85 pulses at operating points, three as transients, and a planted error."""
    tile = next(one for one in split(load_layer("conv4"), TileSize()) if one.first_row == 448).layer
    found, told = collocated(tile)
    assert len(told.pulses) == 85
    assert found.bound.max() < 1e-6
    assert found.transient_error < 5e-5
    row, last = told.pulses[0].row, 1
    states = told.states.copy()
    states[last + 1 :, row, 0] += 1e-3
    planted = collocated(tile, told=dataclasses.replace(told, states=states), points=(0, 1, 2))[0]
    assert planted.bound.max() == pytest.approx(1e-3, rel=1e-2)
    assert np.unravel_index(planted.bound.argmax(), planted.bound.shape) == (row, 0)


@pytest.mark.parametrize(
    ("wires", "circuitry"),
    [
        pytest.param({"scheme": "V/3"}, BARE, marks=pytest.mark.slow),
        pytest.param({"scheme": "ideal"}, BARE, marks=pytest.mark.slow),
        ({"scheme": "ideal"}, Circuitry(transistor=Transistor())),
        ({"r_word": 0.0, "r_bit": 0.0, "r_source": 0.0, "r_sense": 0.0}, BARE),
        ({"drive": "both", "sense": "top"}, BARE),
        pytest.param({"r_word": 20.0, "r_bit": 20.0}, BARE, marks=pytest.mark.slow),
    ],
    ids=["V/3", "ideal", "transistors", "perfect wires", "other ends", "poor wires"],
)
def test_every_kind_of_array_can_be_collocated(make_layer, wires, circuitry):
    found, told = collocated(
        wired(make_layer(rows=6, columns=4, density=0.5), **wires), circuitry=circuitry
    )
    assert found.bound.max() < 2e-5
    assert found.transient_error < 2e-4
    assert np.abs(found.state - told.states[-1]).max() <= found.bound.max() * (1 + 1e-9)


def test_imperfect_arrays_are_collocated_as_they_are(make_layer):
    layer = make_layer(rows=6, columns=4, density=0.5)
    faults = Imperfections(stuck_on=0.1, open=0.1, broken_word=0.2, write_gain=0.02)
    chip = draw(faults, layer.crossbar, layer.device, np.random.default_rng(3))
    started = dataclasses.replace(layer, initial_state=chip.start(layer.initial_state))
    found, _ = collocated(started, chip=chip)
    assert found.bound.max() < 1e-5


def test_write_noise_is_drawn_alike_for_the_surrogate_and_its_check(make_layer):
    """The check took the next draw of the same stream, and every write with noise failed."""
    noisy = Arrays(imperfections=Imperfections(sigma_wn=0.5), seed=1)
    result = verify(make_layer(rows=6, columns=3, density=0.5), noisy, POINTS)
    assert result.passed
    assert result.max_state_error < 1e-6


@pytest.mark.vacask
def test_transistors_are_collocated_in_vacask(make_layer):
    """Their bulk is held at one voltage at all points, and was looked up by the point."""
    layer = make_layer(rows=4, columns=3, density=0.5)
    layer = dataclasses.replace(layer, crossbar=dataclasses.replace(layer.crossbar, scheme="ideal"))
    found, _ = collocated(layer, circuitry=Circuitry(transistor=Transistor()), engine=Engine.vacask)
    assert found.bound.max() < 2e-5


@pytest.mark.vacask
def test_a_head_with_transistors_is_collocated_in_vacask():
    """VACASK's own transistors went on limiting their voltages at a solution that they had found."""
    layer = load_layer("fc")
    layer = dataclasses.replace(layer, crossbar=dataclasses.replace(layer.crossbar, scheme="ideal"))
    found, _ = collocated(layer, circuitry=Circuitry(transistor=Transistor()), engine=Engine.vacask)
    assert found.bound.max() < 1e-6
    assert found.transient_share < STATE_SHARE / 10


@pytest.mark.vacask
@pytest.mark.parametrize("celsius", [-23.0, 27.0, 77.0])
def test_channels_of_operating_points_are_level_1s_of_ngspice(make_layer, celsius):
    """At W/L = 1, where they take a good part of each drive, and at temperatures of their own.

    On its way to some of these points ngspice leaves the range of a cell's sinh, and finds them then.
    """
    layer = make_layer(rows=5, columns=4, density=0.5)
    crossbar = dataclasses.replace(layer.crossbar, scheme="ideal", r_word=20.0)
    small = Transistor(width_over_length=1.0, threshold=0.4)
    circuitry = Circuitry(transistor=small, temperature=celsius + 273.15)
    pulses = list(write_programme(layer.pulses, layer.device))
    states = np.stack([layer.initial_state] * len(pulses))
    tables = []
    for engine in (Engine.ngspice, Engine.vacask):
        deck = points_deck(crossbar, states, pulses, layer.device, engine=engine, circuitry=circuitry)
        tables.append(deck.measured(deck.run(name="points", time_limit=200)))
    volts, amperes = np.split(np.abs(tables[0] - tables[1]), [2 * layer.initial_state.size], axis=1)
    assert volts.max() < 2e-5  # what ngspice asks of a volt
    assert amperes.max() < 1e-6 * np.abs(tables[0][:, 2 * layer.initial_state.size :]).max()


def test_a_transient_is_held_to_what_its_pulse_moves(make_layer):
    """Of a device of many levels no pulse moves 5e-3: a deck with cells as good as dead passed."""

    def slower(k):
        law = dataclasses.replace(BASE.memristor, k=k, current_scale=0.01)
        return make_layer(
            rows=4, columns=3, density=0.5, device=dataclasses.replace(BASE, memristor=law)
        )

    believed, real = (slower(k) for k in (1e-6, 1e-7))
    chips = [draw(None, one.crossbar, one.device, np.random.default_rng(0)) for one in (believed, real)]
    told = surrogate_trajectory(chips[0], believed.initial_state, believed.pulses, None)
    found, _ = collocated(real, chip=chips[1], told=told)
    assert found.transient_error < STATE_LIMIT
    assert found.transient_share == pytest.approx(0.9, abs=0.02)
    assert collocated(believed)[0].transient_share < STATE_SHARE / 3


def test_currents_as_printed_need_a_point_at_half_time(make_layer):
    """Wires leave such cells little voltage, and what is left moves with the states."""
    device = load_device("zhang2021")
    layer = make_layer(rows=8, columns=4, density=0.5, device=device)
    found, _ = collocated(layer)
    assert found.bound.max() < 1e-5


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name not in IN_CI)) for name in LAWS]
)
def test_every_law_can_be_collocated(make_layer, name):
    """Cells that come to an end of their range among them, which some laws reach by a finite dose."""
    layer = make_layer(rows=6, columns=4, density=0.5, device=LAWS[name])
    state = layer.initial_state.copy()
    row, column = np.argwhere(layer.pulses)[0]
    state[row, column] = 0.97 if layer.pulses[row, column] > 0 else 0.03
    found, told = collocated(dataclasses.replace(layer, initial_state=state))
    assert found.bound.max() < 2e-5
    assert found.transient_error < 1e-3
    assert np.abs(found.state - told.states[-1]).max() <= found.bound.max() * (1 + 1e-9)


def test_the_simulator_not_the_surrogate_sets_the_voltages(make_layer):
    """A surrogate that believes in perfect wires is found out, by as much as a transient finds."""
    layer = make_layer(rows=8, columns=4, density=0.5)
    believed = dataclasses.replace(layer.crossbar, r_word=0.0, r_bit=0.0, r_source=0.0, r_sense=0.0)
    arrays = Arrays(believed=believed)
    by_points = verify(layer, arrays, POINTS)
    stepped = verify(layer, arrays, STEPS)
    assert stepped.max_state_error > 1e-3
    assert by_points.max_state_error == pytest.approx(stepped.max_state_error, rel=0.05)
    assert by_points.residual_bound >= stepped.max_state_error * 0.95


def test_the_energy_is_that_of_a_transient(make_layer):
    layer = make_layer(rows=6, columns=4, density=0.3)
    found, _ = collocated(layer)
    stepped = verify(layer, bench=STEPS)
    assert found.energy == pytest.approx(stepped.write_energy_spice, rel=2e-3)


def test_some_pulses_stand_for_all(make_layer):
    layer = make_layer(rows=6, columns=3, density=0.6)
    some = verify(layer, bench=dataclasses.replace(POINTS, pulses=4))
    assert some.pulses_simulated == 4 < some.pulses_in_programme
    assert some.write_energy_spice is None
    every = verify(layer, bench=POINTS)
    assert some.residual_bound < 20 * every.residual_bound
    assert some.passed


def test_what_collocation_cannot_do_is_refused(make_layer):
    layer = make_layer(rows=4, columns=3)
    with pytest.raises(InputError, match="reads alone take --analysis sweep"):
        Testbench(analysis=Analysis.collocation, phase=Phase.read)
    with pytest.raises(InputError, match="--pulses 3: --phase read writes nothing"):
        Testbench(phase=Phase.read, pulses=3)
    with pytest.raises(InputError, match="pulses = 0 must be at least 1"):
        Testbench(pulses=0)
    charged = Arrays(circuitry=Circuitry(c_word=1e-15))
    for bench in (POINTS, Testbench(pulses=3)):
        with pytest.raises(InputError, match="stores charge"):
            verify(layer, charged, bench)
    with pytest.raises(InputError, match="add --analysis collocation"):
        Testbench(analysis=Analysis.transient, pulses=3)


def test_what_enters_a_line_leaves_through_its_cells(make_layer):
    """Kirchhoff's law over each line, of Eq. 2 at the cell voltages that were found."""
    layer = make_layer(rows=5, columns=3)
    told = surrogate_trajectory(
        draw(None, layer.crossbar, layer.device, np.random.default_rng(0)),
        layer.initial_state, layer.pulses, None,
    )  # fmt: skip
    deck = points_deck(layer.crossbar, told.states[:2], [told.pulses[0]] * 2, layer.device)
    found = deck.measured(deck.run(time_limit=60))
    te, be, currents = np.split(found, [15, 30], axis=1)
    cells = current(told.states[:2].reshape(2, -1), te - be, layer.device.memristor).reshape(2, 5, 3)
    np.testing.assert_allclose(-currents[:, :5], cells.sum(axis=2), rtol=1e-6, atol=1e-15)
    np.testing.assert_allclose(currents[:, 5:], cells.sum(axis=1), rtol=1e-6, atol=1e-15)
