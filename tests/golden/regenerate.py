"""Write the golden decks anew, after a change that is meant: python tests/golden/regenerate.py"""

from importlib import metadata
from pathlib import Path

import numpy as np

from netlists.deck import read_deck, sweep_deck, write_deck
from netlists.dialect import Dialect
from netlists.simulators import Engine
from roa_circuit.breaks import Break
from roa_circuit.circuitry import Circuitry
from roa_circuit.components import Amplifier, Transistor
from roa_circuit.crossbar import Crossbar
from roa_circuit.design_point import default_crossbar, default_device
from roa_circuit.parameters import load_device

FOLDER = Path(__file__).parent


def golden_decks() -> dict[str, str]:
    """File name to text, the package's version left open."""
    state = np.array([[0.25, 0.5], [0.75, 0.5], [1.0, 0.0]])
    pulses = np.array([[2, 0], [-1, 0], [0, 0]])
    volts = np.array([[0.0, 0.05, 0.1], [0.1, 0.05, 0.0]])
    wired, ideal, device = default_crossbar(3, 2), Crossbar(rows=3, columns=2), default_device()
    third = Crossbar(rows=3, columns=2, r_word=0.5, r_sense=4.7e3, scheme="V/3")
    access = Crossbar(rows=3, columns=2, r_word=0.5, r_bit=0.5, scheme="ideal")
    uneven = {"r_source": (10.0, 0.0, 30.0), "r_word": (1.0, 2.0, 0.0), "r_sense": (5.0, 0.0)}
    torn = (Break(line="word", row=0, column=1), Break(line="bit", row=1, column=0))
    both = Crossbar(rows=3, columns=2, drive="both", sense="top", breaks=torn, **uneven)
    mirrored = Crossbar(rows=3, columns=2, r_bit=0.5, drive="right", sense="top", **uneven)
    lines = {"c_word": 1e-15, "c_bit": 1e-15, "c_cell": 2e-16}
    pole = Amplifier(r_feedback=1e4, gain=1e3, gain_bandwidth=1e7)
    opamps = Circuitry(amplifier=pole, temperature=350.0, **lines)
    gated = Circuitry(transistor=Transistor(), amplifier=Amplifier(r_feedback=1e4, offset=(1e-3, -2e-3)))
    decks = {
        "write.cir": write_deck(wired, state, pulses, device, origin="golden"),
        "write_third.cir": write_deck(third, state, pulses, device, origin="golden"),
        "write_access.cir": write_deck(access, state, pulses, device, origin="golden"),
        "read.cir": read_deck(wired, state, volts, device, origin="golden"),
        "read_ideal.cir": read_deck(ideal, state, volts, device, origin="golden"),
        "sweep.cir": sweep_deck(wired, state, volts, load_device("zhang2021")),
        "sweep_both_ends.cir": sweep_deck(both, state, volts, device),
        "sweep_mirrored.sim": sweep_deck(mirrored, state, volts, device, engine=Engine.vacask),
        "read_amplified.cir": read_deck(wired, state, volts, device, circuitry=opamps),
        "write_compiled.cir": write_deck(
            wired, state, pulses, device, dialect=Dialect(klu=True, osdi=True)
        ),
        "read_transistors.cir": sweep_deck(wired, state, volts, device, circuitry=gated),
        "write_transistors.cir": write_deck(access, state, pulses, device, circuitry=gated),
        "read_amplified.sim": read_deck(
            wired, state, volts, device, circuitry=opamps, engine=Engine.vacask
        ),
        "write_transistors.sim": write_deck(
            access, state, pulses, device, circuitry=gated, engine=Engine.vacask
        ),
        "write.sim": write_deck(wired, state, pulses, device, origin="golden", engine=Engine.vacask),
        "read.sim": read_deck(ideal, state, volts, device, origin="golden", engine=Engine.vacask),
        "sweep.sim": sweep_deck(wired, state, volts, load_device("zhang2021"), engine=Engine.vacask),
    }
    version = f"roa-circuit {metadata.version('roa-circuit')}"
    return {name: deck.text.replace(version, "roa-circuit VERSION") for name, deck in decks.items()}


if __name__ == "__main__":
    for name, text in golden_decks().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
