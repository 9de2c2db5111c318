"""Makes data/pulses.csv: synthetic measurements of the Table 1 device, for trying roa-fit.

    python data/make_pulses.py [-o FILE]

Three amplitudes per polarity, because one exponential needs three points to be believed;
the paper's own ramps, which saturate; and I-V sweeps of the two saturated states, in the
polarity that cannot move them, so that they may reach the +-3 V at which sinh shows itself.
The same seed gives the same bytes. Stepped pulse by pulse, unlike the fit's cumulative sums.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from roa_circuit.device.memristor import after_dose, conductance, current, pulse_strength
from roa_circuit.device.parameters import Device, load_device

SEED = 20210521
NOISE = 0.01  # relative, of every reading
START = 0.2  # omega before a cycle; ramps and sweeps start anywhere
CYCLES, PULSES = 6, 25

# (potentiation [V], [s], depression [V], [s]): doses of 0.2 to 0.5, so that no pulse saturates.
AMPLITUDES = [(-0.6, 20e-3, 0.9, 20e-3), (-1.1, 3e-6, 1.4, 30e-6), (-1.3, 50e-9, 1.7, 500e-9)]
RAMP_WIDTH = 100e-6
RAMP_UP = np.round(np.arange(-0.8, -3.85, -0.1), 1)
RAMP_DOWN = np.round(np.arange(3.5, 0.75, -0.1), 1)
SWEEP = np.round(np.linspace(0.4, -3.0, 52), 4)  # of the set state; mirrored for the reset one

HEADER = f"""\
# SYNTHETIC: no device was measured. Made by data/make_pulses.py from the parameter set
# zhang2021 (Table 1 of Zhang et al. 2021) with {NOISE:.0%} read noise, seed {SEED}.
# A row is a pulse and the conductance read after it; without a width, a reading alone.
# Rows with a current are I-V sweeps of a saturated state, in the polarity that keeps it so.
train,voltage [V],width [s],read_voltage [V],conductance [S],current [A]
"""

Pulse = tuple[float, float]  # [V], [s]


def pulses_csv() -> str:
    """The whole file as text."""
    device = load_device("zhang2021")
    rng = np.random.default_rng(SEED)
    rows: list[str] = []
    for V_p, T_p, V_d, T_d in AMPLITUDES:
        pulses = ([(V_p, T_p)] * PULSES + [(V_d, T_d)] * PULSES) * CYCLES
        rows += _train(f"cycles {V_p:g}/{V_d:+g} V", START, pulses, (), device, rng)
    up, down = ([(float(V), RAMP_WIDTH) for V in ramp] for ramp in (RAMP_UP, RAMP_DOWN))
    for number in (1, 2):
        rows += _train(f"ramp {number}", 0.1 * number, up + down, (), device, rng)
    rows += _train("I-V set", 0.5, up[-1:], SWEEP, device, rng)
    rows += _train("I-V reset", 0.5, down[:1], -SWEEP, device, rng)
    return HEADER + "\n".join(rows) + "\n"


def _train(
    label: str,
    omega: float,
    pulses: list[Pulse],
    sweep: object,
    device: Device,
    rng: np.random.Generator,
) -> Iterator[str]:
    """The rows of one train: a first reading, then pulse by pulse, then an I-V sweep."""
    p, V_r = device.memristor, device.pulses.read_voltage

    def read(value: float) -> str:
        return f"{value * (1.0 + NOISE * rng.standard_normal()):.6g}"

    yield f"{label},0,,{V_r:g},{read(float(conductance(omega, V_r, p)))},"
    for V, T in pulses:
        omega = float(after_dose(omega, pulse_strength(V, T, p), p))
        yield f"{label},{V:g},{T:g},{V_r:g},{read(float(conductance(omega, V_r, p)))},"
    for V in np.asarray(sweep, dtype=np.float64):
        yield f"{label},{V:g},,,,{read(float(current(omega, V, p)))}"


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description="Make the synthetic data/pulses.csv.")
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).with_name("pulses.csv"))
    parser.parse_args().output.write_text(pulses_csv(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
