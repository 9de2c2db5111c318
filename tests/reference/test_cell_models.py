"""Cells that users wrote in Verilog-A: pulsed, fitted, and in an array, beside their own equations."""

import csv
import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from fitting.commands import cli as fitting
from netlists.commands import cli as netlists
from netlists.decks.cell_source import read_cell_source
from netlists.decks.deck import write_deck
from netlists.decks.dialect import Dialect
from netlists.simulation.simulators import Engine
from netlists.verification.engines import Analysis
from netlists.verification.testbench import Testbench
from netlists.verification.verify import verify
from roa_circuit.basics.errors import InputError, SimulatorError
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.waveforms import line_voltages, write_programme
from roa_circuit.device.parameters import load_device

MODEL = Path(__file__).parents[1] / "models" / "joglekar.va"
R_ON, R_OFF, DRIFT = 50e3, 400e3, 3e9
BASE = load_device("zhang2021")
DEVICE = dataclasses.replace(
    BASE,
    pulses=dataclasses.replace(
        BASE.pulses, read_voltage=0.1, depression_voltage=1.1, depression_width=3e-6
    ),
)


def after(x, pulse, volts):
    """x after one trapezoid, by the paper's equations."""

    def speed(t, x):
        share = np.clip(min(t, pulse.width + 2 * pulse.edge - t) / pulse.edge, 0.0, 1.0)
        resistance = R_ON * x + R_OFF * (1 - x)
        return -DRIFT * share * volts / resistance * (1 - (2 * x - 1) ** 2)

    times = (0.0, pulse.edge, pulse.edge + pulse.width, 2 * pulse.edge + pulse.width)
    for span in itertools.pairwise(times):
        x = solve_ivp(speed, span, x, rtol=1e-9, atol=1e-12).y[:, -1]
    return x


@pytest.mark.vacask
def test_an_array_of_a_published_model_moves_as_its_equations_say(make_layer):
    """Joglekar and Wolf's memristor in 16 x 6 cells without wires, half-selected ones too."""
    layer = make_layer(rows=16, columns=6, density=0.1, device=DEVICE)
    crossbar = Crossbar(rows=16, columns=6)
    how = {"engine": Engine.vacask, "cell_source": read_cell_source(MODEL)}
    deck = write_deck(crossbar, layer.initial_state, layer.pulses, DEVICE, **how)
    found = deck.measured(deck.run(time_limit=100)).reshape(16, 6)
    x = layer.initial_state.ravel()
    for pulse in write_programme(layer.pulses, DEVICE):
        words, bits = line_voltages(pulse, crossbar)
        x = after(x, pulse, (words[:, None] - bits).ravel())
    assert np.abs(x - layer.initial_state.ravel()).max() > 0.05
    np.testing.assert_allclose(found.ravel(), x, atol=1e-4)


@pytest.mark.vacask
@pytest.mark.long
def test_its_response_is_fitted_and_the_difference_reported(make_layer, tmp_path, command):
    """From the module to a table of pulses, to a device, to an array that is verified with both."""
    (tmp_path / "pulses.toml").write_text(DEVICE.to_toml())
    table, fit = tmp_path / "response.csv", tmp_path / "fit"
    code, *_ = command(
        netlists.main, "response", "--cell-model", MODEL, "--device", tmp_path / "pulses.toml",
        "--pulses", 20, "-o", table,
    )  # fmt: skip
    assert code == 0
    with table.open() as lines:
        read = [float(row["conductance [S]"]) for row in csv.DictReader(lines)]
    assert len(read) == 84  # at the write voltages, and at half of them
    assert read[0] == pytest.approx(1 / (0.05 * R_ON + 0.95 * R_OFF), rel=1e-3)
    code, *_ = command(fitting.main, table, "--law", "windows", "--output-dir", fit)
    assert code in (0, 1)
    fitted = load_device(fit / "device.toml")
    assert fitted.pulses.depression_voltage == DEVICE.pulses.depression_voltage  # not half of it
    assert fitted.pulses.potentiation_voltage == DEVICE.pulses.potentiation_voltage
    layer = make_layer(rows=16, columns=6, density=0.05, device=fitted)
    layer.save(tmp_path / "layer.npz")
    code, said, _ = command(
        netlists.main, "verify", "--layer", tmp_path / "layer.npz", "--cell-model", MODEL, "--engine",
        "vacask", "--output-dir", tmp_path / "out",
    )  # fmt: skip
    assert code == 1
    assert "final states, worst error" in said
    assert "model memristor joglekar" in (tmp_path / "out" / "write.sim").read_text()


def test_ngspice_loads_it_compiled():
    crossbar, pulses = Crossbar(rows=2, columns=2), np.array([[1, 0], [0, -1]])
    how = {"dialect": Dialect(klu=True, osdi=True), "cell_source": read_cell_source(MODEL)}
    deck = write_deck(crossbar, np.full((2, 2), 0.5), pulses, DEVICE, **how)
    assert ".model cell joglekar" in deck.text
    assert "Nword0_col0 word0 bit0 cell w0=0.5" in deck.text
    assert deck.compiled == MODEL.read_text()


MODULE = (
    'module m(te, be);\n(* type="instance" *) parameter real w0 = 0.5;\n'
    '(* desc="state" *) real omega;\nendmodule\n'
)
UNUSABLE = {
    "0 modules, not one": "// module m(te, be);",
    "2 modules, not one": MODULE * 2,
    r"module m has pins \(te, be, gate\); a cell has two": MODULE.replace("be)", "be, gate)"),
    "module m lacks parameter real w0": MODULE.replace("w0", "start"),
    r"module m lacks the attribute \(\* type=.instance. \*\)": MODULE.replace(
        '(* type="instance" *)', ""
    ),
    "module m lacks an output variable omega": MODULE.replace('(* desc="state" *)', ""),
}


@pytest.mark.parametrize("why", UNUSABLE)
def test_what_is_no_cell_is_refused_in_one_line(why, tmp_path):
    path = tmp_path / "mine.va"
    path.write_text(UNUSABLE[why])
    with pytest.raises(InputError, match=why):
        read_cell_source(path)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_cell_source(tmp_path / "missing.va")


def test_it_needs_a_simulator_of_verilog_a_and_transients(make_layer):
    layer, source = make_layer(rows=4, columns=3), read_cell_source(MODEL)
    with pytest.raises(InputError, match=r"joglekar.va: Verilog-A is for VACASK"):
        write_deck(layer.crossbar, layer.initial_state, layer.pulses, DEVICE, cell_source=source)
    with pytest.raises(InputError, match="only transients move cells of one's own"):
        Testbench(engine=Engine.vacask, cell_source=source, analysis=Analysis.sweep)
    spread = dataclasses.replace(
        DEVICE, memristor=DEVICE.memristor.changed(k=np.full((4, 3), DEVICE.memristor.k))
    )
    how = {"engine": Engine.vacask, "cell_source": source}
    with pytest.raises(InputError, match="cells have one set of constants"):
        write_deck(layer.crossbar, layer.initial_state, layer.pulses, spread, **how)


@pytest.mark.vacask
def test_a_module_that_does_not_compile_is_quoted(make_layer, tmp_path):
    broken = tmp_path / "broken.va"
    broken.write_text(MODEL.read_text().replace("I(te,be) <+ i;", "I(te,be) <+ nothing;"))
    bench = Testbench(engine=Engine.vacask, cell_source=read_cell_source(broken), time_limit=60)
    with pytest.raises(SimulatorError) as caught:
        verify(make_layer(rows=4, columns=3), bench=bench, keep_in=tmp_path)
    assert "nothing" in caught.value.log + str(caught.value)
