"""Fit a device to its pulses, and see which measurement tells which constant.

python examples/fit_my_device.py
"""

from pathlib import Path

from fitting import fit_device, read_measurements
from roa_circuit import load_device
from roa_circuit.basics.units import percent

PULSES = Path(__file__).parents[1] / "data" / "pulses.csv"

measured = read_measurements(PULSES)
prior = load_device("zhang2021")
everything = range(len(measured.labels))
ramps = [i for i in everything if measured.labels[i].startswith("ramp")]
sweeps = [i for i in everything if measured.labels[i].startswith("I-V")]
cycles = [i for i in everything if i not in (*ramps, *sweeps)]

print("constant    the paper's ramps    + three amplitudes      + I-V sweeps")
fits = [
    fit_device(measured.of_trains(sorted(trains)), prior)
    for trains in (ramps, [*ramps, *cycles], everything)
]
for name in fits[-1].estimates:
    cells = []
    for fit in fits:
        one = fit.estimates[name]
        known = f"{one.value:.4g} ± {percent(one.stderr / one.value, 2)}" if one.stderr else "unknown"
        cells.append(f"{known:>20}")
    print(f"{name:7} {''.join(cells)}")
print(f"misfit {percent(fits[-1].relative_rmse, 2)} over {len(measured)} readings")
