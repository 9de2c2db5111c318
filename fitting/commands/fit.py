"""`roa-fit FILE`: the constants of a law from measured pulses, and what the data say of them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fitting.commands import _options as options
from fitting.commands._outputs import as_json, write_all
from fitting.commands._run import MODELS, NORMALISED, Run, models, unmeasured_pulses
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.results import check_writable
from roa_circuit.basics.units import counted
from roa_circuit.circuit import footing
from roa_circuit.device.laws.zhang2021 import Memristor
from roa_circuit.device.parameters import load_device
from roa_circuit.presentation import console, drawing
from roa_circuit.presentation.options import Figures, Json, flag, folder, grouped

if TYPE_CHECKING:
    from fitting.judgement.verdict import Judgement
    from roa_circuit.presentation.drawing import Drawing


@grouped
def fit(
    *,
    measurements: options.FilesIfAny = None,
    example: Annotated[
        bool, flag("--example", "Fit the pulses that ship with the toolkit, in place of FILE.")
    ] = False,
    output_dir: Annotated[Path, folder("Of the device and the report.")] = Path("out/fit"),
    prior: options.Prior = "zhang2021",
    law: options.Law = "auto",
    how: options.HowToRead,
    weighting: options.Weighting = "auto",
    loss: options.Loss = "linear",
    intervals: options.Intervals = "covariance",
    seed: options.Seed = None,
    compare: Annotated[
        bool, flag("--compare", "Also show the simpler laws it was held against.")
    ] = False,
    fit_report: Annotated[
        bool, flag("--fit-report", "Also show lmfit's own report of the constants.")
    ] = False,
    strict: Annotated[bool, flag("--strict", "Exit code 1 if the data reject the law, too.")] = False,
    figures: Figures = False,
    json_file: Json = None,
) -> int:
    """Fit the constants of a law to measured pulses, with honest errors.

    Columns need units: [bold]train, voltage \\[V], width \\[s], read_voltage \\[V][/] and one of
    [bold]conductance \\[S], resistance \\[Ohm], read_current \\[A][/]; R_before and R_after for one
    pulse a cell; I-V sweeps as rows with [bold]current \\[A][/] at [bold]voltage \\[V][/]; or one train
    a column. Try [bold]roa-fit inspect[/] first. The data may fit well and yet reject the law: its
    verdict is a line of its own, and marks the device. Exit codes: 0 fitted, 1 the model does not
    meet the data, 2 bad input.

    Laws, V < 0 up and V > 0 down, with the rate R = k (e^(-mu1 V) - e^(mu2 V)):

    [bold]zhang2021[/]  dw/dt = R (1-w)^2 up, R w^2 down

    [bold]windows[/]  du/dt = R (1-u)^p up, R u^q down; u = w, or ln(1 + w (r-1)) / ln r, r = Gmax/Gmin

    [bold]table[/]  the change of u by one pulse, measured at up to 18 states for each amplitude

    All three: I = w gamma sinh(delta V) + (1-w) alpha (1 - e^(-beta V)). A file has formulas of its own.
    """
    from fitting.judgement.choice import check_law, chosen
    from fitting.judgement.verdict import REJECTED
    from fitting.judgement.wording import known_before
    from fitting.presentation.page import page
    from fitting.readers.measurements import describe
    from fitting.search.methods import DRAWN, check_method
    from fitting.search.methods import intervals as find_intervals

    check_method(intervals)
    check_law(law)
    measurements = _given(measurements, example)
    check_writable(output_dir / "report.html", json_file)
    unused = []
    if intervals not in DRAWN:
        unused = console.ignored("--seed", seed, f"--intervals {intervals} draws nothing")
    device = load_device(prior)
    read, idle = options.readings(measurements, how)
    m = read.fitted()
    choice = chosen(m, device, law, weighting=weighting, loss=loss)
    form = choice.fit.objective.form
    if form.by_curvature and intervals != "covariance":
        raise InputError(
            f"--intervals {intervals}: law {form.title} has intervals from the curvature alone"
            " (covariance); give --law windows or zhang2021 for others"
        )
    found = find_intervals(choice.fit, intervals, seed=seed or 0)
    result, verdict = found.applied(choice.fit), choice.judgement
    run = Run(
        fit=result, intervals=found, law=verdict, choice=choice, measurements=m, prior=device,
        given=options.given_pulses(how, idle),
    )  # fmt: skip
    made = {
        "prior": prior,
        "known_before": known_before(form, device),
        "pulses_beyond_data": unmeasured_pulses(run),
        "remarks": run.remarks,
        "provenance": console.provenance(inputs=measurements),
    }
    said = _identifiability(run)
    summary = _summary(run, said) | {"ignored": unused + idle, "normalised": m.normalised}
    drawn = _drawings(run)
    files = {output_dir / "fit.json": as_json(summary | made), **models(run, output_dir)}
    if json_file is not None:
        files.setdefault(json_file, as_json(summary))
    files[output_dir / "report.html"] = page(result, m, drawn, said, choice, made).to_html().encode()
    if figures:
        named = drawing.files(drawn).items()
        files |= {output_dir / "figures" / name: content for name, content in named}
    stale = [
        output_dir / n for n in MODELS if (output_dir / n).is_file() and output_dir / n not in files
    ]
    write_all(files, gone=stale)
    for text in (*footing.unread(device), describe(read)):
        console.say(text)
    _print(run, said)
    if compare:
        _print_laws(verdict)
    if fit_report:
        from fitting.presentation.report import lmfit_report

        console.out.print(lmfit_report(result), markup=False, highlight=False)
    _print_verdict(run, said)
    for path in files:
        console.say(f"  {path}")
    if stale:
        console.say(f"taken away, of an earlier run: {', '.join(map(str, stale))}")
    return 1 if not result.describes or (strict and verdict.word == REJECTED) else 0


def _given(files: list[Path] | None, example: bool) -> list[Path]:
    """The files to fit."""
    from fitting.readers import example as shipped

    if example and files:
        raise InputError(f"--example takes the place of FILE, and {files[0]} is one: leave out either")
    if not (example or files):
        raise InputError(
            "which FILE is to be fitted? --example takes the pulses that ship with the toolkit"
        )
    return [shipped.example()] if example else list(files or [])


def _identifiability(run: Run) -> dict[str, Any]:
    """What the data do measure, their rank, and the measurement to add, for the JSON document."""
    from fitting.judgement.advice import combinations, proposal, rank
    from fitting.judgement.verdict import REJECTED

    m, result = run.measurements, run.fit
    added = None
    law, form = result.memristor, result.objective.form
    # More data do not settle the constants of a wrong law; what to add is worked out for Eq. 1-2.
    if run.law.word != REJECTED and isinstance(law, Memristor):
        added = proposal(m, law, result.start, result.noise, run.prior)
    found = []
    if result.describes:
        found = combinations(m, form, result.solution.x, result.jacobian, result.noise)
    return {
        "order": list(form.names),
        **dataclasses.asdict(rank(result.jacobian, result.noise)),
        "combinations": [dataclasses.asdict(one) for one in found],
        "proposal": None if added is None else dataclasses.asdict(added),
    }


def _summary(run: Run, said: dict[str, Any]) -> dict[str, Any]:
    """The JSON document of the run; `said` is its `_identifiability`."""
    from fitting.judgement.hints import hints_of
    from fitting.presentation.report import document

    found = document(run.fit, run.measurements) | {"hints": hints_of(run.fit)}
    return {
        **found,
        **run.choice.document(),
        "verdict": run.law.document(),
        "identifiability": said,
        "pulses_beyond_data": unmeasured_pulses(run),
        "remarks": run.remarks,
    }


def _drawings(run: Run) -> list[Drawing]:
    """The figures of the report, with a corner plot where intervals come from MCMC."""
    from fitting.presentation.figures import contest_drawing, drawings

    drawn = drawings(run.fit, run.measurements)
    if run.choice.contest is not None:
        laws = contest_drawing(run.choice.contest, run.measurements)
        drawn += [laws] if laws is not None else []
    if run.intervals.samples is None or run.intervals.method != "mcmc":
        return drawn
    from fitting.presentation.corner import corner_plot

    return [*drawn, corner_plot(run.fit, run.intervals)]


def _print(run: Run, said: dict[str, Any]) -> None:
    """The tables of constants and of laws, and in a line each what they rest on."""
    from fitting.judgement.conclusion import laws_tried
    from fitting.judgement.ends import BY_LAW, beyond
    from fitting.judgement.wording import (
        CONSTANT_COLUMNS,
        CONTEST_COLUMNS,
        combination,
        constant_row,
        contest_rows,
        known_before,
        left_open,
        weights,
    )
    from fitting.readers.measurements import ways

    m, result = run.measurements, run.fit
    if len(set(m.devices)) > 1:
        console.say(f"{len(set(m.devices))} devices fitted as one: roa-fit spread tells them apart")
    if named := ways(m):
        console.say(named)
    for text in m.assumed:
        console.say(f"assumed: {text}")
    if m.ignored:
        console.say(f"not used: {', '.join(m.ignored)}")
    if m.normalised:
        console.say(NORMALISED)
    if run.given and result.describes:
        console.say(f"pulses are as {', '.join(run.given)} says: device.toml notes it")
    rows = [constant_row(e) for e in result.estimates.values()]
    form = result.objective.form
    title = f"Fitted constants of {form.title} (prior: {known_before(form, run.prior)})"
    console.out.print(console.table(title, CONSTANT_COLUMNS, rows))
    console.say(weights(result))
    if any(e.told for e in result.estimates.values()):
        console.say(f"intervals: {result.intervals}")
    for line in left_open(result) if result.describes else ():
        console.say(line)
    known = all(e.identifiable for e in result.estimates.values())
    if result.describes and said["combinations"] and not known:
        far = {one.name for one in beyond(result)}
        told = (combination(c) + BY_LAW * (c["name"][:4] in far) for c in said["combinations"][:5])
        console.say(
            f"measured, errors from the curvature, too small where valleys bend: {'; '.join(told)}"
        )
    if run.choice.contest is not None:
        rows = contest_rows(run.choice.contest, taken=result.describes)
        console.out.print(console.table(run.choice.title, CONTEST_COLUMNS, rows))
        for line in laws_tried(run.choice):
            console.say(line)


def _print_verdict(run: Run, said: dict[str, Any]) -> None:
    """What became of the fit and the law, where not to trust it, and what to do next."""
    from fitting.judgement.conclusion import conclusion
    from fitting.judgement.wording import outcome

    console.say("")
    console.say(outcome(run.fit))
    for line in conclusion(run.choice, said["proposal"], unmeasured_pulses(run)):
        console.say(line)


def _print_laws(law: Judgement) -> None:
    from fitting.judgement.wording import LAW_COLUMNS, law_rows

    if law.laws is None:
        console.say("no train of repeated pulses to hold simpler laws against")
        return
    title = f"Laws on {counted(law.laws.trains, 'train')} of repeated pulses, the best by AIC first"
    if list(law.laws.verdicts) != sorted(law.laws.verdicts, key=lambda v: v.aic):
        title += ", those that miss far more last"
    console.out.print(console.table(title, LAW_COLUMNS, law_rows(law.laws)))
