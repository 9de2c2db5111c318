"""`roa-fit spread`: many devices, their population, and the noise of their writes."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fitting.commands import _options as options
from fitting.commands._outputs import as_json, write_all
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.results import check_writable
from roa_circuit.basics.units import percent
from roa_circuit.circuit import footing
from roa_circuit.device.parameters import UNITS, load_device
from roa_circuit.presentation import console
from roa_circuit.presentation.options import Json, folder, grouped

if TYPE_CHECKING:
    from fitting.population.spread import Known, Population
    from fitting.readers.conventions import Conventions
    from fitting.readers.measurements import Measurements

_MOST_LISTED = 5
_SYSTEMATIC = 0.3  # correlation of successive misfits
_MISMET = 1.5  # times the noise


class By(StrEnum):
    """What a device is in the files."""

    DEVICE = "device"
    FILE = "file"
    TRAIN = "train"


@grouped
def spread(
    *,
    measurements: options.Files,
    output_dir: Annotated[Path, folder("Of the device and the tables.")] = Path("out/spread"),
    by: Annotated[
        By | None,
        typer.Option(help="What is one device; else by column, by file, by train: what there is."),
    ] = None,
    prior: options.Prior = "zhang2021",
    how: options.HowToRead,
    json_file: Json = None,
) -> int:
    """Fit many devices: how they differ (device to device), and their writes (cycle to cycle).

    Devices are told by a column [bold]device[/], by file, or by train. Writes
    [bold]device.toml[/] with the population's medians and a section [bold]\\[spread][/] that the
    surrogate draws from, and every device's constants. Exit codes as those of [bold]roa-fit[/].
    """
    from fitting.judgement.hints import hints
    from fitting.judgement.left_open import notes_of
    from fitting.population.spread import spread as population_of
    from fitting.presentation.spread_figure import drawing
    from fitting.readers.measurements import describe

    check_writable(output_dir / "spread.json", json_file)
    known = load_device(prior)
    conventions = how.of_each(measurements)
    m, names, kind = _owners(measurements, conventions, by)
    unused = options.ignored(measurements, conventions)
    found, remarks = population_of(m, names, known), list[str]()
    made = {"prior": prior, "provenance": console.provenance(inputs=measurements)}
    files = {
        output_dir / "devices.csv": _device_table(found).encode(),
        output_dir / "spread.png": drawing(found).png(),
    }
    if found.describes:
        citation = (
            f"roa-fit spread of {Path(m.source.split(', ')[0]).name}, {len(found.devices.names)} devices"
        )
        weak = {
            "not told by one device's readings, the same in all": _held(found),
            "measured only in a product or a rate": list(found.tied),
        }
        notes = notes_of(m, known.memristor, weak, options.given_pulses(how, unused))
        device = found.device(Path(m.source.split(", ")[0]).stem, citation, known, notes)
        remarks = footing.remarks(device)
        files[output_dir / "device.toml"] = device.to_toml().encode()
    summary = _document(found, kind) | {"remarks": remarks, "ignored": unused}
    files[output_dir / "spread.json"] = as_json(summary | made)
    if json_file is not None:
        files.setdefault(json_file, as_json(summary))
    stale = [output_dir / "device.toml"] if (output_dir / "device.toml").is_file() else []
    write_all(files, gone=() if found.describes else stale)
    for text in (*footing.unread(known), describe(m)):
        console.say(text)
    for text in m.assumed:
        console.say(f"assumed: {text}")
    _print(found, kind)
    for line in (*remarks, *hints(m)):
        console.say(line)
    for path in files:
        console.say(f"  {path}")
    if stale and not found.describes:
        console.say(f"taken away, of an earlier run: {stale[0]}")
    return 0 if found.describes else 1


def _held(found: Population) -> list[str]:
    """The constants that one device's readings do not tell."""
    return [name for name in found.median if name not in found.devices.free]


def _owners(
    files: Sequence[Path], how: Sequence[Conventions], by: By | None
) -> tuple[Measurements, tuple[str, ...], By]:
    """(the readings, whose each train is, what told so)."""
    from fitting.readers.measurements import joined, read_measurements

    parts = [read_measurements(file, one).fitted() for file, one in zip(files, how, strict=True)]
    m = parts[0] if len(parts) == 1 else joined(files, parts)
    kind = by or (By.DEVICE if m.devices else By.FILE if len(files) > 1 else By.TRAIN)
    if kind == By.DEVICE:
        if not m.devices:
            raise InputError(
                f"{m.source}: --by device needs a column 'device'; or give --by file, --by train"
            )
        return m, m.devices, kind
    of_file = tuple(str(file) for file, part in zip(files, parts, strict=True) for _ in part.labels)
    return m, of_file if kind == By.FILE else m.labels, kind


def _document(found: Population, kind: By) -> dict[str, Any]:
    return {
        "median": {name: _known(known) for name, known in found.median.items()},
        "log_sd": {name: _known(known) for name, known in found.log_sd.items()},
        "names": list(found.log_sd),
        "log_covariance": found.log_covariance.tolist(),
        "sigma_wn": _known(found.sigma_wn),
        "read_noise": found.read_noise,
        "correlation": found.correlation,
        "devices": len(found.devices.names),
        "by": str(kind),
        "tied": list(found.tied),
        "passed": found.describes,
        "seconds": found.seconds,
    }


def _known(known: Known) -> dict[str, Any]:
    return {"value": known.value, "ci95": None if math.isnan(known.low) else [known.low, known.high]}


def _device_table(found: Population) -> str:
    """A device a row: its constants, the relative errors of those that its own readings tell."""
    import numpy as np

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    free = found.devices.free
    titles = [f"{name} [{UNITS[name]}]" for name in found.median]
    writer.writerow(["device", *titles, *(f"{name} relative error" for name in free), "misfit"])
    errors = np.sqrt(np.einsum("dii->di", found.devices.covariance))
    for name, logs, error, misfit in zip(
        found.devices.names, found.devices.log_value, errors, found.devices.misfit, strict=True
    ):
        writer.writerow(
            [name, *(f"{v:.6g}" for v in np.exp(logs)), *(f"{e:.3g}" for e in error), f"{misfit:.3g}"]
        )
    return text.getvalue()


def _print(found: Population, kind: By) -> None:
    from fitting.population.spread import FEWEST

    count = len(found.devices.names)
    rows = [_row(name, found) for name in found.median]
    title = f"{count} device{'s' * (count > 1)} (a {kind} each), Eq. 1-2"
    columns = ["constant", "median", "its 95 %", "device to device", "its 95 %"]
    console.out.print(console.table(title, columns, rows))
    for line in _lines(found, FEWEST):
        console.say(line)


def _row(name: str, found: Population) -> list[str]:
    from fitting.judgement.wording import prefixed, rounded

    middle, sd = found.median[name], found.log_sd.get(name)
    size, unit = prefixed(middle.value, UNITS[name])
    if name in found.devices.free:
        row = [f"{name} [{unit}]", f"{middle.value / size:.4g}", "tied"]
        if name not in found.tied:
            error = (middle.high - middle.low) / 4.0
            value, low, high = rounded((middle.value, middle.low, middle.high), error, size)
            row[1:] = [value, f"{low} – {high}"]
    else:
        row = [f"{name} [{unit}]", f"{middle.value / size:.4g}", "held"]
    if sd is None:
        return [*row, "-", "-"]
    return [
        *row,
        percent(sd.value, 2, significant=True),
        f"{100 * sd.low:.2g} – {percent(sd.high, 2, significant=True)}",
    ]


def _lines(found: Population, fewest: int) -> list[str]:
    """What the table does not say."""
    return [_write_noise(found), *_left_open(found, fewest), *_doubts(found)]


def _write_noise(found: Population) -> str:
    w = found.sigma_wn
    seen = f"{w.value:.3g} ({w.low:.3g} – {w.high:.3g})"
    shown = seen if w.low > 0 else f"none seen, below {w.high:.3g}"
    noise = percent(found.read_noise, 2)
    return f"cycle to cycle: sigma_WN of Eq. 7 {shown}; noise of a reading {noise}"


def _left_open(found: Population, fewest: int) -> Iterator[str]:
    """What so many devices, or the readings of one, do not tell."""
    count = len(found.devices.names)
    held = _held(found)
    if held:
        yield f"one device's readings do not tell {', '.join(held)}: taken to be the same in all"
    if found.tied:
        yield (
            f"known only together with those, in a product or a rate: {', '.join(found.tied)}; how"
            " devices differ in them holds"
        )
    if count < fewest:
        yield f"{fewest} devices or more have a spread; only the write noise is told"
    elif count < len(found.log_sd) + 2:
        yield f"{count} devices do not tell {len(found.log_sd)} constants' correlations: taken as 0"


def _doubts(found: Population) -> Iterator[str]:
    """Devices that the law meets worse than others, and whether it meets them at all."""
    devices = found.devices
    misfits = zip(devices.names, devices.misfit, strict=True)
    odd = [name for name, misfit in misfits if misfit > _MISMET]
    if odd:
        yield f"worse met than the others: {', '.join(odd[:_MOST_LISTED])}"
    if devices.runaway:
        yield (
            f"FAILED: at the bounds of the search, or far above every reading: "
            f"{', '.join(devices.runaway)}. Eq. 1-2 do not describe these devices; no device written"
        )
    elif not found.describes:
        yield (
            f"FAILED: Eq. 1-2 miss a device's readings by {percent(found.read_noise)} (limit "
            "10 %), they do not describe them; no device written. roa-fit finds a law for each device"
        )
    elif found.correlation > _SYSTEMATIC:
        yield (
            "law: Eq. 1-2 miss systematically (successive misfits correlate "
            f"{found.correlation:.2f}): sigma_WN holds what the law misses, too"
        )
