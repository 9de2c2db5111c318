"""Write the golden decks anew, after a change that is meant: python tests/golden/regenerate.py"""

from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np

from netlists.decks.deck import points_deck, read_deck, sweep_deck, write_deck
from netlists.decks.dialect import Dialect
from netlists.decks.languages import Language, exported
from netlists.simulation.simulators import Engine
from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.circuit.breaks import Break
from roa_circuit.circuit.components import Amplifier, Transistor
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.circuit.waveforms import write_programme
from roa_circuit.device.compact_model import ngspice_library
from roa_circuit.device.laws.table import Table
from roa_circuit.device.laws.windows import Windows
from roa_circuit.device.parameters import load_device
from roa_circuit.device.verilog_a import verilog_a

FOLDER = Path(__file__).parent


STATE = np.array([[0.25, 0.5], [0.75, 0.5], [1.0, 0.0]])
PULSES = np.array([[2, 0], [-1, 0], [0, 0]])
VOLTS = np.array([[0.0, 0.05, 0.1], [0.1, 0.05, 0.0]])

SIZE = {"rows": 3, "columns": 2}
IDEAL, WIRED = Crossbar(**SIZE), default_crossbar(3, 2)
THIRD = Crossbar(**SIZE, r_word=0.5, r_sense=4.7e3, scheme="V/3")
ACCESS = Crossbar(**SIZE, r_word=0.5, r_bit=0.5, scheme="ideal")
UNEVEN = {"r_source": (10.0, 0.0, 30.0), "r_word": (1.0, 2.0, 0.0), "r_sense": (5.0, 0.0)}
TORN = (Break(line="word", row=0, column=1), Break(line="bit", row=1, column=0))
BOTH = Crossbar(**SIZE, drive="both", sense="top", breaks=TORN, **UNEVEN)
MIRRORED = Crossbar(**SIZE, r_bit=0.5, drive="right", sense="top", **UNEVEN)

OPAMPS = Circuitry(
    amplifier=Amplifier(r_feedback=1e4, gain=1e3, gain_bandwidth=1e7), temperature=350.0,
    c_word=1e-15, c_bit=1e-15, c_cell=2e-16,
)  # fmt: skip
GATED = Circuitry(transistor=Transistor(), amplifier=Amplifier(r_feedback=1e4, offset=(1e-3, -2e-3)))

DEVICE, AS_PRINTED = default_device(), load_device("zhang2021")
CURVED = Windows(**DEVICE.memristor.constants, p=0.5, q=2.0, ratio=9.0, threshold_up=0.5)
WINDOWS = replace(DEVICE, name="windows", memristor=CURVED)
MEASURED = Table(
    states=(0.0, 0.5, 1.0), up=(-1.0,), down=(1.0, 1.2), raises=((0.2, 0.1, 0.0),),
    lowers=((0.0, 0.1, 0.2), (0.0, 0.15, 0.3)), width_up=3e-6, width_down=3e-4, ratio=4.0, inert=0.6,
    **{name: AS_PRINTED.memristor.constants[name] for name in ("gamma", "delta", "alpha", "beta")},
)  # fmt: skip
TABLE = replace(
    DEVICE, name="table", memristor=MEASURED,
    pulses=replace(
        DEVICE.pulses, potentiation_voltage=-1.0, potentiation_width=3e-6,
        depression_voltage=1.2, depression_width=3e-4,
    ),
)  # fmt: skip
CELLS = {
    "zhang2021": AS_PRINTED, "windows": WINDOWS, "table": TABLE,
    "vteam": load_device("vteam"), "yakopcic": load_device("yakopcic"),
}  # fmt: skip
GOLDEN = {"origin": "golden"}
VACASK = {"engine": Engine.vacask}


def decks():
    """(file name, deck) of writes, reads and sweeps, for ngspice and for VACASK."""
    yield "write.cir", write_deck(WIRED, STATE, PULSES, DEVICE, **GOLDEN)
    yield "write_windows.cir", write_deck(WIRED, STATE, PULSES, WINDOWS, **GOLDEN)
    yield "write_windows.sim", write_deck(WIRED, STATE, PULSES, WINDOWS, **GOLDEN, **VACASK)
    yield "write_formulas.cir", write_deck(WIRED, STATE, PULSES, load_device("vteam"), **GOLDEN)
    yield (
        "write_formulas.sim",
        write_deck(WIRED, STATE, PULSES, load_device("vteam"), **GOLDEN, **VACASK),
    )
    yield "write_third.cir", write_deck(THIRD, STATE, PULSES, DEVICE, **GOLDEN)
    yield "write_access.cir", write_deck(ACCESS, STATE, PULSES, DEVICE, **GOLDEN)
    yield "write_transistors.cir", write_deck(ACCESS, STATE, PULSES, DEVICE, circuitry=GATED)
    compiled = Dialect(klu=True, osdi=True)
    yield "write_compiled.cir", write_deck(WIRED, STATE, PULSES, DEVICE, dialect=compiled)
    yield "write.sim", write_deck(WIRED, STATE, PULSES, DEVICE, **GOLDEN, **VACASK)
    yield "write_transistors.sim", write_deck(ACCESS, STATE, PULSES, DEVICE, circuitry=GATED, **VACASK)

    yield "read.cir", read_deck(WIRED, STATE, VOLTS, DEVICE, **GOLDEN)
    yield "read_ideal.cir", read_deck(IDEAL, STATE, VOLTS, DEVICE, **GOLDEN)
    yield "read_amplified.cir", read_deck(WIRED, STATE, VOLTS, DEVICE, circuitry=OPAMPS)
    yield "read_transistors.cir", sweep_deck(WIRED, STATE, VOLTS, DEVICE, circuitry=GATED)
    yield "read.sim", read_deck(IDEAL, STATE, VOLTS, DEVICE, **GOLDEN, **VACASK)
    yield "read_amplified.sim", read_deck(WIRED, STATE, VOLTS, DEVICE, circuitry=OPAMPS, **VACASK)

    yield "sweep.cir", sweep_deck(WIRED, STATE, VOLTS, AS_PRINTED)
    yield "sweep_both_ends.cir", sweep_deck(BOTH, STATE, VOLTS, DEVICE)
    yield "sweep.sim", sweep_deck(WIRED, STATE, VOLTS, AS_PRINTED, **VACASK)
    yield "sweep_mirrored.sim", sweep_deck(MIRRORED, STATE, VOLTS, DEVICE, **VACASK)

    pulse = next(write_programme(PULSES, DEVICE))
    states = np.stack([STATE, STATE])
    states[1, 0, 0] = 0.375
    yield "points.cir", points_deck(WIRED, states, [pulse] * 2, DEVICE)
    yield "points_access.cir", points_deck(ACCESS, states, [pulse] * 2, DEVICE)
    yield "points.sim", points_deck(WIRED, states, [pulse] * 2, DEVICE, **VACASK)


def exports():
    """(file name, deck of another simulator's language) of a write, a read and a gated write."""
    write = write_deck(WIRED, STATE, PULSES, DEVICE, **GOLDEN)
    gated = write_deck(ACCESS, STATE, PULSES, DEVICE, circuitry=GATED)
    read = read_deck(WIRED, STATE, VOLTS, DEVICE, circuitry=OPAMPS)
    for language in Language:
        for name, deck in (("write", write), ("write_transistors", gated), ("read_amplified", read)):
            yield f"{language}/{name}.net", exported(deck.circuit, language)[""]


def cells():
    """(file name, compact model) of a device of every law, for ngspice and in Verilog-A."""
    for law, device in CELLS.items():
        yield f"cells/{law}.lib", ngspice_library(device)
        yield f"cells/{law}.va", verilog_a(device)


def golden_decks() -> dict[str, str]:
    """File name to text, the package's version left open."""
    version = f"roa-circuit {metadata.version('roa-circuit')}"
    texts = [*((name, deck.text) for name, deck in decks()), *exports(), *cells()]
    return {name: text.replace(version, "roa-circuit VERSION") for name, text in texts}


if __name__ == "__main__":
    for name, text in golden_decks().items():
        (FOLDER / name).parent.mkdir(exist_ok=True)
        (FOLDER / name).write_text(text, encoding="utf-8")
