"""What the `sweep` commands share once their subject is known; only commands import this module."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from operator import methodcaller
from pathlib import Path

from roa_circuit import console, drawing
from roa_circuit.errors import InputError, nearest
from roa_circuit.results import check_writable, write_file, write_json, write_text
from roa_circuit.sweeps import summary, tables
from roa_circuit.sweeps.budgets import Target
from roa_circuit.sweeps.clusters import scheduler_at
from roa_circuit.sweeps.description import Sweep, described, read_description, vary_options
from roa_circuit.sweeps.findings import Findings, Question, find, spot_checks
from roa_circuit.sweeps.store import Store
from roa_circuit.sweeps.study import Study
from roa_circuit.sweeps.subject import Metric, Subject, require_any
from roa_circuit.sweeps.workers import cores

FILES = ("points.jsonl", "sweep.nc", "sweep.csv", "report.json", "report.html", "sweep.toml")
_SHOWN_FAILURES = 5


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options that both commands have."""

    file: Path | None
    vary: Sequence[str]
    design: str | None
    points: int | None
    repeats: int | None
    seed: int | None
    target: str | None
    metric: str | None
    sensitivity: str
    samples: int
    workers: int | None
    scheduler: str | None
    output_dir: Path
    figures: bool
    json_file: Path | None
    usual_repeats: int = 1

    def sweep(self, subject: Subject) -> Sweep:
        """What is computed: the file's description, options having the last word."""
        document = read_description(self.file) if self.file else {}
        vary = document.get("vary", {})
        given = {name: getattr(self, name) for name in ("design", "points", "repeats", "seed")}
        document |= {name: value for name, value in given.items() if value is not None}
        document.setdefault("repeats", self.usual_repeats)
        if isinstance(vary, Mapping):
            document["vary"] = {**vary, **vary_options(self.vary)}
        try:
            return described(document, subject.fields)
        except InputError as error:
            told = f"{self.file}: {error}" if self.file and not self.vary else str(error)
            raise InputError(told) from None

    def question(self, subject: Subject) -> Question:
        """What is asked beside the points."""
        target = Target.parse(self.target, subject.metrics) if self.target else None
        metric = _metric(self.metric, subject.metrics) if self.metric else None
        return Question(target=target, metric=metric, sensitivity=self.sensitivity, samples=self.samples)


@dataclass(frozen=True, kw_only=True)
class Check:
    """A part of the points in a simulator: the subject that simulates them, and how many."""

    subject: Subject
    share: float


def carry_out(
    asked: Asked, subject: Subject, command: Sequence[str], check: Check | None = None
) -> None:
    """Compute, show and write a sweep.

    command : the words that name the subject again, to which the fields of a point are added
    """
    check_writable(*(asked.output_dir / name for name in FILES), asked.json_file)
    sweep, question = asked.sweep(subject), asked.question(subject)
    require_any(subject, sweep.configurations())
    workers = asked.workers or cores()
    with ExitStack() as stack:
        scheduler = stack.enter_context(scheduler_at(asked.scheduler, workers))
        bar = stack.enter_context(console.progress())

        def study_of(one: Subject, file: str, seeds: Sequence[int], text: str) -> Study:
            line = bar.add_task(text, total=None)
            store = stack.enter_context(Store(asked.output_dir / file, one.describe()))
            return Study(
                subject=one, store=store, seeds=seeds, workers=workers, scheduler=scheduler,
                progress=lambda done, total: bar.update(line, completed=done, total=total),
            )  # fmt: skip

        found = find(sweep, study_of(subject, FILES[0], sweep.seeds, "surrogate"), question)
        if check:
            theirs = study_of(check.subject, "checks.jsonl", sweep.seeds[:1], "simulator")
            found = replace(found, checks=spot_checks(found, theirs, check.share))
        bar.stop()
        _show(found)
        _write(found, asked, command)
    console.say(
        f"report {asked.output_dir / 'report.html'}; sweep.nc, sweep.csv and report.json beside it"
    )


def _show(found: Findings) -> None:
    for title, head, rows in summary.tables(found):
        console.out.print(console.table(title, head, rows))
    for point, why in found.failed[:_SHOWN_FAILURES]:
        console.say(f"failed at {summary.configuration(found, point)}: {why}")
    if len(found.failed) > _SHOWN_FAILURES:
        console.say(f"... and {len(found.failed) - _SHOWN_FAILURES} points more; all are in sweep.csv")


def _write(found: Findings, asked: Asked, command: Sequence[str]) -> None:
    from roa_circuit.sweeps import figures, report

    folder = asked.output_dir
    made = console.provenance(inputs=[asked.file] if asked.file else [])
    words = shlex.join(command)
    data = tables.dataset(found.sweep, found.study, command=made["command"])
    tables.write_netcdf(folder / "sweep.nc", data)
    tables.write_csv(folder / "sweep.csv", found.sweep, found.study)
    write_text(folder / "sweep.toml", found.sweep.to_toml())
    numbers = {**summary.to_dict(found), "point_command": words, "provenance": made}
    write_json(folder / "report.json", numbers)
    if asked.json_file is not None:
        write_json(asked.json_file, numbers)
    write_text(folder / "report.html", report.page(found, words, made).to_html())
    if asked.figures:
        for name, content in drawing.files(figures.drawings(found)).items():
            write_file(folder / "figures" / name, methodcaller("write", content))


def _metric(name: str, known: Sequence[Metric]) -> Metric:
    for metric in known:
        if metric.name == name:
            return metric
    raise InputError(f"--metric {name!r} is unknown; {nearest(name, [one.name for one in known])}")
