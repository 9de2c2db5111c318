"""A device of every law, one a way to state its motion: what the tests of all laws run on.

A new law is added here. The tests write with its pulses, which move every state and reach no end.
"""

import dataclasses

import numpy as np

from roa_circuit.basics import toml
from roa_circuit.device.laws.formula_law import FormulaLaw
from roa_circuit.device.laws.formulas.definition import Definition
from roa_circuit.device.laws.table import Table
from roa_circuit.device.laws.windows import Windows
from roa_circuit.device.parameters import load_device

BASE = load_device("zhang2021")
EQ_2 = {name: getattr(BASE.memristor, name) for name in ("gamma", "delta", "alpha", "beta")}
UP, DOWN = (-0.95, -1.0, -1.08), (1.0, 1.08, 1.2)  # [V], of the table
EQ_1 = """
[law]
name = "eq1"
citation = "Zhang et al. 2021, Eq. 1 and 2"
motion = "k*(exp(-mu1*v) - exp(mu2*v))*((1 - omega)**2 if v < 0 else omega**2)"
current = "omega*gamma*sinh(delta*v) + (1 - omega)*alpha*(1 - exp(-beta*v))"
[law.constants]
"k [1/s]" = "> 0; rate"
"mu1 [1/V]" = "> 0; up"
"mu2 [1/V]" = "> 0; down"
"gamma [A]" = "> 0; on"
"delta [1/V]" = "> 0; on"
"alpha [A]" = "> 0; off"
"beta [1/V]" = "> 0; off"
"""
MIXED = """
[law]
name = "mixed"
citation = "a law whose state and voltage do not part"
motion = "-k*sinh(a*v)*exp(-b*abs(v)*(omega if v < 0 else 1 - omega))*((1 - omega) if v < 0 else omega)"
current = "(g + h*omega)*v"
[law.constants]
"k [1/s]" = "> 0; rate"
"a [1/V]" = "> 0; exponent"
"b [1/V]" = ">= 0; mixing"
"g [S]" = "> 0; off"
"h [S]" = "> 0; on less off"
"""


def windows(**constants):
    return dataclasses.replace(BASE, memristor=Windows(**BASE.memristor.constants, **constants))


def table():
    """Three amplitudes a polarity, as measured on a device of another law."""
    law, states = windows(p=1.5, q=0.8, ratio=4.0).memristor, np.linspace(0.0, 1.0, 12)

    def changes(V, width):
        return tuple(np.abs(law.after_dose(states, law.dose(V, width), V) - states).tolist())

    measured = Table(
        states=tuple(states.tolist()), up=UP, down=DOWN, raises=tuple(changes(V, 3e-6) for V in UP),
        lowers=tuple(changes(V, 3e-4) for V in DOWN), width_up=3e-6, width_down=3e-4, ratio=4.0,
        inert=0.6, **EQ_2,
    )  # fmt: skip
    return written(measured, up=(UP[1], 3e-6), down=(DOWN[1], 3e-4))


def mixed():
    definition = Definition.from_document(toml.loads(MIXED, source="test"))
    values = {"k": 100.0, "a": 4.0, "b": 1.0, "g": 1e-5, "h": 1e-5}
    law = FormulaLaw(definition=definition, values=tuple(values.items()))
    return written(law, up=(-1.0, 2e-4), down=(1.2, 1e-4))


def logarithmic():
    law = windows(p=-0.5, q=0.3, ratio=7.0, threshold_up=0.4, threshold_down=0.3).memristor
    return written(law, up=(-1.1, 1.5e-7), down=(1.4, 1e-5))


def written(law, *, up, down):
    """The device of this law, with its (voltage, width) a polarity: no pulse reaches an end."""
    pulses = dataclasses.replace(
        BASE.pulses, potentiation_voltage=up[0], potentiation_width=up[1],
        depression_voltage=down[0], depression_width=down[1],
    )  # fmt: skip
    return dataclasses.replace(BASE, memristor=law, pulses=pulses)


DEVICES = {
    "table": table(),
    "zhang2021": BASE,
    "windows": windows(p=1.5, q=2.5),
    "windows in ln G": logarithmic(),
    "vteam": load_device("vteam"),
    "yakopcic": load_device("yakopcic"),
    "a coordinate an amplitude": mixed(),
}
