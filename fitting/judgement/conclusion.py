"""Conclusion: what a run ends with, in lines: which law and why, where not to trust it, what to do next.

The same lines stand in the terminal and on the page. None says that a law is taken of which no device
is written, and every misfit has its law and its readings beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitting.judgement import ends
from fitting.judgement.choice import AUTO, Choice
from fitting.judgement.hints import hints_of
from fitting.judgement.laws import ALIKE, KNOWN, NEAR_NOISE, SILENT, STRETCH, Contest
from fitting.judgement.verdict import DOUBTFUL, HOLDS, REJECTED, UNCHECKED
from fitting.judgement.wording import every, proposal
from fitting.model.residuals import EQUATIONS
from fitting.readers.measurements import Measurements
from fitting.search.fit import Fit
from roa_circuit.basics.units import counted, engineering, percent, share

_BEFORE, _AFTER = percent(KNOWN, 0), percent(1.0 - KNOWN, 0)
_WITHIN = "use the device within these bounds alone"
_READY = "device.toml is ready: give it to roa-spice or roa-meta as --device"
_DECKS = (
    "writes of arrays and verify ask for voltages between the amplitudes of a table: give device.toml"
    " `inert [V]`, up to which nothing moves, and `within [V]`, how far from an amplitude it holds; or"
    " --law windows"
)
_MOST = 0.8  # of the squared misfit: a tenth of the readings that has more are outliers
_OWN_LAW = "--law takes a file of formulas of your own"


def conclusion(choice: Choice, proposed: dict[str, Any] | None, beyond: str | None) -> list[str]:
    """The verdict on the law, why it is that law, where not to trust it, and what to do next.

    proposed : the measurement to add, as `fit.json` has it
    beyond : a word on pulses of the device that were not measured
    """
    lines = [choice.judgement.line(), *_why(choice)]
    if choice.fit.describes:
        lines.append(f"do not trust it {'; '.join(_doubts(choice))}")
        unread = ends.said(choice.fit)
        lines += [unread] if unread else []
    return [*lines, *(f"next: {step}" for step in _steps(choice, proposed, beyond))]


def laws_tried(choice: Choice) -> list[str]:
    """What the numbers in the table of laws are over, below it."""
    found, own, f = choice.contest, choice.own, choice.fit
    if found is None or own is None:
        return []
    held_out = {
        "trains": "one half of the trains, by a fit to the other half",
        "stretches": f"every second stretch of {STRETCH} readings but the first of a train, by a fit to "
        "the others",
    }
    said = ["all readings: misfit of a fit to all, with every constant free"]
    if found.by:
        said.append(f"held out: of {held_out[found.by]}")
    if any(one.extrapolation is not None for one in found.contenders):
        said.append(f"last {_AFTER}: of each train, by a fit to its first {_BEFORE}")
    lines = ["; ".join(said)]
    if f.describes and share(f.relative_rmse) != share(own.rmse):
        robust = f.objective.loss.name != "linear"
        why = "outliers count less" if robust else "some of its constants are held"
        lines.append(f"the device misses {every(f.objective.measurements)} by {share(f.relative_rmse)}, "
                     f"not by {share(own.rmse)}, as {why}")  # fmt: skip
    return lines


# --- why this law -------------------------------------------------------------------------------


def _why(choice: Choice) -> Iterator[str]:
    """Why it is this law, where others were tried or another was asked for."""
    found, form = choice.contest, choice.fit.objective.form
    if found is None:
        if choice.asked == AUTO and choice.judgement.word != HOLDS:
            yield "no other law was tried: others need trains of pulses" if choice.lone else ""
        return
    before = choice.equations
    if before is not None and form == EQUATIONS:
        yield f"other laws were tried, as Eq. 1-2 are {before.word}; Eq. 1-2 do best all the same"
    elif before is not None:
        o = choice.fit.objective
        over = every(o.measurements) + " as outliers count less" * (o.loss.name != "linear")
        yield (f"other laws were tried, as Eq. 1-2 are {before.word} (misfit {share(before.misfit)} "
               f"over {over}; --law zhang2021 says why)")  # fmt: skip
    if not choice.fit.describes:
        yield f"none of {counted(len(found.contenders), 'law')} describes these readings"
        return
    yield f"why this law: {_reason(found, choice)}"


def _reason(found: Contest, choice: Choice) -> str:
    """Why the first law of a contest is its first."""
    best, others = found.best, found.contenders[1:]
    if not others:
        return f"--law {choice.asked}"
    unseen = f"held-out {found.by}" if found.by else every(choice.fit.objective.measurements)
    least = min(found.contenders, key=lambda one: one.score)
    size = share(best.score)
    asked = "" if choice.asked == AUTO else f"--law {choice.asked}; of its forms "
    if least is best:
        return f"{asked}it misses {unseen} least, by {size}"
    if not least.form.extrapolates:
        return (f"{asked}it misses {unseen} by {size}. {least.form.title} misses them by "
                f"{share(least.score)}, but knows the measured states alone: it is taken if others miss "
                f"{SILENT:g} times as much and more than {NEAR_NOISE:g} times the noise")  # fmt: skip
    if least.solution.converged and best.score <= ALIKE * least.score:
        return (f"{asked}it misses {unseen} by {size}, which these readings do not tell from "
                f"{least.form.title} ({share(least.score)}), and the last {_AFTER} of every train "
                "least")  # fmt: skip
    return f"{asked}it misses {unseen} by {size}; the search for {least.form.title} did not end"


# --- where not to trust it ----------------------------------------------------------------------


def _doubts(choice: Choice) -> Iterator[str]:
    """Where the readings say nothing of the law, each to follow 'do not trust it'."""
    m, form = choice.fit.objective.measurements, choice.fit.objective.form
    for sign, name in ((-1, "potentiation"), (1, "depression")):
        rows = np.sign(m.voltage) == sign
        if not rows.any():
            yield f"in {name}, which was not measured"
            continue
        low, high = float(m.voltage[rows].min()), float(m.voltage[rows].max())
        widths = np.unique(m.each_width[rows])
        wide = f" or widths than {engineering(float(widths[0]), 's')}" if len(widths) == 1 else ""
        if low == high:
            yield f"in {name} at other voltages than {low:g} V{wide}"
        elif form.extrapolates:
            yield f"in {name} beyond {low:g} V to {high:g} V"
        else:
            yield f"in {name} at other voltages than were measured, {low:g} V to {high:g} V"
    yield f"outside {_range(m, ends.met(choice.fit))}"
    own = choice.own
    if own is not None and own.extrapolation is not None:
        yield (f"after more pulses than were measured: a fit to the first {_BEFORE} of every train "
               f"misses the last {_AFTER} by {share(own.extrapolation)}")  # fmt: skip


def _range(m: Measurements, met: NDArray[np.bool_]) -> str:
    """What was read, from the lowest to the highest of the readings (rows,) that count."""
    if m.sweep.all():
        return f"{m.read_voltage.min():g} V to {m.read_voltage.max():g} V of the sweeps"
    G = m.conductance[met] - m.shift
    low, high = float(G.min()), float(G.max())
    if m.normalised:
        return f"readings of {low:.4g} to {high:.4g}"
    return f"{engineering(low, 'S')} to {engineering(high, 'S')}"


# --- what to do next ----------------------------------------------------------------------------


def _steps(choice: Choice, proposed: dict[str, Any] | None, beyond: str | None) -> Iterator[str]:
    """What to do next, the first thing first."""
    f, word = choice.fit, choice.judgement.word
    hints = hints_of(f)
    yield from hints
    if not f.describes or word == REJECTED:
        yield from _with_another_law(choice, hinted=bool(hints))
    elif word == DOUBTFUL and choice.judgement.repeated is not None:
        yield f"{_WITHIN}; {_OWN_LAW}"
    elif word == DOUBTFUL and not choice.lone:
        yield "measure three trains with the same pulses: they tell a wrong law from write noise"
    elif word == UNCHECKED:
        yield "measure trains of 6 readings or more, which tell whether the law holds"
    if proposed is not None:
        yield proposal(proposed)
    if beyond is not None:
        yield beyond
    open_ends = ends.to_measure(f) if f.describes and word != REJECTED else None
    if open_ends is not None:
        yield open_ends
    decks = f.memristor.in_simulators if f.describes else None
    if decks is not None:
        yield _DECKS
    if word != HOLDS:
        return
    if "write noise" in choice.judgement.reason and f.objective.form == EQUATIONS:
        yield "roa-fit spread --by train tells the write noise, which device.toml does not have"
    if proposed is None and beyond is None and open_ends is None:
        yield _READY if decks is None else _READY.replace("ready", "ready but for those")


def _with_another_law(choice: Choice, *, hinted: bool) -> Iterator[str]:
    """What to do about a law that is rejected."""
    if choice.contest is None and not choice.lone and choice.asked != AUTO:
        yield f"leave --law {choice.asked} out: other laws are tried then"
    elif choice.fit.describes:
        yield f"{_WITHIN}; {_OWN_LAW}"
    elif (part := _of_few(choice.fit)) > _MOST:
        yield (f"a tenth of the readings has {percent(part, 0)} of the squared misfit: --loss cauchy "
               "lets readings far off the law count less")  # fmt: skip
    elif not hinted:
        yield ("report.html shows which trains are missed; --where, --ignore and --drop-outlier "
               f"leave out what is no device; {_OWN_LAW}")  # fmt: skip


def _of_few(f: Fit) -> float:
    """The part of the squared misfit that a tenth of the readings has; 0 where a loss bends it."""
    size = np.sort(f.residual**2)
    few = len(size) // 10
    if f.objective.loss.name != "linear" or not few:
        return 0.0
    return float(size[-few:].sum() / max(size.sum(), 1e-300))
