"""The metrics of a sweep as labelled arrays with units: xarray, NetCDF, CSV."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from roa_circuit.basics.results import write_file, write_text
from roa_circuit.sweeps.axes import Axis
from roa_circuit.sweeps.description import Sweep
from roa_circuit.sweeps.study import Study

if TYPE_CHECKING:
    from pathlib import Path

    import xarray as xr


def dataset(sweep: Sweep, study: Study, *, command: str = "") -> xr.Dataset:
    """Every metric of a computed sweep.

    A grid has one dimension for each axis, any other design the dimension `point`. The last dimension
    is `repeat`, whose coordinate is the seed. NaN stands where a point failed, and `failed` says why.
    Attributes carry the description, the subject and the command as JSON. They hold nothing of time
    or place, so that the same sweep gives the same bytes.
    """
    import xarray as xr

    points = sweep.configurations()
    seeds = ("repeat", list(sweep.seeds), {"long_name": "seed of the chips"})
    shape: tuple[int, ...] = (len(points),)
    dims: tuple[str, ...] = ("point",)
    coords = {a.name: ("point", [p[a.name] for p in points], _units(a)) for a in sweep.axes}
    if sweep.is_grid:
        shape, dims = tuple(len(a.levels) for a in sweep.axes), tuple(a.name for a in sweep.axes)
        coords = {a.name: (a.name, list(a.levels), _units(a)) for a in sweep.axes}
    variables: dict[str, Any] = {
        metric.name: (
            (*dims, "repeat"),
            study.values(points, metric.name).reshape(*shape, len(sweep.seeds)),
            {"units": "1", "long_name": metric.meaning},
        )
        for metric in study.subject.metrics
    }
    reasons = np.array([study.reason(point) for point in points], dtype="U").reshape(shape)
    variables["failed"] = (dims, reasons, {"long_name": "why the point has no numbers"})
    return xr.Dataset(
        variables,
        coords={**coords, "repeat": seeds},
        attrs={
            "title": f"Sweep of {study.subject.name}",
            "sweep": json.dumps(sweep.to_dict()),
            "subject": json.dumps(study.subject.describe()),
            "command": command,
        },
    )


def netcdf(found: xr.Dataset) -> bytes:
    """The dataset as the bytes of NetCDF-3, which every reader of NetCDF knows."""
    return bytes(found.to_netcdf(engine="scipy"))


def write_netcdf(path: Path, found: xr.Dataset) -> None:
    """Write the dataset as NetCDF-3, whole or not at all."""
    write_file(path, lambda file: file.write(netcdf(found)))


def write_csv(path: Path, sweep: Sweep, study: Study) -> None:
    """Write a row for every point: its values, each metric's mean, 95 % interval and worst chip.

    Where nothing is varied, there is a row for every chip.
    """
    points = sweep.configurations()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if not sweep.axes:
        _write_chips(writer, sweep, study)
        write_text(path, text.getvalue())
        return
    head = [f"{a.name} [{a.field.unit}]" if a.field.unit else a.name for a in sweep.axes]
    for metric in study.subject.metrics:
        head += [metric.name, f"{metric.name} ±95 %", f"{metric.name} worst"]
    writer.writerow([*head, "failed"])
    columns = []
    for metric in study.subject.metrics:
        values = study.values(points, metric.name)
        worst = np.min(values, axis=1) if metric.more_is_better else np.max(values, axis=1)
        columns += [values.mean(axis=1), half_widths(values), worst]
    for index, point in enumerate(points):
        numbers = ["" if np.isnan(c[index]) else f"{c[index]:.6g}" for c in columns]
        writer.writerow([*point.values(), *numbers, study.reason(point)])
    write_text(path, text.getvalue())


def _write_chips(writer: Any, sweep: Sweep, study: Study) -> None:
    names = [metric.name for metric in study.subject.metrics]
    writer.writerow(["seed", *names, "failed"])
    columns = [study.values([{}], name)[0] for name in names]
    for index, seed in enumerate(sweep.seeds):
        numbers = ["" if np.isnan(column[index]) else f"{column[index]:.6g}" for column in columns]
        writer.writerow([seed, *numbers, study.reason({}, seed)])


def half_widths(values: Any) -> Any:
    """Half widths (points,) of the means' 95 % intervals, from values (points, repeats), by Student's t.

    NaN if there is only one repeat.
    """
    from scipy.special import stdtrit

    count = values.shape[1]
    if count < 2:
        return np.full(len(values), np.nan)
    halves = stdtrit(count - 1, 0.975) * values.std(axis=1, ddof=1) / np.sqrt(count)
    return np.where(np.ptp(values, axis=1) == 0.0, 0.0, halves)  # not the rounding of a mean


def _units(axis: Axis) -> dict[str, str]:
    return {"units": axis.field.unit} if axis.field.unit else {}
