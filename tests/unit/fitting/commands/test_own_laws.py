"""Laws from files in roa-fit: where they reach, and what device is made of them."""

import pytest
from law_devices import EQ_1

from roa_circuit.device.parameters import load_device

MINE = (
    EQ_1.replace('"eq1"', '"mine"')
    + """
[memristor]
law = "mine"
"k [1/s]" = 1e-4
"mu1 [1/V]" = 19.25
"mu2 [1/V]" = 13.0
"gamma [A]" = 3e-3
"delta [1/V]" = 0.5
"alpha [A]" = 1.6e-3
"beta [1/V]" = 0.5
"""
)


def _ups(path, volts):
    """Pulses of these amplitudes, ten each, that each raise omega by a dose of 0.2."""
    law, rows = (
        load_device("zhang2021").memristor,
        ["voltage [V],width [s],read_voltage [V],current [A]"],
    )
    for number in range(10 * len(volts)):
        current = float(law.current(1 - 1 / (1 / 0.9 + 0.2 * number), 0.1))
        rows.append(f"{volts[number % len(volts)]},3e-6,0.1,{current!r}")
    path.write_text("\n".join(rows))
    return path


def test_a_law_file_that_does_not_reach_the_measured_voltages_is_refused(roa_fit, tmp_path):
    """Its exponents were clamped there, and a fit went on without a word."""
    (tmp_path / "mine.toml").write_text(MINE)
    asked = ("--law", tmp_path / "mine.toml", "--output-dir", tmp_path / "o")
    code, _, error = roa_fit(_ups(tmp_path / "far.csv", (-1.1, -4.5)), *asked)
    assert (code, error.count("\n")) == (2, 1)
    assert "mine.toml: [law] motion: exp has an exponent of 86.6, beyond ± 80" in error
    assert "between -4.5 and 0.1 V, which the pulses and readings of" in error
    assert error.endswith("far.csv reach; change constants or the formula\n")
    assert not (tmp_path / "o").exists()


@pytest.mark.long
def test_a_fitted_law_that_its_device_s_own_pulses_leave_is_refused(roa_fit, tmp_path):
    """device.toml was written, and no command could read it."""
    text = MINE.replace('"k*(exp(', '"k*sqrt(1.2 - v)*(exp(')
    (tmp_path / "mine.toml").write_text(text)
    up = _ups(tmp_path / "up.csv", (-1.1,))
    asked = ("--law", tmp_path / "mine.toml", "--output-dir", tmp_path / "o")
    code, _, error = roa_fit(up, *asked)
    assert (code, error.count("\n")) == (2, 1)
    assert "the fitted law mine makes no device: [law] motion: sqrt is taken of -0.2, below 0" in error
    assert "the pulses of zhang2021 reach" in error
    assert not (tmp_path / "o").exists()
    prior = (
        load_device("zhang2021")
        .to_toml()
        .replace('depression_voltage [V]" = 1.4', 'depression_voltage [V]" = 1.0')
    )
    (tmp_path / "p.toml").write_text(prior)
    assert roa_fit(up, *asked, "--prior", tmp_path / "p.toml")[0] == 0
    assert load_device(tmp_path / "o" / "device.toml").memristor.name == "mine"
