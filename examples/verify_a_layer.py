"""Verify a learned layer in ngspice, behind better and worse wires: do both engines err alike?

python examples/verify_a_layer.py
"""

import dataclasses

from netlists import load_layer
from netlists.verification.engines import Phase
from netlists.verification.testbench import Testbench
from netlists.verification.verify import verify
from roa_circuit.basics.units import percent

head = load_layer("fc")
print("wire [Ohm]   accuracy: ideal  surrogate  ngspice   same answers   currents apart")
for ohms in (1.0, 100.0, 500.0):
    crossbar = dataclasses.replace(head.crossbar, r_word=ohms, r_bit=ohms)
    result = verify(dataclasses.replace(head, crossbar=crossbar), bench=Testbench(phase=Phase.read))
    print(
        f"{ohms:10g}   {percent(result.accuracy_ideal):>15}  {percent(result.accuracy_surrogate):>9}"
        f"  {percent(result.accuracy_spice):>7}   {percent(result.prediction_agreement, 0):>12}"
        f"   {result.max_relative_current_error:14.1e}"
    )
