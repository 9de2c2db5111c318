"""One cell and a train of pulses, run in ngspice and in VACASK: what tests of compact models share."""

import dataclasses

from netlists.simulation import ngspice, vacask


@dataclasses.dataclass
class Train:
    """Pulses of both polarities on one cell, a read after each; times in the gaps between."""

    points: list
    gaps: list
    reads: list
    omega: list


def in_ngspice(library, start, found, step=1e-6):
    """States in the gaps and currents of the reads, of a cell of this library's text."""
    corners = "\n".join(f"+ {t!r} {v!r}" for t, v in found.points)
    end = found.points[-1][0]
    run = ngspice.simulate(f"""* a train
{library}
V1 a 0 PWL(
{corners} )
X1 a 0 memristor w0={start!r}
.save v(x1.omega) i(v1)
.options reltol=1e-6 trtol=1 abstol=1e-15 vntol=1e-9
.tran {step!r} {end!r} 0 {step!r} uic
.end
""")
    return run.at(found.gaps, ["x1.omega"])[:, 0], -run.at(found.reads, ["v1#branch"])[:, 0]


def in_vacask(verilog, start, found, step=1e-6):
    """The same of a cell of this Verilog-A file."""
    wave = ",\n  ".join(f"{t!r}, {v!r}" for t, v in found.points)
    end = found.points[-1][0]
    run = vacask.simulate(f"""a train
ground 0
load "{verilog}"
model vsource vsource
model memristor memristor
v1 (a 0) vsource type="pwl" wave=[
  {wave} ]
x1 (a 0) memristor w0={start!r}
control
  options reltol=1e-6 vntol=1e-9 abstol=1e-15 nr_residualcheck=0 tran_minpts=0 tran_fbr=0.02
  save p(x1,omega) i(v1)
  analysis out tran step={step!r} stop={end!r}
endc
""")
    return run.at(found.gaps, ["x1.omega"])[:, 0], -run.at(found.reads, ["v1:flow(br)"])[:, 0]
