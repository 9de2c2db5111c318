"""What a table shows of how it was taken: exchanged terminals, slow sweeps, limited currents."""

import dataclasses
import json

import numpy as np
import pytest

from fitting import fit_device, read_measurements
from fitting.commands import cli
from fitting.judgement.hints import hints, hints_of
from fitting.judgement.verdict import judge
from fitting.readers.conventions import Conventions
from roa_circuit.device.laws.zhang2021 import after_dose
from roa_circuit.device.memristor import current, pulse_strength


@pytest.fixture
def loops(prior, tmp_path):
    """A slow double sweep, three times, 20 ms at each point: what every lab measures first."""
    V = np.concatenate(
        [np.linspace(*ends, 45)[:-1] for ends in ((0, -0.9), (-0.9, 0), (0, 1.2), (1.2, 0))]
    )
    rng, omega, rows = np.random.default_rng(0), 0.1, ["V [V],I [A]"]
    for v in np.tile(V, 3):
        omega = float(after_dose(omega, pulse_strength(v, 20e-3, prior.memristor)))
        noise = 1 + 0.003 * rng.standard_normal()
        rows.append(f"{v:.5g},{float(current(omega, v, prior.memristor)) * noise:.6g}")
    path = tmp_path / "loops.csv"
    path.write_text("\n".join(rows))
    return path


def test_a_slow_sweep_is_told_by_its_branches(loops, shipped):
    assert hints(shipped) == []
    (found,) = hints(read_measurements(loops))
    assert "loops: the current comes back on another branch" in found
    assert hints(read_measurements(loops, Conventions(dwell=20e-3))) == []


def test_a_hysteresis_loop_tells_all_seven_constants(loops, prior):
    m = read_measurements(loops, Conventions(dwell=20e-3))
    assert (m.width[m.voltage != 0] == 20e-3).all()
    assert (m.voltage[m.width > 0] == m.read_voltage[m.width > 0]).all()
    f = fit_device(m, prior)
    assert all(e.identifiable for e in f.estimates.values())
    for name, e in f.estimates.items():
        off = np.log(e.value / getattr(prior.memristor, name))
        assert abs(off) < 4 * e.stderr / e.value, name
    assert judge(f, prior.memristor).word == "holds"


@pytest.mark.long
def test_a_loop_of_another_law_does_not_hold(loops, prior):
    """A resistor in series takes a tenth of the voltage."""
    m = read_measurements(loops, Conventions(dwell=20e-3))
    bent = dataclasses.replace(m, current=m.current / (1 + 60.0 * np.abs(m.current)))
    law = judge(fit_device(bent, prior), prior.memristor)
    assert law.word != "holds", law.line()


@pytest.mark.long
def test_terminals_that_are_exchanged_are_told(shipped, loops, prior):
    """The fit then finds a device that conducts less when set; both are said."""
    other = {name: -getattr(shipped, name) for name in ("voltage", "read_voltage", "current")}
    (found,) = hints(dataclasses.replace(shipped, **other))
    assert found.startswith("V < 0 lowers the conductance here")
    turned = read_measurements(loops, Conventions(dwell=20e-3, positive_sets=True))
    (found,) = hints(turned)
    assert found.startswith("loops: the loop is set at V > 0 and reset at V < 0: are the terminals")
    assert hints_of(fit_device(turned, prior)) == [found], "said once"


def test_a_compliance_is_told(shipped):
    limited = np.where(shipped.sweep, np.clip(shipped.current, -2e-3, 2e-3), shipped.current)
    (found,) = hints(dataclasses.replace(shipped, current=limited))
    assert "I-V set: " in found
    assert "points at one current, 2 mA" in found


@pytest.mark.long
def test_a_loop_goes_on_behind_a_compliance_with_a_state_of_its_own(loops, prior):
    """What the device saw meanwhile is not known: the points' cells are empty, not their rows gone."""
    m = read_measurements(loops, Conventions(dwell=20e-3))
    limit = 0.8e-3
    (found,) = hints(dataclasses.replace(m, current=np.clip(m.current, -limit, limit)))
    assert "points at one current, 800 µA; leave their cells empty" in found
    lines = loops.read_text().splitlines()
    kept = [
        line if abs(float(line.split(",")[1])) < limit else line.split(",")[0] + ","
        for line in lines[1:]
    ]
    loops.write_text("\n".join([lines[0], *kept]))
    cut = read_measurements(loops, Conventions(dwell=20e-3))
    assert cut.labels == ("loops", *(f"loops part {n}" for n in range(2, 8)))
    f = fit_device(cut, prior)
    for name in ("k", "mu1", "mu2", "alpha", "beta"):
        e = f.estimates[name]
        assert abs(np.log(e.value / getattr(prior.memristor, name))) < 4 * e.stderr / e.value, name
    assert judge(f, prior.memristor).word == "holds"


@pytest.mark.long
def test_hints_are_given_where_they_help(loops, command, tmp_path):
    assert "--dwell 20ms" in command(cli.main, "inspect", loops)[1]
    out = tmp_path / "o"
    code, said, _ = command(cli.main, loops, "--output-dir", out)
    assert (code, "--dwell 20ms" in said) == (1, True)
    (hint,) = json.loads((out / "fit.json").read_text())["hints"]
    assert hint in said
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<li>Next: loops: the current comes back on another branch" in page, "a name stays as it is"
    code, _, err = command(cli.main, "inspect", loops, "--dwell", "0s")
    assert (code, "must be a time above 0" in err) == (2, True)
