"""The part that all `sweep` commands share once their subject is known; only they import it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from operator import methodcaller
from pathlib import Path
from typing import Annotated, Any

import typer

from roa_circuit.basics.errors import ConvergenceError, InputError, nearest
from roa_circuit.basics.machine import cores
from roa_circuit.basics.results import check_writable, write_file, write_json, write_text
from roa_circuit.circuit import footing
from roa_circuit.layers.patterns import repeated
from roa_circuit.layers.recovery import Compensation
from roa_circuit.presentation import console, drawing, options, standing
from roa_circuit.sweeps import summary, tables
from roa_circuit.sweeps.axes import Axis
from roa_circuit.sweeps.budgets import Target, share
from roa_circuit.sweeps.clusters import quiet_scheduler_at
from roa_circuit.sweeps.description import Sweep, described, read_description, vary_options
from roa_circuit.sweeps.fields import CIRCUIT, MEMRISTOR
from roa_circuit.sweeps.findings import Check, Findings, Question, find, spot_checks
from roa_circuit.sweeps.idle import idle_axes
from roa_circuit.sweeps.layer import COMPENSATION
from roa_circuit.sweeps.readouts import readouts
from roa_circuit.sweeps.setup import Setup
from roa_circuit.sweeps.store import Store
from roa_circuit.sweeps.study import Study, Workers
from roa_circuit.sweeps.subject import Metric, Subject, require_any, require_chance, require_values

FILES = ("points.jsonl", "sweep.nc", "sweep.csv", "report.json", "report.html", "sweep.toml")
_SHOWN_FAILURES = 5


def _conclusion(**how: Any) -> Any:
    return typer.Option(rich_help_panel="Conclusions", **how)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options of a sweep, whatever its subject; see `options.grouped`."""

    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="A sweep as TOML; options have the last word."),
    ] = None
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUES",
            help="What to vary, as often as needed: wire_resistance=0:5:11, sigma_wn=0,1,2,4,"
            " amplifier_gain=10:1k:9log of --circuit; of other designs than grids also an interval:"
            " sigma_wn=0:4.",
        ),
    ] = None
    design: Annotated[
        str | None, typer.Option(metavar="NAME", help="grid (default), random or sobol.")
    ] = None
    points: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Of a random or Sobol' design; default: 256.")
    ] = None
    repeats: Annotated[
        int | None,
        typer.Option(
            "--repeats",
            "--chips",
            min=1,
            metavar="N",
            help="Chips at every point, the same at all; default: 1, of a network 10 episodes. Without"
            " --vary, the chips of a Monte Carlo.",
        ),
    ] = None
    seed: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Of the first chip, and of the design; default: 0."),
    ] = None
    target: Annotated[
        str | None,
        _conclusion(
            metavar="METRIC=VALUE",
            help="Find the largest imperfections that leave this: accuracy=95%, mac_error=5%. Without"
            " --vary, the share of chips that reach it.",
        ),
    ] = None
    metric: Annotated[
        str | None,
        _conclusion(metavar="METRIC", help="That sensitivities are of; default: the target's."),
    ] = None
    sensitivity: Annotated[
        str, _conclusion(metavar="NAME", help="tornado, sobol (adds Sobol' indices) or none.")
    ] = "tornado"
    samples: Annotated[
        int,
        _conclusion(
            min=8,
            max=1 << 20,
            metavar="N",
            help="Of Sobol' indices, which take N (axes + 2) points; a power of two.",
        ),
    ] = 64
    check: Annotated[
        str,
        _conclusion(
            metavar="SHARE",
            help="Simulate this share of the points in ngspice, too: 5%; of a network the head.",
        ),
    ] = "0"
    workers: Annotated[
        int | None, typer.Option(min=1, max=1024, metavar="N", help="Processes; default: one a core.")
    ] = None
    scheduler: options.Scheduler = None
    output_dir: Annotated[
        Path, options.folder("Of points and report; a sweep that was cut off goes on from it.")
    ] = Path("out/sweep")
    figures: options.Figures = False
    json_file: options.Json = None

    def sweep(self, subject: Subject, usual_repeats: int = 1) -> Sweep:
        """The sweep that the file describes, with options having the last word."""
        document = read_description(self.file) if self.file else {}
        vary = document.get("vary", {})
        given = {name: getattr(self, name) for name in ("design", "points", "repeats", "seed")}
        document |= {name: value for name, value in given.items() if value is not None}
        document.setdefault("repeats", usual_repeats)
        if isinstance(vary, Mapping):
            document["vary"] = {**vary, **vary_options(self.vary or [])}
        try:
            return described(document, subject.fields)
        except InputError as error:
            told = f"{self.file}: {error}" if self.file and not self.vary else str(error)
            raise InputError(told) from None

    @property
    def checked(self) -> float:
        """The share of the points that a simulator is to check."""
        return share(self.check, what="--check")

    def question(self, subject: Subject) -> Question:
        """The questions asked beside the points themselves."""
        target = Target.parse(self.target, subject.metrics) if self.target else None
        metric = _metric(self.metric, subject.metrics) if self.metric else None
        if self.sensitivity != "sobol" and self.samples != Asked.samples:
            raise InputError(
                f"--samples {self.samples}: is about Sobol' indices; add --sensitivity sobol"
            )
        return Question(target=target, metric=metric, sensitivity=self.sensitivity, samples=self.samples)


_OF_ALL_POINTS = (
    "--vary", "--design", "--points", "--repeats", "--chips", "--seed", "--target", "--metric",
    "--sensitivity", "--samples", "--check", "--workers", "--scheduler", "--output-dir", "-o",
    "--figures", "--json",
)  # fmt: skip
"""Options that a single point does without, or is given anew."""


def carry_out(
    asked: Asked,
    subject: Subject,
    setup: Setup,
    check: Check | None = None,
    *,
    usual_repeats: int = 1,
    ignored: Sequence[str] = (),
    of_circuit: Callable[[], list[str]] = list,
) -> None:
    """Compute, show and write a sweep of what stands on this setup.

    ignored : the options that change nothing, for the JSON document
    of_circuit : says, and gives, what of the circuit changes nothing; asked when the sweep is done
    """
    check_writable(*(asked.output_dir / name for name in FILES), asked.json_file)
    sweep, question = asked.sweep(subject, usual_repeats), asked.question(subject)
    require_any(subject, sweep.configurations())
    require_values(subject, sweep.axes, sweep.configurations())
    if not sweep.axes:
        require_chance(subject)
    workers = asked.workers or cores()
    with ExitStack() as stack:
        scheduler = stack.enter_context(quiet_scheduler_at(asked.scheduler, workers))
        bar = stack.enter_context(console.progress())

        def study_of(one: Subject, file: str, seeds: Sequence[int], text: str) -> Study:
            line = bar.add_task(text, total=None)
            store = stack.enter_context(Store(asked.output_dir / file, one.describe()))
            who = Workers(
                count=workers, scheduler=scheduler,
                progress=lambda done, total: bar.update(line, completed=done, total=total),
            )  # fmt: skip
            return Study(subject=one, store=store, seeds=seeds, workers=who)

        found = find(sweep, study_of(subject, FILES[0], sweep.seeds, "surrogate"), question)
        if check:
            theirs = study_of(check.subject, "checks.jsonl", sweep.seeds[:1], "simulator")
            found = replace(found, checks=spot_checks(found, theirs, check.share))
        bar.stop()
        _show(found)
        idle = idle_axes(found)
        for name in idle:
            console.remark(f"--vary {name} ignored: no number of any chip differs between its values")
        varied = {
            target
            for axis in sweep.axes
            if axis.field.part in (CIRCUIT, MEMRISTOR)
            for target in axis.field.targets
        }
        standing.say(setup.device, setup.crossbar, varied, amplifier=setup.circuitry.amplifier)
        stands_on = footing.to_dict(setup.device, setup.crossbar, varied)
        unused = [*ignored, *of_circuit(), *(f"vary {name}" for name in idle)]
        _write(found, asked, {**stands_on, "ignored": unused})
    console.say(
        f"report {asked.output_dir / 'report.html'}; sweep.nc, sweep.csv and report.json beside it"
    )
    if len(found.failed) == (len(sweep.configurations()) if sweep.axes else len(sweep.seeds)):
        raise ConvergenceError("no point of the sweep could be computed: see why above")


def read_again(layer: str, inputs: int, own: Compensation, axes: Iterable[Axis]) -> None:
    """Say which inputs of a layer calibration reads again, of all compensations that a sweep has."""
    reads = {own.calibration_reads}
    for value in (value for axis in axes if axis.name == COMPENSATION.name for value in axis.levels):
        with suppress(InputError):  # which is recorded with its point
            reads.add(Compensation.parse(str(value)).calibration_reads)
    for text in filter(None, (repeated(inputs, count) for count in sorted(reads))):
        console.remark(f"{layer}: {text}")


def _show(found: Findings) -> None:
    for title, head, rows in summary.tables(found):
        console.out.print(console.table(title, head, rows))
    for one in readouts(found):
        console.say(one.said(found))
    for point, why in found.failed[:_SHOWN_FAILURES]:
        console.say(f"failed at {summary.configuration(found, point)}: {why}")
    if len(found.failed) > _SHOWN_FAILURES:
        console.say(f"... and {len(found.failed) - _SHOWN_FAILURES} points more; all are in sweep.csv")


def _write(found: Findings, asked: Asked, stands_on: dict[str, Any]) -> None:
    from roa_circuit.sweeps.presentation import chips_page, figures, page

    folder = asked.output_dir
    made = console.provenance(inputs=[asked.file] if asked.file else [])
    words = shlex.join(options.typed(dropping=_OF_ALL_POINTS))
    data = tables.dataset(found.sweep, found.study, command=made["command"])
    tables.write_netcdf(folder / "sweep.nc", data)
    tables.write_csv(folder / "sweep.csv", found.sweep, found.study)
    write_text(folder / "sweep.toml", found.sweep.to_toml())
    numbers = {
        **summary.to_dict(found), **stands_on, "point_command": words, "provenance": made,
        "warnings": [
            {"point": dict(point), "warning": warning}
            for one in readouts(found)
            for point, warning in one.points
        ],
    }  # fmt: skip
    write_json(folder / "report.json", numbers)
    if asked.json_file is not None:
        write_json(asked.json_file, numbers)
    made_page = chips_page.page if found.is_monte_carlo else page.page
    write_text(folder / "report.html", made_page(found, words, made).to_html())
    if asked.figures:
        for name, content in drawing.files(figures.drawings(found)).items():
            write_file(folder / "figures" / name, methodcaller("write", content))


def _metric(name: str, known: Sequence[Metric]) -> Metric:
    for metric in known:
        if metric.name == name:
            return metric
    raise InputError(f"--metric {name!r} is unknown; {nearest(name, [one.name for one in known])}")
