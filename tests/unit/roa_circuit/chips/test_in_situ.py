"""The write through the wires."""

import dataclasses
import itertools

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from roa_circuit.basics.errors import InputError
from roa_circuit.chips import in_situ
from roa_circuit.chips.in_situ import write_in_situ
from roa_circuit.circuit.breaks import Break
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.circuit.waveforms import line_voltages, write_programme
from roa_circuit.device.laws.law import OPEN
from roa_circuit.device.memristor import current, state_derivative
from roa_circuit.device.parameters import load_device

DEVICE = default_device()
TABLE_1 = load_device("zhang2021")


def draw_write(rows, columns, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(0.2, 0.8, (rows, columns)), rng.integers(-2, 3, (rows, columns))


def with_pulses(device, **pulses):
    return dataclasses.replace(device, pulses=dataclasses.replace(device.pulses, **pulses))


@pytest.mark.long
def test_arrays_that_mirror_each_other_are_written_alike_row_by_row():
    """Sensed at the top, a row has the segments above it in its bit lines; in the mirror those below."""
    state, pulses = draw_write(5, 4)
    lines = {"r_source": 5.0, "r_word": 20.0, "r_bit": 40.0, "r_sense": 5.0, "scheme": "ideal"}
    broken = (Break(line="bit", row=3, column=1),)
    top = Crossbar(rows=5, columns=4, sense="top", breaks=broken, **lines)
    mirrored = (Break(line="bit", row=1, column=1),)
    bottom = Crossbar(rows=5, columns=4, sense="bottom", breaks=mirrored, **lines)
    one = write_in_situ(top, state, pulses, TABLE_1)
    other = write_in_situ(bottom, state[::-1], pulses[::-1], TABLE_1)
    np.testing.assert_allclose(one.state, other.state[::-1], atol=1e-9)
    assert (one.state[3:, 1] == state[3:, 1]).all()  # behind the break nothing is written
    assert (pulses[3:, 1] != 0).any()
    assert np.abs(one.state - write_in_situ(bottom, state, pulses, TABLE_1).state).max() > 1e-3


def test_the_programme_gives_every_cell_its_pulses():
    _, pulses = draw_write(7, 4)
    applied = np.zeros_like(pulses)
    for pulse in write_programme(pulses, DEVICE):
        applied[pulse.row] += pulse.selected * (1 if pulse.voltage < 0 else -1)
    assert (applied == pulses).all()


@pytest.mark.parametrize(("scheme", "worst"), [("V/2", 1 / 2), ("V/3", 1 / 3)])
def test_unselected_cells_see_no_more_than_the_scheme_allows(scheme, worst):
    crossbar = Crossbar(rows=4, columns=3, scheme=scheme)
    pulses = np.zeros((4, 3), dtype=int)
    pulses[1, 2] = 1
    (pulse,) = write_programme(pulses, DEVICE)
    words, bits = line_voltages(pulse, crossbar)
    seen = words[:, None] - bits[None, :]
    assert seen[1, 2] == pytest.approx(pulse.voltage)
    seen[1, 2] = 0
    assert np.abs(seen).max() == pytest.approx(abs(pulse.voltage) * worst)


def test_wires_weaken_the_far_corner_most():
    state, pulses = np.full((16, 8), 0.5), np.ones((16, 8), dtype=int)
    crossbar = dataclasses.replace(default_crossbar(16, 8), r_word=20.0, r_bit=20.0)
    moved = write_in_situ(crossbar, state, pulses, DEVICE).state - state
    assert moved.min() == pytest.approx(moved[0, -1])
    assert moved.max() == pytest.approx(moved[-1, 0])


def test_the_worst_disturb_is_that_of_the_cell_that_moved_most():
    """Without wires half-selected cells see half of it, and lose; the one across sees nothing."""
    device, state = with_pulses(TABLE_1, depression_voltage=2.5), np.array([[0.5, 0.9], [0.3, 0.1]])
    pulses = np.array([[-1, 0], [0, 0]])
    outcome = write_in_situ(Crossbar(rows=2, columns=2, scheme="V/2"), state, pulses, device)
    (pulse,) = write_programme(pulses, device)

    def moved(omega):
        corners = np.cumsum([0.0, pulse.edge, pulse.width, pulse.edge])

        def slope(t, w):
            return state_derivative(w, np.interp(t, corners, [0, 1.25, 1.25, 0]), device.memristor)

        whole = solve_ivp(slope, (0.0, corners[-1]), [omega], max_step=pulse.edge / 4, rtol=1e-9)
        return whole.y[0, -1] - omega

    half = np.array([[0.0, moved(0.9)], [moved(0.3), 0.0]])
    np.testing.assert_allclose(outcome.disturb, half, rtol=1e-3)
    assert half[0, 1] < 2 * half[1, 0] < -0.001
    assert outcome.worst_disturb == pytest.approx(-half[0, 1], rel=1e-3)
    assert dict(outcome.facts().rows)["worst disturb"] == f"{-half[0, 1]:.1e} in omega"


@pytest.mark.long
def test_a_tolerance_that_anything_meets_takes_one_step_a_pulse():
    """Steps and solutions are counted: of each pulse one at the start and one at the end of its step."""
    state, pulses = draw_write(3, 2)
    count = len(list(write_programme(pulses, DEVICE)))
    coarse = write_in_situ(default_crossbar(3, 2), state, pulses, DEVICE, tolerance=1.0)
    assert (coarse.pulses, coarse.steps, coarse.solves) == (count, count, 2 * count)
    device = with_pulses(TABLE_1, potentiation_voltage=-2.5, potentiation_width=3e-6)
    crossbar = Crossbar(rows=1, columns=1, r_source=1000.0)
    where = (crossbar, np.array([[0.1]]), np.array([[1]]), device)
    finer = [write_in_situ(*where, tolerance=tolerance) for tolerance in (1e-4, 1e-7)]
    ratio = finer[1].steps / finer[0].steps
    assert 5 < ratio < 20  # an error of third order: ten times as many for a thousandth of it
    assert all(2 * one.steps <= one.solves <= 3 * one.steps for one in finer)
    mean = finer[1].error / finer[1].steps / 1e-7
    assert mean == pytest.approx(0.8**3, abs=0.08)  # 0.8 of the step that would just do


def test_states_are_within_a_ten_thousandth_unless_asked_otherwise():
    device = with_pulses(TABLE_1, potentiation_voltage=-2.5, potentiation_width=3e-6)
    where = (Crossbar(rows=1, columns=1, r_source=1000.0), np.array([[0.1]]), np.array([[1]]), device)
    assert write_in_situ(*where).steps == write_in_situ(*where, tolerance=1e-4).steps > 10


def test_a_step_is_shortened_tenfold_and_stretched_fourfold_at_most(monkeypatch):
    """The whole pulse is tried first, whose error asks for a step of less than a hundredth of it."""
    tried, real = [], in_situ.step_doses
    monkeypatch.setattr(in_situ, "step_doses", lambda *a, **k: tried.append(a[4]) or real(*a, **k))
    device = with_pulses(TABLE_1, potentiation_voltage=-2.5, potentiation_width=3e-6)
    crossbar = Crossbar(rows=1, columns=1, r_source=1000.0)
    write_in_situ(crossbar, np.array([[0.1]]), np.array([[1]]), device, tolerance=1e-7)
    assert tried[:3] == pytest.approx([3e-6, 3e-7, 3e-8])
    assert np.max(np.divide(tried[1:], tried[:-1])) <= 4.0


def test_other_shapes_are_refused():
    with pytest.raises(InputError, match="pulses have shape"):
        write_in_situ(default_crossbar(3, 3), np.zeros((3, 3)), np.zeros((3, 2), dtype=int), DEVICE)


@pytest.mark.parametrize("wrong", [-0.5, 1.5, np.nan])
def test_weights_are_no_states(wrong):
    """Eq. 1 would go on from there as if nothing were: 1.5 became 1.65."""
    state = np.array([[0.5, wrong]])
    with pytest.raises(InputError, match=r"row 0, column 1 is .*omega = \(g \+ 1\) / 2"):
        write_in_situ(default_crossbar(1, 2), state, np.ones((1, 2), dtype=int), DEVICE)


@pytest.mark.parametrize("part", [0.5, 1.5, np.nan, np.inf])
def test_parts_of_pulses_are_refused(part):
    """Half a pulse was given as a whole one, beside a neighbour's whole one."""
    pulses, state = np.array([[1.0, part]]), np.full((1, 2), 0.5)
    with pytest.raises(InputError, match=r"whole numbers, .* row 0, column 1 has .*Eq. 6"):
        write_in_situ(default_crossbar(1, 2), state, pulses, DEVICE)


@pytest.mark.parametrize("given", [[[1, 1]], np.array([["a", "b"]]), np.array([[1j, 1.0]])])
def test_anything_but_an_array_of_real_numbers_is_refused(given):
    with pytest.raises(InputError, match=r"pulses must be a numpy array of real numbers, not .*np\.as"):
        write_in_situ(default_crossbar(1, 2), np.full((1, 2), 0.5), given, DEVICE)


def test_whole_pulses_may_be_floats():
    """`write` counts in the type of its states."""
    state, pulses = draw_write(3, 2)
    crossbar = default_crossbar(3, 2)
    by_type = [write_in_situ(crossbar, state, pulses.astype(t), DEVICE).state for t in (float, np.int16)]
    assert (by_type[0] == by_type[1]).all()


def test_ideal_select_is_every_row_alone_below_wires_of_their_own():
    """Other rows carry no current: what is left are their wires, and their breaks."""
    rng = np.random.default_rng(3)
    state, pulses = draw_write(4, 3)
    k = DEVICE.memristor.k * rng.uniform(0.5, 2.0, (4, 3))
    device = dataclasses.replace(DEVICE, memristor=dataclasses.replace(DEVICE.memristor, k=k))
    broken = (Break(line="bit", row=2, column=1), Break(line="word", row=3, column=2))
    wires = {"r_source": 10.0, "r_word": 200.0, "r_bit": 300.0, "r_sense": 50.0}
    crossbar = Crossbar(rows=4, columns=3, scheme="ideal", breaks=broken, **wires)
    outcome = write_in_situ(crossbar, state, pulses, device)
    connected = np.array([[1, 0, 1], [1, 0, 1], [1, 0, 1], [1, 1, 0]], dtype=bool)
    assert np.abs(outcome.state - state)[~connected].max() < 1e-6
    for i in range(4):
        below = wires["r_sense"] + (3 - i) * wires["r_bit"]
        alone = Crossbar(rows=1, columns=3, scheme="ideal", **(wires | {"r_sense": below}))
        held = np.where(connected[i], state[i], 0.0)
        constants = {"k": k[i : i + 1], "current_scale": np.where(connected[i], 0.01, OPEN)[None]}
        row = dataclasses.replace(DEVICE, memristor=dataclasses.replace(DEVICE.memristor, **constants))
        same = write_in_situ(alone, held[None], np.where(connected[i], pulses[i], 0)[None], row).state[0]
        np.testing.assert_allclose(outcome.state[i][connected[i]], same[connected[i]], atol=1e-5)


def test_ideal_select_leaves_a_cell_the_resistance_of_its_own_way():
    """From row i of four there are 4 - i segments of the bit line to the sense resistor."""
    wires = {"r_source": 10.0, "r_word": 200.0, "r_bit": 300.0}
    column = Crossbar(rows=4, columns=1, scheme="ideal", r_sense=50.0, **wires)
    state, pulses = np.linspace(0.2, 0.8, 4)[:, None], np.array([[1], [-1], [2], [-2]])
    outcome = write_in_situ(column, state, pulses, TABLE_1)
    for i in range(4):
        cell = Crossbar(rows=1, columns=1, r_source=10.0 + 200.0, r_sense=50.0 + (4 - i) * 300.0)
        same = write_in_situ(cell, state[i : i + 1], pulses[i : i + 1], TABLE_1).state
        assert outcome.state[i, 0] == pytest.approx(same[0, 0], abs=1e-6)


def test_the_energy_of_a_pulse_has_the_trapezoid_s_edges():
    """A cell that keeps its state, behind perfect wires: Eq. 2 integrated over the ramps."""
    held = dataclasses.replace(TABLE_1, memristor=dataclasses.replace(TABLE_1.memristor, k=1e-30))
    device = with_pulses(held, edge_fraction=0.5)
    width = device.pulses.potentiation_width
    V = device.pulses.potentiation_voltage
    share = (np.arange(2000) + 0.5) / 2000
    ramp = np.mean(V * share * current(0.3, V * share, held.memristor)) * 0.5 * width
    flat = V * float(current(0.3, V, held.memristor)) * width
    found = write_in_situ(
        Crossbar(rows=1, columns=1), np.array([[0.3]]), np.array([[1]]), device
    ).cell_energy
    assert found[0, 0] == pytest.approx(flat + 2 * ramp, rel=1e-3)


# --- against integrators of Eq. 1 ----------------------------------------------------------------


def behind_a_resistor(ohms, voltage, width, edge, omega, p):
    """Eq. 1 of one cell behind a resistor, integrated in small steps over one trapezoid."""

    def cell_voltage(w, drive):
        def loop(v):
            return v + ohms * float(current(w, v, p)) - drive

        return brentq(loop, min(0.0, drive), max(0.0, drive), xtol=1e-15) if drive else 0.0

    def derivative(t, y):
        w = min(max(y[0], 0.0), 1.0)
        drive = voltage * np.interp(t, [0, edge, edge + width, 2 * edge + width], [0, 1, 1, 0])
        return [float(state_derivative(w, cell_voltage(w, drive), p))]

    y = [omega]
    corners = [0.0, edge, edge + width, 2 * edge + width]
    for start, end in itertools.pairwise(corners):
        y = solve_ivp(derivative, (start, end), y, method="LSODA", rtol=1e-9, atol=1e-12).y[:, -1]
    return y[0]


@pytest.mark.parametrize("ohms", [100.0, 1000.0])
@pytest.mark.parametrize("voltage", [-1.1, -1.5, -2.5, 1.4, 2.5])
def test_a_cell_that_takes_its_own_voltage_away(ohms, voltage):
    """Literal cells behind a resistor: switching on is what ends the switching."""
    width = 3e-6 if voltage < 0 else 30e-6
    name = "potentiation" if voltage < 0 else "depression"
    device = with_pulses(TABLE_1, **{f"{name}_voltage": voltage, f"{name}_width": width})
    omega, pulses = (0.1, 1) if voltage < 0 else (0.9, -1)
    crossbar = Crossbar(rows=1, columns=1, r_source=ohms)
    outcome = write_in_situ(crossbar, np.array([[omega]]), np.array([[pulses]]), device)
    exact = behind_a_resistor(ohms, voltage, width, 0.01 * width, omega, device.memristor)
    assert outcome.state[0, 0] == pytest.approx(exact, abs=1e-5)
    assert abs(outcome.state[0, 0] - exact) <= outcome.error + 1e-7


class Twin:
    """A small array written the slow, obvious way: nodal analysis at every instant, one long ODE.

    Nodes are those of the words (row by row) and of the bits; every segment is a branch of its own.
    """

    def __init__(self, crossbar, device):
        self.c, self.device, (m, n) = crossbar, device, crossbar.shape
        self.word = np.arange(m * n).reshape(m, n)
        self.bit = self.word + m * n
        self.branches = []  # (node, node or drive, Ohm); drives are numbered after the nodes
        for i, j in np.ndindex(m, n):
            left = self.word[i, j - 1] if j else 2 * m * n + i
            self.branches.append((self.word[i, j], left, crossbar.r_word + crossbar.r_source * (j == 0)))
            last = i == m - 1
            below = 2 * m * n + m + j if last else self.bit[i + 1, j]
            self.branches.append((self.bit[i, j], below, crossbar.r_bit + crossbar.r_sense * last))
        self.a, self.b = (np.array([branch[k] for branch in self.branches]) for k in (0, 1))
        self.siemens = 1.0 / np.array([branch[2] for branch in self.branches])
        self.nodes = 2 * m * n
        self.v = np.zeros(self.nodes)

    def solve(self, omega, drives):
        """(cell voltages, segment currents) by Newton on Kirchhoff's current law."""
        p = self.device.memristor
        laplace = np.zeros((self.nodes + len(drives),) * 2)
        for a, b, g in zip(self.a, self.b, self.siemens, strict=True):
            laplace[[a, b], [a, b]] += g
            laplace[[a, b], [b, a]] -= g
        for _ in range(30):
            v = np.concatenate([self.v, drives])
            u = v[self.word] - v[self.bit]
            leaving, slope = laplace @ v, np.array(laplace)
            i, g = current(omega, u, p), (current(omega, u + 1e-7, p) - current(omega, u, p)) / 1e-7
            np.add.at(leaving, self.word, i)
            np.add.at(leaving, self.bit, -i)
            for one, other in ((self.word, self.bit), (self.bit, self.word)):
                np.add.at(slope, (one, one), g)
                np.add.at(slope, (one, other), -g)
            step = np.linalg.solve(slope[: self.nodes, : self.nodes], -leaving[: self.nodes])
            self.v = self.v + step
            if np.abs(step).max() < 1e-12:
                break
        v = np.concatenate([self.v, drives])
        return v[self.word] - v[self.bit], (v[self.a] - v[self.b]) * self.siemens

    def write(self, omega, pulses):
        """(states, energy of the cells, of the segments, of the drivers)."""
        size, p = omega.size, self.device.memristor
        y = np.concatenate([omega.ravel(), np.zeros(size + 2)])
        for pulse in write_programme(pulses, self.device):
            full = np.concatenate(line_voltages(pulse, self.c))
            corners = np.cumsum([0.0, pulse.edge, pulse.width, pulse.edge])

            def slope(t, y, full=full, corners=corners):
                drives = full * np.interp(t, corners, [0.0, 1.0, 1.0, 0.0])
                omega = y[:size].reshape(self.c.shape)
                u, segments = self.solve(omega, drives)
                cells = u * current(omega, u, p)
                wires = np.sum(segments**2 / self.siemens)
                first = self.b >= self.nodes
                drivers = -np.sum(segments[first] * drives[self.b[first] - self.nodes])
                moving = state_derivative(omega, u, p)
                return np.concatenate([moving.ravel(), cells.ravel(), [wires, drivers]])

            for start, end in itertools.pairwise(corners):
                y = solve_ivp(slope, (start, end), y, rtol=1e-7, atol=1e-16).y[:, -1]
        return y[:size].reshape(omega.shape), y[size : 2 * size].reshape(omega.shape), *y[2 * size :]


@pytest.mark.long
@pytest.mark.parametrize("edge_fraction", [0.01, 0.5])
@pytest.mark.parametrize(("device", "ohms"), [(DEVICE, 10.0), (TABLE_1, 1.0), (TABLE_1, 20.0)])
def test_a_write_and_its_energies_against_the_twin(device, ohms, edge_fraction):
    device = with_pulses(device, edge_fraction=edge_fraction)
    crossbar = Crossbar(rows=3, columns=2, r_source=10.0, r_word=ohms, r_bit=ohms, r_sense=10.0)
    state, pulses = draw_write(3, 2, seed=1)[0], np.array([[1, 0], [-1, 2], [0, -1]])
    outcome = write_in_situ(crossbar, state, pulses, device)
    exact, cells, wires, drivers = Twin(crossbar, device).write(state, pulses)
    assert np.abs(outcome.state - exact).max() < 2e-5
    np.testing.assert_allclose(outcome.cell_energy, cells, rtol=2e-3)
    assert outcome.wire_energy == pytest.approx(wires, rel=2e-3)
    assert outcome.energy == pytest.approx(drivers, rel=2e-3)
    assert drivers == pytest.approx(cells.sum() + wires, rel=1e-6)


def test_pulse_counts_may_be_bytes():
    """Regression: -128 has no size among bytes."""
    crossbar, state = default_crossbar(3, 2), np.full((3, 2), 0.4)
    pulses = np.array([[100, 0], [0, -128], [0, 0]])
    found = write_in_situ(crossbar, state, pulses.astype(np.int8), DEVICE)
    np.testing.assert_array_equal(found.state, write_in_situ(crossbar, state, pulses, DEVICE).state)
    assert found.pulses == 228
