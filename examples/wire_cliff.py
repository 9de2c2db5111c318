"""Sweep the wires of a learned head, and see where its accuracy falls, and what gives it back.

python examples/wire_cliff.py
"""

import dataclasses

import numpy as np

from netlists import load_layer
from roa_circuit.basics.units import percent
from roa_circuit.layers.recovery import Compensation, recover

CHOICES = (Compensation(), Compensation(calibrated=True), Compensation(predistorted=True))

head = load_layer("fc")
print("wire [Ohm]     " + "".join(f"{choice!s:>14}" for choice in CHOICES) + "    accuracy, as it is")
for ohms in np.geomspace(1, 1000, 7):
    crossbar = dataclasses.replace(head.crossbar, r_word=ohms, r_bit=ohms)
    wired = dataclasses.replace(head, crossbar=crossbar)
    accuracy = [one.accuracy for one in recover(wired, choices=CHOICES)]
    bar = "█" * round(24 * accuracy[0])
    print(f"{ohms:10.0f}     " + "".join(f"{percent(share):>14}" for share in accuracy) + f"    {bar}")
