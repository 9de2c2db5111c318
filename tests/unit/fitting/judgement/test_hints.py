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


def _sizes(prior, pulses, first="voltage [V]"):
    """Rows of pulses (V, T, count) at sizes of their voltage, V < 0 potentiating, read at 50 mV."""
    rng, omega, rows, law = np.random.default_rng(1), 0.2, [], prior.memristor
    for V, T, count in pulses:
        for _ in range(count):
            omega = float(after_dose(omega, pulse_strength(V, T, law)))
            G = float(current(omega, 0.05, law)) / 0.05 * (1 + 2e-3 * rng.standard_normal())
            rows.append((V, f"{abs(V)},{T},0.05,{G:.6g}"))
    return f"{first},width [s],read_voltage [V],conductance [S]\n", rows


UP, DOWN = (-1.1, 1e-6, 30), (1.4, 1e-5, 30)


def test_voltages_above_0_of_pulses_of_both_polarities_are_said(command, prior, tmp_path):
    """All of them were taken for depression, and neither inspect nor fit had a word on it."""
    head, rows = _sizes(prior, [UP, DOWN])
    path = tmp_path / "sizes.csv"
    path.write_text("type," + head + "".join(f"{'P' if V < 0 else 'D'},{text}\n" for V, text in rows))
    assert (read_measurements(path).voltage > 0).all()
    code, out, _ = command(cli.main, "inspect", path, "--json", tmp_path / "i.json")
    (line,) = json.loads((tmp_path / "i.json").read_text())["hints"]
    assert (code, line in out.splitlines()) == (0, True)
    assert line.startswith(
        "every pulse is above 0 V and was taken for depression, though those of 1.1 V"
    )
    assert "those of 1.4 V lower it" in line
    left_out = ("--ignore", "voltage [V]", "--ignore", "width [s]")
    told = ("--pulse=-1.1V,1us", "--pulse", "1.4V,10us")  # as the line says
    code, out, _ = command(cli.main, "inspect", path, *left_out, *told)
    assert (code, "every pulse is" in out) == (0, False)
    assert "1 potentiating amplitude, 1 depressing amplitude" in out
    path.write_text("polarity," + head + "".join(f"{'-' if V < 0 else '+'},{t}\n" for V, t in rows))
    assert hints(read_measurements(path)) == []


def test_trains_of_amplitudes_without_signs_are_told_by_their_names(prior, tmp_path):
    steps = 0.01 * np.arange(20)
    ramps = [(-1.0 - step, 1e-6, 1) for step in steps] + [(1.3 + step, 1e-5, 1) for step in steps]
    head, rows = _sizes(prior, ramps)
    path = tmp_path / "ramps.csv"
    trains = ("set" if V < 0 else "reset" for V, _ in rows)
    path.write_text("train," + head + "".join(
        f"{name},{text}\n" for name, (_, text) in zip(trains, rows, strict=True)))  # fmt: skip
    (line,) = hints(read_measurements(path))
    assert "those of set raise the conductance and those of reset lower it" in line


@pytest.mark.parametrize("pulses", [[(0.9, 1e-6, 30), DOWN, (0.8, 1e-6, 20)], [(-0.5, 1e-6, 30), UP]])
def test_pulses_of_one_polarity_are_no_matter_of_signs(prior, tmp_path, pulses):
    """Amplitudes that move nothing show the noise of readings, which goes both ways."""
    head, rows = _sizes(prior, pulses)
    path = tmp_path / "one.csv"
    sign = "-" if pulses[-1][0] < 0 else ""
    path.write_text(head + "".join(f"{sign}{text}\n" for _, text in rows))
    assert not any("every pulse is" in line for line in hints(read_measurements(path)))


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
