"""A sweep as a program of its own, to be killed: every evaluation leaves a line in a file.

python counted_sweep.py FOLDER WORKERS    on this machine
python counted_sweep.py FOLDER dask       on a cluster of two processes, of which one is killed
"""

import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.sweeps import LayerSubject, Workers, sweep, workers
from roa_circuit.sweeps.tables import write_netcdf

VARY = {"wire_resistance": "0:20:5", "sigma_wn": [0.5, 1, 2], "adc_bits": [0, 6]}
POINTS, REPEATS = 30, 3
PAUSE = 0.02


@dataclass(frozen=True, kw_only=True)
class Counted(LayerSubject):
    """A layer that notes what it was asked for."""

    notes: Path

    def evaluate(self, point, seeds):
        with self.notes.open("a") as file:
            file.write(f"{sorted(point.items())} {list(seeds)}\n")
        time.sleep(PAUSE)
        while self.held():
            time.sleep(PAUSE)
        return super().evaluate(point, seeds)

    def held(self):
        """Whether to wait to be killed: as many points are stored as the file `hold` says."""
        folder = self.notes.parent
        try:
            limit = int((folder / "hold").read_text())
        except (OSError, ValueError):
            return False
        return (folder / "points.jsonl").read_bytes().count(b"\n") > limit


def layer(rows=6, columns=4, reads=5):
    rng = np.random.default_rng(3)
    pulses = rng.integers(-2, 3, (rows, columns))
    pulses[:, -1] = 0
    return ProgrammedLayer(
        name="small",
        device=default_device(),
        crossbar=default_crossbar(rows, columns),
        initial_state=rng.uniform(0.2, 0.8, (rows, columns)),
        pulses=pulses,
        inputs=rng.random((reads, rows)),
        labels=rng.integers(0, columns - 1, reads),
    )


def main(folder, how):
    subject = Counted(layer=layer(), notes=folder / "notes")
    arguments = {"vary": VARY, "repeats": REPEATS, "store": folder / "points.jsonl"}
    if how == "dask":
        found = on_a_cluster(subject, arguments)
    else:
        workers.START = 0  # or these points would never see another process
        found = sweep(subject, workers=int(how), **arguments)
    write_netcdf(folder / "sweep.nc", found)


def on_a_cluster(subject, arguments):
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        victim = min(worker.pid for worker in cluster.workers.values())

        def kill_when_it_works():
            while not (subject.notes.exists() and len(subject.notes.read_text().splitlines()) > 6):
                time.sleep(0.005)
            os.kill(victim, signal.SIGKILL)

        threading.Thread(target=kill_when_it_works, daemon=True).start()
        found = sweep(subject, workers=Workers(scheduler=cluster.scheduler_address), **arguments)
        assert victim not in [worker.pid for worker in cluster.workers.values()]
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
