"""Studies: the paper's table and figures as grids of method, ways and write noise."""

from __future__ import annotations

from dataclasses import dataclass

from meta.network.methods import NOISE_LEVELS
from roa_circuit.basics.errors import InputError, nearest

CURVE = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)


@dataclass(frozen=True, kw_only=True)
class Study:
    """A table or figure.

    heatmap : show every relative rate, scored on validation classes, not just the best one
    """

    name: str
    title: str
    methods: tuple[str, ...]
    ways: tuple[int, ...] = (5, 10, 20)
    sigmas: tuple[float, ...] = CURVE
    heatmap: bool = False


STUDIES = {
    study.name: study
    for study in (
        Study(
            name="table2",
            title="Table 2: methods in write noise",
            methods=("five-step", "roa-wc", "roa-flr", "roa-wc-flr", "roa"),
            sigmas=NOISE_LEVELS,
        ),
        Study(
            name="figure3",
            title="Figure 3: one step and five, and their best relative rates",
            methods=("five-step", "roa", "ideal"),
        ),
        Study(
            name="figure4",
            title="Figure 4: written once offline, and adapted in one write",
            methods=("offline", "roa", "ideal"),
            sigmas=(0.0, 0.1, 0.2, 0.3, 0.5, 1.0),
        ),
        Study(
            name="figure5",
            title="Figure 5: without the constraint, at a fixed rate, without both",
            methods=("roa", "roa-wc", "roa-flr", "roa-wc-flr", "ideal"),
        ),
        Study(
            name="figure6",
            title="Figure 6: relative rate and write noise",
            methods=("roa",),
            ways=(5,),
            heatmap=True,
        ),
    )
}


def find_study(name: str) -> Study:
    """The study of that name.

    Raises
    ------
    InputError : unknown; the nearest name is given.
    """
    if name not in STUDIES:
        raise InputError(f"study {name!r} is unknown; {nearest(name, STUDIES)}")
    return STUDIES[name]
