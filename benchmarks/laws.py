"""Each law of devices beside Eq. 1-2: exact reads, effective weights and writes of one array.

python benchmarks/laws.py [--quick] --json FILE

Every law stands on the same 64 x 64 array behind its wires, at the same states, with the pulses of its
own device on the same cells, which conduct as much as those of Eq. 1-2 when raised. `ratio` is the
time of Eq. 1-2 over that of the law: 0.5 is twice as long.
`solves` counts those of a write, as a law that moves a cell further asks for more.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
from _table import Row, in_turns, main, row

from roa_circuit.chips.in_situ import WriteOutcome, write_in_situ
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.device.laws.table import Table
from roa_circuit.device.laws.windows import Windows
from roa_circuit.device.parameters import Device, load_device
from roa_circuit.solver.read import effective_weights, read_currents

EQUATIONS = "zhang2021"


def windows(**constants: float) -> Device:
    """The design point's device with free exponents."""
    base = default_device()
    return dataclasses.replace(base, memristor=Windows(**base.memristor.constants, **constants))


def table() -> Device:
    """What one pulse of the design point's device does at twelve states and six amplitudes."""
    base, states = default_device(), np.linspace(0.0, 1.0, 12)
    law, pulses = base.memristor, base.pulses

    def changes(volts: float, width: float) -> tuple[float, ...]:
        after = law.after_dose(states, law.dose(np.array(volts), np.array(width)), np.array(volts))
        return tuple(np.abs(after - states).tolist())

    up, down = (
        tuple(share * volts for share in (0.45, 0.6, 0.75, 0.9, 1.0, 1.1))
        for volts in (pulses.potentiation_voltage, pulses.depression_voltage)
    )
    low, high = law.conductance_range(pulses.read_voltage)
    measured = Table(
        states=tuple(states.tolist()), up=up, down=down, ratio=float(high / low), inert=0.64,
        raises=tuple(changes(V, pulses.potentiation_width) for V in up),
        lowers=tuple(changes(V, pulses.depression_width) for V in down),
        width_up=pulses.potentiation_width, width_down=pulses.depression_width,
        **{name: law.constants[name] for name in ("gamma", "delta", "alpha", "beta")},
    )  # fmt: skip
    return dataclasses.replace(base, memristor=measured)


DEVICES = {
    "windows": lambda: windows(p=1.5, q=2.5),
    "windows in ln G": lambda: windows(p=0.5, q=0.3, ratio=7.0),
    "table": table,
    "vteam": lambda: load_device("vteam"),
    "yakopcic": lambda: load_device("yakopcic"),
}


def conducting_alike(device: Device, base: Device) -> Device:
    """The device with a scale of currents, so that its raised cells conduct as those of `base`."""
    highest, wanted = (
        float(one.memristor.conductance_range(one.pulses.read_voltage)[1]) for one in (device, base)
    )
    law = device.memristor
    scaled = law.changed(current_scale=law.current_scale * wanted / highest)
    return dataclasses.replace(device, memristor=scaled)


def measure(quick: bool) -> Iterator[Row]:
    """`error` is empty: the tests hold each law against ngspice and against its dense twin."""
    size, repeats = (32, 3) if quick else (64, 9)
    crossbar, rng = default_crossbar(size, size), np.random.default_rng(0)
    state = rng.uniform(0.1, 0.9, (size, size))
    pulses = (rng.integers(-1, 3, state.shape) * (rng.random(state.shape) < 0.02)).astype(np.int64)
    inputs = rng.random((16, size))

    def write(device: Device) -> WriteOutcome:
        return write_in_situ(crossbar, state, pulses, device)

    base = default_device()
    for name, make in DEVICES.items():
        device = conducting_alike(make(), base)
        tasks = {
            "reads of 16 inputs": lambda d: read_currents(crossbar, state, inputs, d),
            "effective weights": lambda d: effective_weights(crossbar, state, d),
            "write": write,
        }
        for task, run in tasks.items():
            own, equations = in_turns([lambda: run(device), lambda: run(base)], repeats)  # noqa: B023
            solves = {"solves": write(device).solves, "peer_solves": write(base).solves}
            extra = solves if task == "write" else {}
            yield row(f"{name}: {task}", own, EQUATIONS, equations, None, **extra)


if __name__ == "__main__":
    main(__doc__ or "", measure)
