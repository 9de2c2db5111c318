"""Recordings: the waveforms of a deck's run, as ngspice's raw file and as NetCDF."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from netlists.simulation.run import Simulation

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A quantity of an array that is recorded.

    name, unit : such as 'state' in '1', or 'sensed_current' in 'A'
    dims : the names of its axes: ('row', 'column'), ('row',), ('column',) or ()
    expressions : a probe such as 'v(drive0)' for each element, in the order of the axes
    """

    name: str
    unit: str
    dims: tuple[str, ...]
    expressions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Everything that was recorded of one run.

    name : of the deck: 'write', 'read', 'write-64-0'
    shape : rows and columns of the array
    scale : (name, unit, values (points,)) of the common axis: time, or the number of the read
    vectors : (points,) for each expression
    pulses : signed counts (rows, columns) of a write
    """

    name: str
    shape: tuple[int, int]
    scale: tuple[str, str, Floats]
    quantities: tuple[Quantity, ...]
    vectors: Mapping[str, Floats]
    pulses: NDArray[np.int64] | None = None

    @classmethod
    def of(
        cls,
        name: str,
        shape: tuple[int, int],
        quantities: tuple[Quantity, ...],
        run: Simulation,
        vector: Callable[[str], str],
        pulses: NDArray[np.int64] | None = None,
    ) -> Recording:
        """The recording of these quantities in a run; without 'time' its points are reads.

        vector : gives the name of an expression's vector
        """
        vectors = {e: run.vectors[vector(e)] for q in quantities for e in q.expressions}
        points = len(next(iter(vectors.values())))
        scale = ("read", "1", np.arange(points, dtype=np.float64))
        if "time" in run.vectors:
            scale = ("time", "s", run.vectors["time"])
        return cls(
            name=name, shape=shape, scale=scale, quantities=quantities, vectors=vectors, pulses=pulses
        )

    def __getitem__(self, name: str) -> Floats:
        """A quantity as (points, rows, columns), (points, rows), (points, columns) or (points,)."""
        found = next(q for q in self.quantities if q.name == name)
        sizes = dict(zip(("row", "column"), self.shape, strict=True))
        table = np.stack([self.vectors[e] for e in found.expressions], axis=1)
        return table.reshape(len(table), *(sizes[dim] for dim in found.dims))

    def to_dataset(self, provenance: Mapping[str, Any]) -> xr.Dataset:
        """The recording with units; `provenance` becomes an attribute, as JSON."""
        import xarray as xr

        name, unit, points = self.scale
        variables: dict[str, Any] = {
            q.name: ((name, *q.dims), self[q.name], {"units": q.unit}) for q in self.quantities
        }
        if self.pulses is not None:
            variables["pulses"] = (("row", "column"), self.pulses.astype(np.int32), {"units": "1"})
        made = json.dumps(dict(provenance))
        return xr.Dataset(
            variables, coords={name: (name, points, {"units": unit})},
            attrs={"title": self.name, "provenance": made},
        )  # fmt: skip

    def write_netcdf(self, file: BinaryIO, provenance: Mapping[str, Any]) -> None:
        """Write NetCDF-3, which every reader of NetCDF knows."""
        file.write(bytes(self.to_dataset(provenance).to_netcdf(engine="scipy")))

    def write_raw(self, file: BinaryIO, provenance: Mapping[str, Any]) -> None:
        """Write ngspice's binary raw file, which the command `load FILE` of ngspice reads."""
        name, _, points = self.scale
        in_time = name == "time"
        columns = [("time", "time") if in_time else ("v-sweep", "voltage")]
        columns += [(e.lower(), "current" if e.startswith("i(") else "voltage") for e in self.vectors]
        made = " ".join(f"{self.name}, {provenance['command']}".split())
        head = [
            f"Title: {made}",
            f"Date: {provenance['created']}",
            f"Plotname: {'Transient Analysis' if in_time else 'DC transfer characteristic'}",
            "Flags: real",
            f"No. Variables: {len(columns)}",
            f"No. Points: {len(points)}",
            "Variables:",
            *(f"\t{index}\t{expression}\t{kind}" for index, (expression, kind) in enumerate(columns)),
            "Binary:\n",
        ]
        file.write("\n".join(head).encode())
        table = np.stack([points, *self.vectors.values()], axis=1)
        file.write(np.ascontiguousarray(table, dtype="<f8").tobytes())
