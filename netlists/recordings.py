"""Recordings: what a deck's run left from point to point, as ngspice's raw file and as NetCDF."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]

_RAW_KINDS = {"V": "voltage", "A": "current", "1": "voltage"}  # a state is a voltage to ngspice


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """One recorded quantity of an array.

    name, unit : 'state' in '1', 'sensed_current' in 'A', ...
    dims : what its axes count: ('row', 'column'), ('row',) or ('column',)
    vectors : ngspice's expression for each element, such as 'v(drive0)', in that order
    values : (points, elements)
    """

    name: str
    unit: str
    dims: tuple[str, ...]
    vectors: tuple[str, ...]
    values: Floats


@dataclass(frozen=True, kw_only=True)
class Recording:
    """All quantities of one run.

    name : of the deck: 'write', 'read', 'write-64-0'
    shape : rows and columns of the array
    scale : (name, unit, values (points,)) of what the points are taken at: time, or number of the read
    """

    name: str
    shape: tuple[int, int]
    scale: tuple[str, str, Floats]
    quantities: tuple[Quantity, ...]

    def __getitem__(self, name: str) -> Floats:
        """A quantity as (points, rows, columns), (points, rows) or (points, columns)."""
        found = next(q for q in self.quantities if q.name == name)
        return found.values.reshape(-1, *self._sizes(found))

    def _sizes(self, q: Quantity) -> tuple[int, ...]:
        sizes = dict(zip(("row", "column"), self.shape, strict=True))
        return tuple(sizes[dim] for dim in q.dims)

    def to_dataset(self, provenance: Mapping[str, Any]) -> xr.Dataset:
        """The recording with units; `provenance` becomes an attribute, as JSON."""
        import xarray as xr

        name, unit, points = self.scale
        variables = {q.name: ((name, *q.dims), self[q.name], {"units": q.unit}) for q in self.quantities}
        made = json.dumps(dict(provenance))
        return xr.Dataset(
            variables, coords={name: (name, points, {"units": unit})},
            attrs={"title": self.name, "provenance": made},
        )  # fmt: skip

    def write_netcdf(self, file: BinaryIO, provenance: Mapping[str, Any]) -> None:
        """Write NetCDF-3, which every reader of NetCDF knows."""
        file.write(bytes(self.to_dataset(provenance).to_netcdf(engine="scipy")))

    def write_raw(self, file: BinaryIO, provenance: Mapping[str, Any]) -> None:
        """Write ngspice's binary raw file; `ngspice` and then `load FILE` reads it."""
        name, unit, points = self.scale
        columns = [("time" if name == "time" else "v-sweep", "time" if unit == "s" else "voltage")]
        columns += [(vector, _RAW_KINDS[q.unit]) for q in self.quantities for vector in q.vectors]
        made = f"{self.name}, {provenance.get('command', '')}".translate({10: " ", 13: " "})
        head = [
            f"Title: {made}",
            f"Date: {provenance['created']}",
            f"Plotname: {'Transient Analysis' if name == 'time' else 'DC transfer characteristic'}",
            "Flags: real",
            f"No. Variables: {len(columns)}",
            f"No. Points: {len(points)}",
            "Variables:",
            *(f"\t{index}\t{vector}\t{kind}" for index, (vector, kind) in enumerate(columns)),
            "Binary:\n",
        ]
        file.write("\n".join(head).encode())
        table = np.column_stack([points, *(q.values for q in self.quantities)])
        file.write(np.ascontiguousarray(table, dtype="<f8").tobytes())
