"""Wording: what is said of a fit, in the same words in the terminal and on the page."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10
from typing import TYPE_CHECKING, Any

from fitting.judgement.comparison import Comparison
from fitting.model.form import Form
from fitting.model.formulaic import FormulaForm
from fitting.readers.measurements import Measurements
from fitting.search.estimates import AT_PRIOR, AT_SEARCH, Estimate
from fitting.search.fit import Fit
from fitting.search.identifiability import IDENTIFIABLE_LOG_ERROR
from roa_circuit.basics.units import PREFIXES, counted, engineering, percent, share
from roa_circuit.device.laws.formula_law import FormulaLaw
from roa_circuit.device.parameters import Device

if TYPE_CHECKING:
    from fitting.judgement.laws import Contender, Contest

CONSTANT_COLUMNS = ("parameter", "value", "stderr", "95 % interval", "prior", "by data")
LAW_COLUMNS = ("law", "misfit", "held-out trains", "unknowns", "AIC")

_SMALL = 1e-3  # below that a number is written with its power of ten
_NOTHING = 1e-7  # of a reading: rounding of numbers, no noise
_AS_LARGE = 1.05
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


def beside_noise(f: Fit, noise: float | None, noise_from: str) -> str:
    """The misfit of all readings, and how far that is from the noise of one."""
    m, loss, misfit = f.objective.measurements, f.objective.loss, f.judged_rmse
    size = f"misfit {share(f.relative_rmse)}{' of their range' if m.shift else ''} over {every(m)}"
    if loss.name != "linear":
        size += f", {share(misfit)} as outliers count less ({loss.name})"
    if noise is None:
        return f"{size}, the noise of a reading unknown"
    if noise < _NOTHING:
        return f"{size}, though neighbouring readings show no noise"
    by = f"{share(noise)}, by {noise_from}"
    if misfit <= _AS_LARGE * noise:
        return f"{size}, no more than the noise of a reading ({by})"
    times = misfit / noise
    return f"{size}, {times:.{0 if times >= 10 else 1}f} times the noise of a reading ({by})"


def every(m: Measurements) -> str:
    """'all 1,131 readings'."""
    return counted(len(m), "reading") if len(m) == 1 else f"all {len(m):,} readings"


def outcome(f: Fit) -> str:
    """What became of the fit and of its device, in one line."""
    if not f.converged:
        reason = " ".join(f.message.split())
        return f"FAILED: no device written, as the search did not converge ({reason})"
    title = f.objective.form.title
    if not f.describes:
        return (f"FAILED: no device written, as {title} misses {every(f.objective.measurements)} by "
                f"{share(f.judged_rmse)} rms (limit {percent(f.limit, 0)})")  # fmt: skip
    known = sum(e.identifiable for e in f.estimates.values())
    rough = sum(e.told for e in f.estimates.values()) - known
    more = f", {rough} roughly" * (rough > 0)
    to = percent(IDENTIFIABLE_LOG_ERROR, 0)
    return (f"FITTED: {known} of {len(f.estimates)} constants of {title} known to {to}{more}, in "
            f"{engineering(f.seconds, 's')}; device written")  # fmt: skip


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


CONTEST_COLUMNS = ("law", "all readings", "held out", "last 30 %", "AIC", "remark")


def contest_rows(found: Contest, *, taken: bool) -> list[list[str]]:
    """A row for every law that took part, the one to take first.

    taken : whether a device was written of it
    """
    return [
        [one.form.title, share(one.rmse), _or_none(one.held_out), _or_none(one.extrapolation),
         f"{one.aic:.0f}", _remark(one, first=one is found.best, taken=taken)]
        for one in found.contenders
    ]  # fmt: skip


def _remark(one: Contender, *, first: bool, taken: bool) -> str:
    if first:
        return "taken" if taken else "the best"
    if not one.solution.converged:
        return "search did not end"
    return "-" if one.form.extrapolates else "measured states alone"


def _or_none(part: float | None) -> str:
    return "-" if part is None else share(part)


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
        [v.law, share(v.rmse), _or_none(v.held_out), str(v.unknowns), f"{v.aic:.0f}"]
        for v in laws.verdicts
    ]  # fmt: skip
