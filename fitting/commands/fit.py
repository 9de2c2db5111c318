"""`roa-fit FILE`: the seven constants of measured pulses, and what the data say of them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from fitting import _options as options
from roa_circuit import console, drawing
from roa_circuit.options import Figures, Json, flag, folder
from roa_circuit.parameters import Device, load_device
from roa_circuit.units import percent

if TYPE_CHECKING:
    from fitting.fit import Fit
    from fitting.intervals import Intervals
    from fitting.measurements import Measurements
    from fitting.verdict import Judgement
    from roa_circuit.drawing import Drawing


def fit(
    measurements: options.Files,
    output_dir: Annotated[Path, folder("Of the device and the report.")] = Path("out/fit"),
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
    weighting: options.Weighting = "auto",
    loss: options.Loss = "linear",
    intervals: options.Intervals = "covariance",
    seed: options.Seed = 0,
    compare: Annotated[
        bool, flag("--compare", "Also show the simpler laws it was held against.")
    ] = False,
    strict: Annotated[bool, flag("--strict", "Exit code 1 if the data reject the law, too.")] = False,
    figures: Figures = False,
    json_file: Json = None,
) -> int:
    """Fit k, mu1, mu2, gamma, delta, alpha, beta to measured pulses, with honest errors.

    Columns need units: [bold]train, voltage \\[V], width \\[s], read_voltage \\[V][/] and one of
    [bold]conductance \\[S], resistance \\[Ohm], read_current \\[A][/]; R_before and R_after for one
    pulse a cell; I-V sweeps as rows with [bold]current \\[A][/] at [bold]voltage \\[V][/]; or one train
    a column. Try [bold]roa-fit inspect[/] first. The data may fit well and yet reject the law: its
    verdict is a line of its own, and marks the device. Exit codes: 0 fitted, 1 the model does not
    meet the data, 2 bad input.
    """
    from fitting._outputs import write_all
    from fitting.fit import as_printed, fit_device
    from fitting.measurements import describe, read_measurements
    from fitting.methods import check_method
    from fitting.methods import intervals as find_intervals
    from fitting.report_page import page
    from fitting.verdict import REJECTED, judge

    check_method(intervals)
    device = load_device(prior)
    how = options.conventions(len(measurements), pulse, read, unit, polarity, scale, column, where)
    m = read_measurements(measurements, how)
    result = fit_device(m, device, weighting=weighting, loss=loss)
    found = find_intervals(result, intervals, seed=seed)
    result = found.applied(result)
    law = judge(result, as_printed(device.memristor))
    said = _identifiability(result, law, m, device)
    extra = {"law": law.document(), "identifiability": said}
    made = {"prior": prior, "provenance": console.provenance(inputs=measurements)}
    files = _files(result, law, m, device, output_dir, json_file, extra, made)
    drawn = _drawings(result, m, found)
    files[output_dir / "report.html"] = page(result, m, drawn, said, law, made).to_html().encode()
    if figures:
        named = drawing.files(drawn).items()
        files |= {output_dir / "figures" / name: content for name, content in named}
    write_all(files)
    console.say(describe(m))
    if len(set(m.devices)) > 1:
        console.say(f"{len(set(m.devices))} devices fitted as one: roa-fit spread tells them apart")
    if m.ignored:
        console.say(f"not used: {', '.join(m.ignored)}")
    _print(result, law, device)
    if result.describes and not all(e.identifiable for e in result.estimates.values()):
        _print_identifiability(said)
    if compare:
        _print_laws(law)
    for path in files:
        console.say(f"  {path}")
    return 1 if not result.describes or (strict and law.word == REJECTED) else 0


def _identifiability(result: Fit, law: Judgement, m: Measurements, prior: Device) -> dict[str, Any]:
    """What the data do measure, their rank, and the measurement to add, for the JSON document."""
    from fitting.advice import combinations, proposal, rank
    from fitting.residuals import NAMES
    from fitting.verdict import REJECTED

    added = None
    if law.word != REJECTED:  # more data do not settle the constants of a wrong law
        added = proposal(m, result.memristor, result.start, result.noise, prior)
    found = []
    if result.describes:
        found = combinations(m, result.memristor, result.jacobian, result.noise)
    return {
        "order": list(NAMES),
        **dataclasses.asdict(rank(result.jacobian, result.noise)),
        "combinations": [dataclasses.asdict(one) for one in found],
        "proposal": None if added is None else dataclasses.asdict(added),
    }


def _files(
    result: Fit,
    law: Judgement,
    m: Measurements,
    prior: Device,
    folder: Path,
    json_file: Path | None,
    extra: dict[str, Any],
    made: dict[str, Any],
) -> dict[Path, bytes]:
    """The numbers and the models of the run, complete in memory. No device from a fit that failed."""
    from fitting.report import document
    from roa_circuit.compact_model import ngspice_library
    from roa_circuit.verilog_a import verilog_a

    summary = document(result, m) | extra
    files = {folder / "fit.json": _json(summary | made)}
    if result.describes:
        device = fitted_device(result, law, m, prior)
        files[folder / "device.toml"] = device.to_toml().encode()
        files[folder / "memristor.lib"] = ngspice_library(device).encode()
        files[folder / "memristor.va"] = verilog_a(device).encode()
    if json_file is not None:
        files.setdefault(json_file, _json(summary))
    return files


def _drawings(result: Fit, m: Measurements, found: Intervals) -> list[Drawing]:
    """The report's figures; draws in pairs where there are any."""
    from fitting.figures import drawings

    if found.samples is None or found.method != "mcmc":
        return drawings(result, m)
    from fitting.mcmc import corner_plot

    return [*drawings(result, m), corner_plot(result, found)]


def fitted_device(result: Fit, law: Judgement, m: Measurements, prior: Device) -> Device:
    """The parameter set of a fit: its constants, the prior's pulses, data and verdict as citation."""
    held = [name for name, e in result.estimates.items() if e.basis == "prior"]
    tied = [name for name, e in result.estimates.items() if e.basis == "with prior"]
    name = Path(m.source.split(", ")[0])
    citation = f"roa-fit to {name.name}, {len(m)} readings, misfit {percent(result.relative_rmse, 2)}"
    if held:
        citation += f"; not identifiable, from {prior.name}: {', '.join(held)}"
    if tied:
        citation += f"; known only together with those: {', '.join(tied)}"
    citation += f"; {law.line()}"
    return Device(name=name.stem, citation=citation, memristor=result.memristor, pulses=prior.pulses)


def _json(document: Any) -> bytes:
    return (json.dumps(document, indent=2, allow_nan=False) + "\n").encode()


def _print(result: Fit, law: Judgement, prior: Device) -> None:
    from fitting.wording import CONSTANT_COLUMNS, constant_row, left_open, outcome, weights

    rows = [[escape(cell) for cell in constant_row(e)] for e in result.estimates.values()]
    title = f"Fitted constants of Eq. 1-2 (prior: {prior.name})"
    console.out.print(console.table(title, CONSTANT_COLUMNS, rows))
    console.say(outcome(result))
    console.say(law.line())
    console.say(weights(result))
    if any(e.told for e in result.estimates.values()):
        console.say(f"intervals: {result.intervals}")
    for line in left_open(result) if result.describes else ():
        console.say(line)


def _print_identifiability(said: dict[str, Any]) -> None:
    """Only where something is open: the products that are known, and what to measure next."""
    from fitting.wording import combination, proposal

    if said["combinations"]:
        console.say(f"measured: {'; '.join(combination(c) for c in said['combinations'][:5])}")
    if said["proposal"] is not None:
        console.say(proposal(said["proposal"]))


def _print_laws(law: Judgement) -> None:
    from fitting.wording import LAW_COLUMNS, law_rows

    if law.laws is None:
        console.say("no train of repeated pulses to hold simpler laws against")
        return
    title = f"Laws on {law.laws.trains} trains of repeated pulses, the best by AIC first"
    console.out.print(console.table(title, LAW_COLUMNS, law_rows(law.laws)))
