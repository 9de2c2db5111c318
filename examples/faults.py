"""How many stuck cells does a learned head bear, and does calibrating its columns help?

Twenty arrays a line, drawn with these shares of cells stuck, half on and half off.

python examples/faults.py
"""

import numpy as np

from netlists.layers.shipped import load_layer
from roa_circuit.basics.units import percent
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.layers.recovery import Compensation, recover

CHOICES = (Compensation(), Compensation(calibrated=True))

head = load_layer("fc")
print("stuck    accuracy, mean and worst    calibrated")
for share in (0.0, 0.001, 0.003, 0.01, 0.03):
    faults = Imperfections(stuck_on=share / 2, stuck_off=share / 2)
    accuracy = np.array(
        [
            [one.accuracy for one in recover(head, imperfections=faults, seed=seed, choices=CHOICES)]
            for seed in range(20)
        ]
    )
    plain, calibrated = ((percent(row.mean()), percent(row.min())) for row in accuracy.T)
    print(
        f"{percent(share):>5}    {plain[0]:>7}  {plain[1]:>7}   {calibrated[0]:>16}  {calibrated[1]:>7}"
    )
