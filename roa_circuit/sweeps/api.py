"""The sweep of a layer in one call."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from roa_circuit.basics.errors import InputError
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.sweeps import tables
from roa_circuit.sweeps.clusters import scheduler_at
from roa_circuit.sweeps.description import Vary, described
from roa_circuit.sweeps.layer import LayerSubject
from roa_circuit.sweeps.store import Store
from roa_circuit.sweeps.study import Study, Workers
from roa_circuit.sweeps.subject import Subject, require_any, require_chance

if TYPE_CHECKING:
    import xarray as xr


def sweep(
    subject: ProgrammedLayer | Subject,
    vary: Vary,
    *,
    design: str = "grid",
    points: int = 256,
    repeats: int = 1,
    seed: int = 0,
    store: str | Path | None = None,
    workers: int | Workers = 1,
) -> xr.Dataset:
    """Vary fields of a layer's circuit, device, pulses and imperfections; see `Sweep`.

    >>> found = sweep(load_layer("fc"), {"wire_resistance": "0:5:11", "sigma_wn": [0, 1, 2, 4]},
    ...               repeats=10, workers=2)                                    # doctest: +SKIP
    >>> found.accuracy.mean("repeat").plot()                                    # doctest: +SKIP

    subject : a layer, or a `LayerSubject` with a circuit, imperfections or a compensation of its own
    vary : values by field name: a list, an array, or text such as '0:5:11', '0.1:100:7log', '0:5'; of
        an empty one the chips alone differ, `repeats` of them
    store : file of JSON lines that keeps points as they come; one that exists is continued
    workers : number of processes, or `Workers` with a cluster or a report of progress

    Returns the metrics by (axes ..., repeat), as `tables.dataset` has them.

    Raises
    ------
    InputError : a field or value that cannot be, or the name of a layer instead of one. Where only
        some points are refused, that is recorded with them.
    """
    if isinstance(subject, str):
        raise InputError(f"subject {subject!r} is a name: give the layer, as by load_layer({subject!r})")
    whole = LayerSubject(layer=subject) if isinstance(subject, ProgrammedLayer) else subject
    asked = described(
        {
            "vary": vary,
            "design": design,
            "points": None if design == "grid" else points,
            "repeats": repeats,
            "seed": seed,
        },
        whole.fields,
    )
    require_any(whole, asked.configurations())
    if not asked.axes:
        require_chance(whole)
    path = None if store is None else Path(store)
    who = workers if isinstance(workers, Workers) else Workers(count=workers)
    with scheduler_at(who.scheduler, who.count) as address, Store(path, whole.describe()) as kept:
        here = replace(who, scheduler=address)
        study = Study(subject=whole, store=kept, seeds=asked.seeds, workers=here)
        study.compute(asked.configurations())
        return tables.dataset(asked, study)
