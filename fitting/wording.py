"""Wording: what a fit says of itself, the same words in the terminal and on the page."""

from __future__ import annotations

from math import floor, log10
from typing import Any

from fitting.comparison import Comparison
from fitting.fit import LARGEST_MISFIT, Estimate, Fit
from roa_circuit.units import PREFIXES, engineering

CONSTANT_COLUMNS = ("parameter", "value", "stderr", "95 % interval", "prior", "by data")
LAW_COLUMNS = ("law", "misfit", "held-out trains", "unknowns", "AIC")

_WEAK = {
    "prior": "not identifiable from these data, held at the prior",
    "with prior": "known only together with those (a product or a rate), not identifiable alone",
}


def constant_row(e: Estimate) -> list[str]:
    """One constant as text, rounded to what its error supports; amperes with a prefix."""
    unit, size = e.unit, 1.0
    if unit == "A":
        unit = engineering(e.value, unit).split()[-1]
        size = PREFIXES[unit.removesuffix("A")]
    name, prior = f"{e.name} [{unit}]", f"{e.prior / size:.4g}"
    if e.stderr is None or e.ci95 is None:
        told = "no" if e.basis == "prior" else "no, tied"
        return [name, f"{e.value / size:.3g}", "-", "-", prior, told]
    digits = _digits(e.value, e.stderr)
    value, low, high = (f"{v / size:.{digits}g}" for v in (e.value, *e.ci95))
    return [name, value, f"{e.stderr / size:.2g}", f"{low} – {high}", prior, "yes"]


def outcome(f: Fit) -> str:
    """The fit in one line: what came out, or why nothing did."""
    if not f.converged:
        reason = " ".join(f.message.split())
        return f"FAILED: the search did not converge ({reason}); no device written"
    if not f.describes:
        return (f"FAILED: the model misses the readings by {f.relative_rmse:.1%} rms (limit "
                f"{LARGEST_MISFIT:.0%}): Eq. 1-2 do not describe them; no device written")  # fmt: skip
    known = sum(e.identifiable for e in f.estimates.values())
    return (f"FITTED: {known} of {len(f.estimates)} constants, misfit "
            f"{f.relative_rmse:.2%} rms, in {engineering(f.seconds, 's')}")  # fmt: skip


def weights(f: Fit) -> str:
    """What the readings counted for, and why."""
    loss = f.objective.loss
    if loss.name == "linear":
        return f.weighting.said
    beyond = int((abs(f.residual) > loss.size).sum())
    return (f"{f.weighting.said}; {loss.name} loss: {beyond} beyond {loss.size:.2%} count less, "
            f"the others scatter {f.noise:.2%}")  # fmt: skip


def left_open(f: Fit) -> list[str]:
    """What the data do not tell, a line for each reason."""
    by_reason = {
        text: [name for name, e in f.estimates.items() if e.basis == basis]
        for basis, text in _WEAK.items()
    }
    return [f"{text}: {', '.join(names)}" for text, names in by_reason.items() if names]


def combination(c: dict[str, Any]) -> str:
    """A product that the data determine, with its error."""
    value = f"{c['value']:.4g}" if c["unit"] == "-" else engineering(c["value"], c["unit"], 4)
    return f"{c['name']} = {value} ± {c['relative_error']:.1%}"


def proposal(added: dict[str, Any]) -> str:
    """The one measurement to add."""
    return f"add {added['measurement']}: settles {', '.join(added['settles'])}"


def law_rows(laws: Comparison) -> list[list[str]]:
    """Every law that was compared, the best first."""
    return [
        [v.law, f"{v.rmse:.2%}", "-" if v.held_out is None else f"{v.held_out:.2%}", str(v.unknowns),
         f"{v.aic:.0f}"]
        for v in laws.verdicts
    ]  # fmt: skip


def _digits(value: float, stderr: float) -> int:
    """Significant digits of `value` down to the second digit of its error, 2 to 9."""
    if stderr <= 0:
        return 9
    return min(max(floor(log10(value)) - floor(log10(stderr)) + 2, 2), 9)
