"""The command `roa-fit`: pulse measurements in, a device that simulators can open out."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
import typer.core
from rich.markup import escape

from fitting import _options as options
from fitting.commands.design import design
from roa_circuit import console
from roa_circuit.errors import InputError
from roa_circuit.options import Json
from roa_circuit.parameters import Device, load_device
from roa_circuit.units import PREFIXES, engineering

if TYPE_CHECKING:
    from fitting.comparison import Comparison
    from fitting.fit import Estimate, Fit
    from fitting.measurements import Measurements

_WEAK = {
    "prior": "not identifiable from these data, held at the prior",
    "with prior": "known only together with those (a product or a rate), not identifiable alone",
}


class _FitUnlessTold(typer.core.TyperGroup):
    """`roa-fit FILE` means `roa-fit fit FILE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] != "--help"):
            args = ["fit", *args]
        return list(super().parse_args(ctx, args))


app = typer.Typer(add_completion=False, rich_markup_mode="rich", cls=_FitUnlessTold)

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="CSV, TSV or XLSX: pulses, readings, I-V sweeps.")
]


@app.callback()
def _about() -> None:
    """Fit a memristor to its pulses. [bold]roa-fit FILE[/] is short for [bold]roa-fit fit FILE[/]."""


@app.command()
def fit(
    measurements: Files,
    output_dir: Annotated[Path, typer.Option(help="Where the device, plots and report go.")] = Path(
        "out/fit"
    ),
    prior: Annotated[
        str, typer.Option(help="Parameter set (name or TOML file) for what the data leave open.")
    ] = "zhang2021",
    pulse: options.Pulse = None,
    read: options.Read = None,
    unit: options.Unit = None,
    polarity: options.Polarity = "negative-sets",
    scale: options.Scale = 1.0,
    column: options.Column = None,
    where: options.Where = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Also judge the law: two simpler ones, hold-out, AIC.")
    ] = False,
    json_file: Json = None,
) -> int:
    """Fit k, mu1, mu2, gamma, delta, alpha, beta to measured pulses, with honest errors.

    Columns need units: [bold]train, voltage \\[V], width \\[s], read_voltage \\[V][/] and one of
    [bold]conductance \\[S], resistance \\[Ohm], read_current \\[A][/]; R_before and R_after for one
    pulse a cell; I-V sweeps as rows with [bold]current \\[A][/] at [bold]voltage \\[V][/]; or one train
    a column. Try [bold]roa-fit inspect[/] first. Exit codes: 0 fitted, 1 the model does not meet the
    data, 2 bad input.
    """
    from fitting.fit import fit_device
    from fitting.measurements import describe, read_measurements

    device = load_device(prior)
    how = options.conventions(len(measurements), pulse, read, unit, polarity, scale, column, where)
    m = read_measurements(measurements, how)
    result = fit_device(m, device)
    laws = _judged(m, device) if compare else None
    said = _identifiability(result, m, device)
    extra = {"identifiability": said} | ({} if laws is None else {"laws": _plain(laws)})
    files = _files(result, m, device, prior, output_dir, json_file, extra)
    from fitting._outputs import write_all

    write_all(files)
    console.out.print(describe(m), markup=False, soft_wrap=True)
    if m.ignored:
        console.out.print(f"not used: {', '.join(m.ignored)}", markup=False, soft_wrap=True)
    _print(result, device)
    if not all(e.identifiable for e in result.estimates.values()):
        _print_identifiability(said)
    if laws is not None:
        _print_laws(laws)
    _print_files(list(files))
    return 0 if result.describes else 1


@app.command()
def inspect(
    measurements: Files,
    most: Annotated[int, typer.Option(help="So many trains at most are listed.")] = 20,
    pulse: options.Pulse = None,
    read: options.Read = None,
    unit: options.Unit = None,
    polarity: options.Polarity = "negative-sets",
    scale: options.Scale = 1.0,
    column: options.Column = None,
    where: options.Where = None,
) -> int:
    """Show what is understood of the files: trains, pulses, read voltages, gaps, outliers."""
    from fitting.inspect import inspect_trains, rows_of, summary
    from fitting.measurements import describe, read_measurements

    how = options.conventions(len(measurements), pulse, read, unit, polarity, scale, column, where)
    m = read_measurements(measurements, how)
    trains = inspect_trains(m)
    columns = ["train", "readings", "pulses", "read at", "conductance", "remarks"]
    rows = [[escape(cell) for cell in row] for row in rows_of(trains, most)]
    console.out.print(console.table(f"{m.source}: {len(trains)} trains", columns, rows))
    if len(trains) > most:
        console.out.print(f"and {len(trains) - most} more (--most {len(trains)} lists all)")
    for line in [describe(m), *summary(m, trains)]:
        console.out.print(line, markup=False, soft_wrap=True)
    if m.ignored:
        console.out.print(f"not used: {', '.join(m.ignored)}", markup=False, soft_wrap=True)
    return 0


app.command()(design)


def main() -> NoReturn:
    """Run `roa-fit`."""
    console.run(app)


def _identifiability(result: Fit, m: Measurements, prior: Device) -> dict[str, Any]:
    """What the data do measure, their rank, and the measurement to add, for the JSON document."""
    from fitting.advice import combinations, proposal, rank
    from fitting.residuals import NAMES

    added = None
    if result.describes:
        added = proposal(m, result.memristor, result.start, result.noise, prior)
    found = combinations(m, result.memristor, result.jacobian, result.noise)
    return {
        "order": list(NAMES),
        **dataclasses.asdict(rank(result.jacobian, result.noise)),
        "combinations": [dataclasses.asdict(one) for one in found],
        "proposal": None if added is None else dataclasses.asdict(added),
    }


def _amount(value: float, unit: str) -> str:
    return f"{value:.4g}" if unit == "-" else engineering(value, unit, 4)


def _print_identifiability(said: dict[str, Any]) -> None:
    """Only where something is open: the products that are known, and what to measure next."""
    known = [
        f"{c['name']} = {_amount(c['value'], c['unit'])} ± {c['relative_error']:.1%}"
        for c in said["combinations"][:5]
    ]
    if known:
        console.out.print(f"measured: {'; '.join(known)}", markup=False, soft_wrap=True)
    if said["proposal"] is not None:
        text = f"add {said['proposal']['measurement']}: settles {', '.join(said['proposal']['settles'])}"
        console.out.print(text, markup=False, soft_wrap=True)


def _judged(m: Measurements, device: Device) -> Comparison:
    from fitting.comparison import compare

    result = compare(m, device)
    if result is None:
        raise InputError(f"{m.source}: --compare needs a train of 6 readings or more; leave it out")
    return result


def _plain(laws: Comparison) -> dict[str, Any]:
    return dataclasses.asdict(laws) | {"verdict": laws.line()}


def _print_laws(laws: Comparison) -> None:
    columns = ["law", "misfit", "held-out trains", "unknowns", "AIC"]
    rows = [
        [v.law, f"{v.rmse:.2%}", "-" if v.held_out is None else f"{v.held_out:.2%}", str(v.unknowns),
         f"{v.aic:.0f}"]
        for v in laws.verdicts
    ]  # fmt: skip
    console.out.print(console.table("Laws on the pulse trains, the best first", columns, rows))
    console.out.print(laws.line(), markup=False, soft_wrap=True)


def fitted_device(result: Fit, m: Measurements, prior: Device) -> Device:
    """The parameter set of a fit: its constants, the prior's pulses, the data as citation."""
    held = [name for name, e in result.estimates.items() if not e.identifiable]
    name = Path(m.source.split(", ")[0])
    citation = f"roa-fit to {name.name}, {len(m)} readings, misfit {result.relative_rmse:.2%}"
    if held:
        citation += f"; not identifiable, from {prior.name}: {', '.join(held)}"
    return Device(name=name.stem, citation=citation, memristor=result.memristor, pulses=prior.pulses)


def _files(
    result: Fit,
    m: Measurements,
    prior: Device,
    prior_name: str,
    folder: Path,
    json_file: Path | None,
    extra: dict[str, Any],
) -> dict[Path, bytes]:
    """Every file of the run, complete in memory. No device from a fit that failed."""
    from fitting.report import document, render
    from roa_circuit.compact_model import ngspice_library
    from roa_circuit.results import provenance

    summary = document(result, m) | extra
    full = {**summary, "prior": prior_name, "provenance": provenance(command="roa-fit")}
    files = {folder / "fit.json": _json(full)}
    files |= {folder / f"fit.{kind}": content for kind, content in render(result, m).items()}
    if result.describes:
        device = fitted_device(result, m, prior)
        files[folder / "device.toml"] = device.to_toml().encode()
        files[folder / "memristor.lib"] = ngspice_library(device).encode()
    if json_file is not None:
        files.setdefault(json_file, _json(summary))
    return files


def _json(document: Any) -> bytes:
    return (json.dumps(document, indent=2, allow_nan=False) + "\n").encode()


def _print(result: Fit, prior: Device) -> None:
    columns = ["parameter", "value", "stderr", "95 % interval", "prior", "by data"]
    rows = [_row(e) for e in result.estimates.values()]
    console.out.print(console.table(f"Fitted constants of Eq. 1-2 (prior: {prior.name})", columns, rows))
    console.out.print(_verdict(result), markup=False, soft_wrap=True)


def _row(e: Estimate) -> list[str]:
    """One constant as text, rounded to what its error supports; amperes with a prefix."""
    unit, size = e.unit, 1.0
    if unit == "A":
        unit = engineering(e.value, unit).split()[-1]
        size = PREFIXES[unit.removesuffix("A")]
    name, prior = escape(f"{e.name} [{unit}]"), f"{e.prior / size:.4g}"
    if e.stderr is None or e.ci95 is None:
        return [
            name,
            f"{e.value / size:.3g}",
            "-",
            "-",
            prior,
            "no" if e.basis == "prior" else "no, tied",
        ]
    digits = _digits(e.value, e.stderr)
    value, low, high = (f"{v / size:.{digits}g}" for v in (e.value, *e.ci95))
    return [name, value, f"{e.stderr / size:.2g}", f"{low} – {high}", prior, "yes"]


def _digits(value: float, stderr: float) -> int:
    """Significant digits of `value` down to the second digit of its error, 2 to 9."""
    from math import floor, log10

    if stderr <= 0:
        return 9
    return min(max(floor(log10(value)) - floor(log10(stderr)) + 2, 2), 9)


def _verdict(result: Fit) -> str:
    from fitting.fit import LARGEST_MISFIT

    known = [name for name, e in result.estimates.items() if e.identifiable]
    took = f"{engineering(result.seconds, 's')}"
    if not result.converged:
        reason = " ".join(result.message.split())
        return f"FAILED: the search did not converge ({reason}); no device written"
    if not result.describes:
        return (f"FAILED: the model misses the readings by {result.relative_rmse:.1%} rms (limit "
                f"{LARGEST_MISFIT:.0%}): Eq. 1-2 do not describe them; no device written")  # fmt: skip
    tail = "".join(
        f"\n{text}: {', '.join(names)}"
        for basis, text in _WEAK.items()
        if (names := [name for name, e in result.estimates.items() if e.basis == basis])
    )
    return (f"FITTED: {len(known)} of {len(result.estimates)} constants, misfit "
            f"{result.relative_rmse:.2%} rms, in {took}{tail}")  # fmt: skip


def _print_files(paths: list[Path]) -> None:
    for path in paths:
        console.out.print(f"  {path}", markup=False, soft_wrap=True)
