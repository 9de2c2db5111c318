"""Wording: what is said of a fit, in the same words in the terminal and on the page."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10
from typing import TYPE_CHECKING, Any

import numpy as np

from fitting.judgement.comparison import Comparison
from fitting.model.form import Form
from fitting.model.formulaic import FormulaForm
from fitting.readers.measurements import Measurements
from fitting.search.estimates import AT_PRIOR, AT_SEARCH, Estimate
from fitting.search.fit import Fit
from fitting.search.identifiability import IDENTIFIABLE_LOG_ERROR
from roa_circuit.basics.units import PREFIXES, engineering, percent
from roa_circuit.device.laws.formula_law import FormulaLaw
from roa_circuit.device.parameters import Device

if TYPE_CHECKING:
    from fitting.judgement.laws import Contender, Contest

CONSTANT_COLUMNS = ("parameter", "value", "stderr", "95 % interval", "prior", "by data")
LAW_COLUMNS = ("law", "misfit", "held-out trains", "unknowns", "AIC")

_SMALL = 1e-3  # below that a number is written with its power of ten
_WEAK = {
    AT_PRIOR: "not identifiable from these data, held at the prior",
    AT_SEARCH: "not identifiable from these data, held where the search began",
    "with prior": "known only together with those (a product or a rate), not identifiable alone",
}


def constant_row(e: Estimate) -> list[str]:
    """One constant as text, rounded to what its error supports; amperes with a prefix."""
    size, unit = _size_of(e)
    name, prior = f"{e.name} [{unit}]", f"{e.prior / size:.4g}"
    if e.stderr is None or e.ci95 is None:
        value = prior if e.basis == AT_PRIOR else f"{e.value / size:.3g}"
        return [name, value, "-", "-", prior, "no" if e.held else "no, tied"]
    value, error, low, high = rounded((e.value, e.stderr, *e.ci95), e.stderr, size)
    told = "yes" if e.identifiable else "roughly"
    return [name, value, error, f"{low} – {high}", prior, told]


def with_unit(e: Estimate) -> str:
    """The value as in `constant_row`, with its unit: '3.032 mA'."""
    return f"{constant_row(e)[1]} {_size_of(e)[1]}"


def _size_of(e: Estimate) -> tuple[float, str]:
    return prefixed(e.value if e.told else e.prior, e.unit)  # what is not told may be anything


def prefixed(value: float, unit: str) -> tuple[float, str]:
    """(divisor of a constant, its unit then): amperes get a prefix, others stay as they are."""
    if unit != "A":
        return 1.0, unit
    unit = engineering(value, unit).split()[-1]
    return PREFIXES[unit.removesuffix("A")], unit


def rounded(values: Sequence[float], stderr: float, size: float = 1.0) -> list[str]:
    """Values over `size` as text, rounded to the second digit of an error; small ones as 1.2e-05."""
    values, stderr = [value / size for value in values], stderr / size
    last = floor(log10(stderr)) - 1 if stderr > 0 else floor(log10(abs(values[0]))) - 8
    if abs(values[0]) < _SMALL:
        most = max(floor(log10(abs(values[0]))) - last, 0)
        digits = [min(max(floor(log10(abs(v) or 1.0)) - last, 0), most) for v in values]
        return [f"{v:.{n}e}" for v, n in zip(values, digits, strict=True)]
    return [f"{v:.{max(-last, 0)}f}" for v in values]


def outcome(f: Fit) -> str:
    """The result of the fit in one line, or why there is none."""
    if not f.converged:
        reason = " ".join(f.message.split())
        return f"FAILED: the search did not converge ({reason}); no device written"
    if not f.describes:
        return (f"FAILED: the model misses the readings by {percent(f.relative_rmse)} rms "
                f"(limit {percent(f.limit, 0)}): {f.objective.form.title} do not describe them; "
                "no device written")  # fmt: skip
    known = sum(e.identifiable for e in f.estimates.values())
    rough = sum(e.told for e in f.estimates.values()) - known
    more = f", {rough} roughly" * (rough > 0)
    to = percent(IDENTIFIABLE_LOG_ERROR, 0)
    return (f"FITTED: {known} of {len(f.estimates)} constants known to {to}{more}, misfit "
            f"{percent(f.relative_rmse, 2)} rms, in {engineering(f.seconds, 's')}")  # fmt: skip


def weights(f: Fit) -> str:
    """How readings were weighed, and why."""
    loss = f.objective.loss
    if loss.name == "linear":
        return f.weighting.said
    beyond = int((abs(f.residual) > loss.size).sum())
    return (f"{f.weighting.said}; {loss.name} loss: {beyond} beyond {percent(loss.size, 2)} count less, "
            f"the others scatter {percent(f.noise, 2)}")  # fmt: skip


def misfit(f: Fit, m: Measurements) -> str:
    """What the misfit of a reading is, as these readings were weighed."""
    floor = "; below a hundredth of its sweep's largest current an I–V point counts by that hundredth"
    if f.weighting.name == "absolute":
        over = "the range of all readings" if m.shift else "the rms of all readings"
        return f"(fitted − measured) over {over}"
    if f.weighting.name == "reads":
        usual = percent(f.weighting.read_noise or 0.0, 2, significant=True)
        return (
            f"(fitted − measured) over the noise of that reading, times the usual noise, {usual}{floor}"
        )
    return f"(fitted − measured) / measured{floor}"


def left_open(f: Fit) -> list[str]:
    """What the data do not tell, with a line for each reason."""
    by_reason = {
        text: [name for name, e in f.estimates.items() if e.basis == basis]
        for basis, text in _WEAK.items()
    }
    return [f"{text}: {', '.join(names)}" for text, names in by_reason.items() if names]


CONTEST_COLUMNS = ("law", "misfit", "held out", "last 30 %", "AIC")


def contest_rows(found: Contest) -> list[list[str]]:
    """A row for every law that took part, the one to take first."""
    return [
        [one.form.title, percent(one.rmse, 2), _or_none(one.held_out), _or_none(one.extrapolation),
         f"{one.aic:.0f}"]
        for one in found.contenders
    ]  # fmt: skip


def _or_none(share: float | None) -> str:
    return "-" if share is None else percent(share, 2)


def taken(one: Contender, by: str, noise: float | None, m: Measurements) -> str:
    """Which law was taken, how far from the noise it is, and where it must not be trusted."""
    unseen = f"{percent(one.rmse, 2)} off" + (
        "" if one.held_out is None else f", {percent(one.held_out, 2)} on held-out {by}"
    )
    times = "" if not noise else f", {one.score / noise:.2g} times the noise ({percent(noise, 2)})"
    doubts = []
    for sign, name in ((-1, "potentiation"), (1, "depression")):
        volts = np.unique(m.voltage[np.sign(m.voltage) == sign])
        if len(volts) == 0:
            doubts.append(f"in {name}, which was not measured")
        elif len(volts) == 1:
            doubts.append(f"in {name} at other voltages than {volts[0]:g} V")
    plain = ~m.sweep
    low, high = m.conductance[plain].min(), m.conductance[plain].max()
    unit = "" if m.normalised else "S"
    doubts.append(f"outside {engineering(low, unit)} to {engineering(high, unit)}")
    if one.extrapolation is not None:
        doubts.append(f"beyond the measured pulses, as the last 30 % are missed by "
                      f"{percent(one.extrapolation, 2)} if it never saw them")  # fmt: skip
    return f"LAW TAKEN: {one.form.title}: {unseen}{times}; do not trust it {'; '.join(doubts)}"


def known_before(form: Form, prior: Device) -> str:
    """Whose values the prior of these constants are: a parameter set, or the law as its file has it."""
    law = prior.memristor
    if not isinstance(form, FormulaForm):
        return prior.name
    own = isinstance(law, FormulaLaw) and law.definition == form.begins.definition
    return prior.name if own else f"{form.title}'s own parameter set"


def combination(c: dict[str, Any]) -> str:
    """A product that the data determine, with its error."""
    value = f"{c['value']:.4g}" if c["unit"] == "-" else engineering(c["value"], c["unit"], 4)
    return f"{c['name']} = {value} ± {percent(c['relative_error'], 2, significant=True)}"


def proposal(added: dict[str, Any]) -> str:
    """The one measurement to add."""
    parts = [f"settles {', '.join(added['settles'])}"] if added["settles"] else []
    parts += [f"tells {', '.join(added['roughly'])} roughly"] if added["roughly"] else []
    return f"add {added['measurement']}: {', '.join(parts)}"


def law_rows(laws: Comparison) -> list[list[str]]:
    """A row for every law that was compared, the best first."""
    return [
        [v.law, percent(v.rmse, 2), "-" if v.held_out is None else percent(v.held_out, 2),
         str(v.unknowns), f"{v.aic:.0f}"]
        for v in laws.verdicts
    ]  # fmt: skip
