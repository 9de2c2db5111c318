"""Verdict: do Eq. 1-2 describe this device, or is their misfit more than noise?

Three questions decide. Is the misfit larger than the noise of a reading? Do successive misfits have
the same sign? If so, is the misfit the same in every train with the same pulses, as a wrong law
makes it, or another one each time, as write noise does? (This is Fisher's test of lack of fit
against pure error, 1922, with the freedom that correlated errors leave.) Then simpler laws are tried.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitting.judgement.comparison import FEWEST_READINGS, Comparison, compare, history
from fitting.judgement.wording import beside_noise
from fitting.model.noise import reading_noise
from fitting.readers.measurements import FloatArray, Measurements
from fitting.search.correlated import NOTABLE, correlation_of, notable, pairs
from fitting.search.fit import Fit
from roa_circuit.basics.units import share
from roa_circuit.device.laws import Law

HOLDS, DOUBTFUL, REJECTED, UNCHECKED = "holds", "doubtful", "rejected", "unchecked"

_SIGMAS = 3.0
_MUCH = 5.0  # times the noise: a misfit that needs another reason
_ROUNDING = 3e-5  # of a reading: no instrument resolves less, so that a pattern in it says nothing
_CLEARLY = 10.0  # AIC, by which another law must be better
_TRAINS = 3  # with one past, whose misfits can be compared


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the readings say of the law; misfits and noise are relative, as the fit weighs them.

    `noise` of a reading is from re-readings if there are any, or else from neighbouring readings
    without any law (`noise_from`). `chi2` is the misfit's square over the noise's, by degree
    of freedom. `correlation` and `runs` (standard deviations of the count of sign changes below
    chance) are of successive misfits in trains, `sweep_correlation` in I-V sweeps. `repeated`
    is the variance of the misfits' mean over trains with one past against that of independent
    ones (1 if independent), `repeated_limit` what chance reaches; None without such trains.
    """

    law: str
    word: str
    reason: str
    misfit: float
    noise: float | None
    noise_from: str
    chi2: float | None
    correlation: float
    runs: float
    sweep_correlation: float | None
    repeated: float | None
    repeated_limit: float | None
    laws: Comparison | None

    def line(self) -> str:
        """The verdict as one plain sentence."""
        return f"LAW {self.word.upper()}: {self.law}: {self.reason}"

    def document(self) -> dict[str, Any]:
        """The verdict and its evidence as plain values."""
        return asdict(self) | {
            "laws": [] if self.laws is None else [asdict(v) for v in self.laws.verdicts]
        }


def judge(f: Fit, prior: Law) -> Judgement:
    """Judge the law by the readings of a fit; held-out fits begin at `prior`."""
    m = f.objective.measurements
    misfit = f.objective.loss.bent(f.residual)[0]
    noise, noise_from = reading_noise(m, f.weighting)
    freedom = f.solution.freedom(len(m))
    together = pairs(m)
    rho = correlation_of(misfit, together)
    repeated, limit = _repeated(misfit, m, rho)
    evidence = Judgement(
        law=f.objective.form.title, word="", reason="", noise=noise, noise_from=noise_from,
        misfit=float(np.sqrt(np.mean(misfit**2))),
        chi2=None if noise is None else float(misfit @ misfit) / freedom / noise**2,
        correlation=rho, runs=_runs(misfit, together), sweep_correlation=_sweep_correlation(misfit, m),
        repeated=repeated, repeated_limit=limit, laws=compare(f, prior),
    )  # fmt: skip
    word, reason = _word(evidence, f, int(together.sum()))
    return replace(evidence, word=word, reason=reason)


def _word(j: Judgement, f: Fit, count: int) -> tuple[str, str]:
    """(the verdict, the reason), from the evidence; `count` is the number of pairs of misfits."""
    m = f.objective.measurements
    follow = f"successive misfits correlate {j.correlation:.2f}"
    correlated, alike = notable(j.correlation, count), j.repeated is not None
    repeats = j.repeated is not None and j.repeated > (j.repeated_limit or np.inf)
    better = "" if j.laws is None else _better(j.laws)
    first = j.laws is not None and j.laws.verdicts[0] is j.laws.own
    others = [v.law for v in j.laws.verdicts[1:]] if j.laws is not None and first else []
    best = f", by AIC better than {' and '.join(others)}" if others else ""
    above = 0.0 if not j.noise else j.misfit / j.noise
    short = int(np.bincount(m.train[~m.still]).max(initial=0)) < FEWEST_READINGS and not alike
    unlike = ", or devices that differ" if len(set(m.devices)) > 1 else ""
    bent = j.sweep_correlation is not None and j.sweep_correlation > _sweep_limit(m)
    unmet = "it does not describe these readings" if f.converged else "the search for it found no end"
    cases = (
        (not f.describes, REJECTED, unmet + (better and f"; {better}")),
        (j.misfit < _ROUNDING, UNCHECKED if short else HOLDS,
         "less than instruments resolve, as simulators round"),
        (repeats and better != "", REJECTED, f"the misfit is the same in like trains; {better}"),
        (better != "" and correlated and not alike, REJECTED, f"{follow}; {better}"),
        (repeats, DOUBTFUL, "the misfit is the same in like trains, though no simpler law does better"),
        (better != "" and not correlated, DOUBTFUL, better),
        (correlated and not alike, DOUBTFUL,
         f"{follow}: another law, or write noise, which like trains would tell apart"),
        (above > _MUCH and not alike, DOUBTFUL, "far more than the noise of a reading"),
        (bent, DOUBTFUL, f"in I-V sweeps successive misfits correlate {j.sweep_correlation or 0:.2f}: "
                         "Eq. 2 bends otherwise"),
        (short, UNCHECKED, f"no train of {FEWEST_READINGS} readings to judge it by"),
        (correlated, HOLDS, f"another misfit in every like train: write noise{unlike}"
                            f"{best if not better else ''}"),
        (True, HOLDS, f"without a pattern{best}"),
    )  # fmt: skip
    size = beside_noise(f, j.noise, j.noise_from)
    return next((word, f"{size}; {reason}") for true, word, reason in cases if true)


def _better(laws: Comparison) -> str:
    """The laws that do clearly better, in words; '' if none does."""
    own = laws.own  # one that misses more is not better, however smooth its misfit is
    ahead = [v for v in laws.verdicts if own.aic - v.aic > _CLEARLY and v.rmse <= own.rmse]
    if not ahead:
        return ""
    trains = "the train" if laws.trains == 1 else f"{laws.trains} trains"
    names = " and ".join(v.law for v in ahead)
    sizes = " and ".join(share(v.rmse) for v in ahead)
    there = f"misfit {sizes} on {trains}, where {laws.law} has {share(own.rmse)}"
    return f"{names} {'does' if len(ahead) == 1 else 'do'} better by AIC ({there})"


def _runs(misfit: FloatArray, together: NDArray[np.bool_]) -> float:
    """By how many standard deviations sign changes are fewer than by chance."""
    count = int(together.sum())
    changes = int(np.sum((misfit[1:] * misfit[:-1] < 0) & together))
    return (count - 2.0 * changes) / float(np.sqrt(count)) if count else 0.0


def _sweep_correlation(misfit: FloatArray, m: Measurements) -> float | None:
    """Of neighbours in voltage in the I-V sweeps at rest; None without 10 such pairs."""
    rows = np.flatnonzero(m.still)
    order = rows[np.lexsort((m.read_voltage[rows], m.train[rows]))]
    if len(order) < 11:
        return None
    return correlation_of(misfit[order], np.diff(m.train[order]) == 0)


def _sweep_limit(m: Measurements) -> float:
    return max(_SIGMAS / float(np.sqrt(m.still.sum())), 2.0 * NOTABLE)


def _repeated(misfit: FloatArray, m: Measurements, rho: float) -> tuple[float | None, float | None]:
    """(F of lack of fit, its limit): the mean misfit over trains with one past, over its scatter."""
    _, cell, count = np.unique(history(m), return_inverse=True, return_counts=True)
    enough = (count >= _TRAINS)[cell] & ~m.still
    cells = len(np.unique(cell[enough]))
    if cells < FEWEST_READINGS:
        return None, None
    cell, misfit = np.unique(cell[enough], return_inverse=True)[1], misfit[enough]
    count = np.bincount(cell)
    mean = np.bincount(cell, misfit) / count
    within = float(np.sum((misfit - mean[cell]) ** 2)) / float(np.sum(count - 1))
    between = float(np.sum(count * mean**2)) / cells
    if within <= 0:
        return None, None
    rho = float(np.clip(rho, 0.0, 0.99))
    freedom = max(cells * (1.0 - rho) / (1.0 + rho), 1.0)
    spread = np.sqrt(2.0 / freedom * (1.0 + 1.0 / (float(np.mean(count)) - 1.0)))
    return between / within, float(1.0 + _SIGMAS * spread)
