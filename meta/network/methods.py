"""The methods by name: what each learns, what it writes for a task, and from which state.

A method is data; `meta.training.train` and `meta.learning.learners` read it. The paper's own are
those of Table 2 and Figures 3-6 of Zhang et al. (2021); `roa-robust` is an extension of this toolkit.
"""

from __future__ import annotations

from dataclasses import dataclass

from roa_circuit.basics.errors import InputError, nearest

NOISE_LEVELS = (0.0, 1.0, 2.0, 4.0)
"""Of sigma_WN (Eq. 7), those of the paper's Table 2."""


@dataclass(frozen=True, kw_only=True)
class Method:
    """One way of learning to learn, and of writing what was learned.

    network : the method whose trained network it uses, often its own
    steps : inner steps, each of them one write of the whole network
    learned_rates : one learned inner rate for each tensor and step (MAML++); otherwise 0.1
    multi_step : at first, the outer loss weighs the losses after every step (MAML++)
    rho : the constraint of Eq. 18; 1 leaves it out
    rate : 'chosen' picks the relative rate of each noise level on validation classes (Figure 3),
        'fixed' keeps 1
    written : 'pulses' rounds and disturbs every step, 'nothing' keeps ideal weights, 'at once'
        takes the steps ideally and then writes their result on cells in random states
    erased : only the head is written, on cells that start at this omega; None writes every weight
    max_pulses : cap on the pulses of one cell
    noise : levels of sigma_WN that training draws from for each task; the paper trains without
    extension : whether the method is not in the paper
    """

    name: str
    summary: str
    network: str
    steps: int = 1
    learned_rates: bool = True
    multi_step: bool = False
    rho: float = 1.0
    rate: str = "chosen"
    written: str = "pulses"
    erased: float | None = None
    max_pulses: int = 64
    noise: tuple[float, ...] = (0.0,)
    extension: bool = False

    @property
    def trained(self) -> bool:
        """Whether the method has a network of its own."""
        return self.network == self.name


METHODS = {
    method.name: method
    for method in (
        Method(
            name="maml",
            summary="MAML (Finn et al. 2017): five steps at one fixed rate",
            network="maml",
            steps=5,
            learned_rates=False,
            rate="fixed",
        ),
        Method(
            name="maml++",
            summary="MAML++ (Antoniou et al. 2018): five steps at learned rates, ideal weights",
            network="maml++",
            steps=5,
            multi_step=True,
            rate="fixed",
            written="nothing",
        ),
        Method(
            name="roa",
            summary="the paper's: one step, constraint, relative rate",
            network="roa",
            rho=0.5,
        ),
        Method(name="roa-wc", summary="ROA without the constraint", network="roa-wc"),
        Method(
            name="roa-flr",
            summary="ROA at a fixed rate",
            network="roa",
            rho=0.5,
            rate="fixed",
        ),
        Method(
            name="roa-wc-flr",
            summary="ROA without constraint, at a fixed rate",
            network="roa-wc",
            rate="fixed",
        ),
        Method(
            name="five-step",
            summary="the network of maml++, every one of its five steps written",
            network="maml++",
            steps=5,
            multi_step=True,
        ),
        Method(
            name="offline",
            summary="adapted ideally, then written at once on cells in random states",
            network="roa",
            rho=0.5,
            rate="fixed",
            written="at once",
        ),
        Method(
            name="ideal",
            summary="the network of roa with ideal weights: neither rounding nor noise",
            network="roa",
            rho=0.5,
            rate="fixed",
            written="nothing",
        ),
        Method(
            name="roa-robust",
            summary="an erased head, raised where a class stands out, trained in noise",
            network="roa-robust",
            rate="fixed",
            erased=0.02,
            max_pulses=4,
            noise=NOISE_LEVELS,
            extension=True,
        ),
    )
}


def find_method(name: str) -> Method:
    """The method of that name.

    Raises
    ------
    InputError : unknown; the nearest name is given.
    """
    if name not in METHODS:
        raise InputError(f"method {name!r} is unknown; {nearest(name, METHODS)}")
    return METHODS[name]
