"""Choice: the law that a run fits, and why; Eq. 1-2 unless the readings speak against them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fitting.judgement.verdict import DOUBTFUL, REJECTED, Judgement, judge
from fitting.model.form import FITTED, Form
from fitting.model.noise import reading_noise
from fitting.model.noise import weighting as weigh
from fitting.model.residuals import EQUATIONS
from fitting.readers.measurements import Measurements
from fitting.search.fit import Fit, fit_device
from fitting.search.motion import require_motion
from fitting.search.multistart import Solution
from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.device.parameters import Device

if TYPE_CHECKING:
    from fitting.judgement.laws import Contender, Contest

AUTO = "auto"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The fit of the law that was taken, the verdict on it, and the laws it was held against.

    contest : None where no other law was tried
    asked : the law that was asked for
    equations : the verdict on Eq. 1-2, where they are why others were tried
    lone : whether no other law can be tried, as there are no trains of pulses
    """

    fit: Fit
    judgement: Judgement
    contest: Contest | None
    asked: str = AUTO
    equations: Judgement | None = None
    lone: bool = False

    @property
    def title(self) -> str:
        """Of the table of laws."""
        first = "the one taken" if self.fit.describes else "the best"
        return f"Misfits of laws on the same readings, {first} first"

    @property
    def own(self) -> Contender | None:
        """The law that was taken, as it did in the contest."""
        if self.contest is None:
            return None
        form = self.fit.objective.form
        return next(one for one in self.contest.contenders if one.form.walled() == form.walled())

    def document(self) -> dict[str, Any]:
        """Its entries of `fit.json`; misfits and noise are fractions."""
        own = self.own
        listed: dict[str, Any] = {}
        for one in self.contest.contenders if self.contest else ():
            listed.setdefault(one.name, one.document())
        form, law = self.fit.objective.form, self.fit.memristor
        if form.name in listed:  # as the device has them, what is open at the prior
            listed[form.name]["constants"] = {k: float(v) for k, v in law.constants.items()}
        return {
            "law": form.name,
            "noise": self.fit.noise if self.judgement.noise is None else self.judgement.noise,
            "noise_from": "the misfit" if self.judgement.noise is None else self.judgement.noise_from,
            "held_out_rmse": None if own is None else own.held_out,
            "extrapolation_rmse": None if own is None else own.extrapolation,
            "laws": list(listed.values()),
        }


def check_law(name: str) -> None:
    """Refuse a law that cannot be fitted.

    Raises
    ------
    InputError : with the nearest that can.
    """
    if name in (AUTO, *FITTED) or name.endswith(".toml"):
        return
    from roa_circuit.device.laws.formulas.shipped import shipped_laws

    known = (AUTO, *FITTED, *shipped_laws())
    if name not in known:
        raise InputError(f"--law {name!r} is neither a file nor known; {nearest(name, known)}")


def chosen(m: Measurements, prior: Device, law: str, *, weighting: str, loss: str) -> Choice:
    """Fit the law of this name; 'auto' is Eq. 1-2, or what does best where they are in doubt.

    Raises
    ------
    InputError : an unknown law, weighting or loss; fewer readings than unknowns; no pulses, or none
        that moves anything.
    """
    check_law(law)
    first, lone = None, not _has_trains(m)
    if law in (AUTO, EQUATIONS.LAW):
        first = _equations(m, prior, weighting=weighting, loss=loss)
        doubt = not first.fit.describes or first.judgement.word in (DOUBTFUL, REJECTED)
        if law == EQUATIONS.LAW or not doubt or lone:
            return replace(first, asked=law, lone=lone)
    if first is None:
        require_motion(m)
    if lone:
        raise InputError(
            f"{m.source}: has no pulses with readings after them, which tell how a cell moves;"
            f" --law {law} needs trains of pulses"
        )
    from fitting.judgement.laws import contest, forms_of  # most fits hold no contest

    weights = weigh(m, weighting)
    names = FITTED if law == AUTO else (law,)
    forms, noise = forms_of(m, names, prior), reading_noise(m, weights)[0]
    known = dict[Form, Solution]()
    if first is not None and loss == "linear":
        known[EQUATIONS] = first.fit.solution
    found = contest(m, weights.scale, prior.memristor, forms, noise, known)
    best = found.best
    if first is not None and best.form == EQUATIONS:
        fit, verdict = first.fit, first.judgement
    else:
        fit = fit_device(
            m, prior, weighting=weighting, loss=loss, form=best.form, begin=best.solution
        )  # fmt: skip
        verdict = judge(fit, best.form.prior(prior.memristor))
    before = None if first is None else first.judgement
    return Choice(fit=fit, judgement=verdict, contest=found, asked=law, equations=before)


def _has_trains(m: Measurements) -> bool:
    """Whether there are readings after pulses, apart from sweeps."""
    return bool(((m.voltage != 0) & ~m.sweep).any())


def _equations(m: Measurements, prior: Device, *, weighting: str, loss: str) -> Choice:
    fit = fit_device(m, prior, weighting=weighting, loss=loss)
    return Choice(
        fit=fit, judgement=judge(fit, EQUATIONS.prior(prior.memristor)), contest=None
    )  # fmt: skip
