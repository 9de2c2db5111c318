"""The runs of both engines compared: the numbers of a verification."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from netlists.verification.collocation import Scope
from netlists.verification.engines import Analysis, Plan, Run, surrogate_reads, voltages
from netlists.verification.result import (
    CURRENT_LIMIT,
    ENERGY_LIMIT,
    RESIDUAL_LIMIT,
    STATE_LIMIT,
    STATE_SHARE,
    Floats,
    least_current,
    relative_error,
    residual_limit,
    state_limit,
)
from netlists.verification.samples import Sample
from roa_circuit.chips.converter_use import uses
from roa_circuit.chips.read_disturb import moved_by_a_read, warning
from roa_circuit.device.programming import after_pulses
from roa_circuit.layers.relative import compared
from roa_circuit.layers.tiling import Tile, assemble, outputs
from roa_circuit.solver.read import read_currents

_NOT_READ = dict.fromkeys(
    (
        "max_relative_current_error", "end_to_end_current_error", "max_difference_error",
        "max_output_error",
        "prediction_agreement", "accuracy_ideal", "accuracy_surrogate", "accuracy_spice", "mac_error",
        "ideal_mac_error", "ideal_agreement", "read_speedup",
    )
)  # fmt: skip


def reads(sample: Sample, spice: Sequence[Run], surrogate: Sequence[Run], plan: Plan) -> dict[str, Any]:
    """The fields of a Verification that need currents; outputs only where no tile was left out."""
    if not plan.reads:
        empty = np.zeros((0, 0))
        nothing = {"converters": [], "read_disturb": 0.0, "warnings": []}
        arrays = {"spice_currents": empty, "surrogate_currents": empty, "least_current": 0.0}
        return {**_NOT_READ, **nothing, **arrays}
    own = [run.currents for run in spice]
    theirs = [run.currents for run in surrogate]
    same = [
        surrogate_reads(tile, chip, np.clip(run.state, 0.0, 1.0), plan.circuitry)[0]
        for tile, chip, run in zip(sample.tiles, sample.believed, spice, strict=True)
    ]
    least = least_current(sample.layer.device)
    apart = partial(relative_error, least=least)
    return {
        **(_answers(sample, spice, surrogate) if sample.is_whole else _NOT_READ),
        "max_relative_current_error": _worst(map(apart, own, same)),
        "end_to_end_current_error": _worst(map(apart, own, theirs)),
        "max_difference_error": _differences(sample, spice, same, least),
        "read_speedup": sum(r.read_seconds for r in spice) / sum(r.read_seconds for r in surrogate),
        **_read_out(sample, spice, transient=plan.analysis is Analysis.transient),
        "least_current": least,
        "spice_currents": assemble(sample.tiles, own),
        "surrogate_currents": assemble(sample.tiles, same),
    }


def _differences(
    sample: Sample, spice: Sequence[Run], same: Sequence[Floats], least: float
) -> float | None:
    """The worst error of what the simulator's subtractors put out, over the largest; or None.

    least : the current [A] that the largest counts for, if it is less
    """
    if sample.layer.mapping.apart:
        return None
    ours = [chip.joined(currents) for chip, currents in zip(sample.believed, same, strict=True)]
    largest = max(float(np.abs(one).max(initial=0.0)) for one in ours)
    errors = [
        float(np.abs(run.subtracted - one).max(initial=0.0))
        for run, one in zip(spice, ours, strict=True)
    ]
    return _worst(errors) / max(largest, least)


def _answers(sample: Sample, spice: Sequence[Run], surrogate: Sequence[Run]) -> dict[str, Any]:
    """The fields of a Verification that need the layer's outputs, which all tiles add up to."""
    labels = sample.layer.labels
    y_spice, y_surrogate = (sample.outputs([run.sensed for run in runs]) for runs in (spice, surrogate))
    y_ideal = outputs(sample.meant, [_ideal_reads(tile) for tile in sample.meant])
    right = [
        float(np.mean(np.argmax(y, axis=1) == labels)) if len(labels) else None
        for y in (y_ideal, y_surrogate, y_spice)
    ]
    error, same = compared(sample.tiles, y_spice, y_surrogate)
    of_ideal, as_ideal = compared(sample.meant, y_spice, y_ideal)
    worst, largest = (float(np.abs(y).max()) for y in (y_spice - y_surrogate, y_surrogate))
    return {
        "max_output_error": None if np.isnan(error) else worst / largest,
        "prediction_agreement": _known(same),
        "accuracy_ideal": right[0],
        "accuracy_surrogate": right[1],
        "accuracy_spice": right[2],
        "mac_error": _known(error),
        "ideal_mac_error": _known(of_ideal),
        "ideal_agreement": _known(as_ideal),
    }


def _known(share: float) -> float | None:
    """A share; None of outputs that are all 0, of which there is none."""
    return None if np.isnan(share) else share


def _read_out(sample: Sample, spice: Sequence[Run], *, transient: bool) -> dict[str, Any]:
    """The fields of a Verification that say what reads use of converters, and do to states."""
    chips, volts = sample.chips, [voltages(tile.layer) for tile in sample.tiles]
    currents = [run.currents for run in spice]
    used = uses(zip(chips, volts, currents, strict=True))
    moved = [
        moved_by_a_read(np.clip(run.state, 0.0, 1.0), chip.drive(asked), chip.device)
        for run, chip, asked in zip(spice, chips, volts, strict=True)
    ]
    told = [
        *(use.warning for use in used),
        warning(max(moved), np.concatenate([v.ravel() for v in volts]), transient=transient),
    ]
    return {
        "converters": [use.to_dict() for use in used],
        "read_disturb": max(moved),
        "warnings": [text for text in told if text],
    }


def states(
    tiles: Sequence[Tile],
    spice: Sequence[Run],
    surrogate: Sequence[Run],
    plan: Plan,
    scopes: Sequence[Scope | None],
) -> dict[str, Any]:
    """The fields of a Verification that need states, and the energy of the write."""
    apart = (np.abs(one.state - other.state).max() for one, other in zip(spice, surrogate, strict=True))
    figures = {
        "max_state_error": _worst(apart),
        "max_state_change": _worst(np.abs(one.state - one.before).max() for one in surrogate),
        "max_disturb_surrogate": _disturb(tiles, surrogate),
        "max_disturb_spice": _disturb(tiles, spice),
        "write_energy_surrogate": _total(run.energy for run in surrogate),
        "write_energy_spice": _total(run.energy for run in spice),
        "wire_energy": _total(run.wire_energy for run in surrogate),
    }
    if any(scope and len(scope.chosen.points) < scope.chosen.of for scope in scopes):
        # What the pulses that were left out do to states, no simulator has seen.
        figures["max_state_error"] = figures["max_disturb_spice"] = None
    figures["write_energy_error"] = _apart(
        figures["write_energy_spice"], figures["write_energy_surrogate"]
    )
    return {
        **{
            name: None if value is None or not plan.writes else float(value)
            for name, value in figures.items()
        },
        "initial_state": assemble(tiles, [run.before for run in surrogate]),
        "spice_state": assemble(tiles, [run.state for run in spice]),
        "surrogate_state": assemble(tiles, [run.state for run in surrogate]),
    }


def collocated(
    spice: Sequence[Run], scopes: Sequence[Scope | None], change: float | None
) -> dict[str, Any]:
    """The fields of a Verification that writes by collocation have; None of any other analysis.

    The bound of a sample of pulses is scaled to all of them.

    change : the largest that the write makes
    """
    of_writes = [scope.chosen for scope in scopes if scope]
    simulated = sum(len(chosen.points) for chosen in of_writes)
    total, most = (how(chosen.of for chosen in of_writes) for how in (sum, partial(max, default=0)))
    bounds = [run.bound for run in spice if run.bound is not None]
    errors = [run.transient_error for run in spice if run.transient_error is not None]
    shares = [run.transient_share for run in spice if run.transient_share is not None]
    return {
        "residual_bound": _worst(bounds) * total / simulated if bounds and simulated else None,
        "residual_limit": residual_limit(most, change) if of_writes else None,
        "pulses_simulated": simulated if of_writes else None,
        "pulses_in_programme": total if of_writes else None,
        "pulses_as_transients": sum(len(chosen.transients) for chosen in of_writes) or None,
        "max_transient_error": _worst(errors) if errors else None,
        "max_transient_share": _worst(shares) if shares else None,
    }


def _worst(errors: Iterable[float]) -> float:
    """The largest, or NaN where one is: Python's max may keep the other one."""
    return float(np.max(list(errors)))


def _disturb(tiles: Sequence[Tile], runs: Sequence[Run]) -> float:
    """The largest change of a cell that was given no pulse."""
    moved = (
        np.abs(run.state - run.before)[tile.layer.pulses == 0].max(initial=0.0)
        for tile, run in zip(tiles, runs, strict=True)
    )
    return float(max(moved))


def _total(energies: Iterable[float | None]) -> float | None:
    """The sum of energies [J], or None if one is unknown: VACASK measures them only where recorded."""
    known = list(energies)
    return None if None in known else sum(energy or 0.0 for energy in known)


def _apart(energy: float | None, other: float | None) -> float | None:
    """How far an energy is from another one, over that one; None where one is unknown."""
    if energy is None or other is None:
        return None
    return abs(energy - other) / max(abs(other), 1e-300)


def passed(fields: dict[str, Any], *, labelled: bool) -> bool:
    """Whether the fields of a Verification are within the limits."""
    of_states = state_limit(fields["max_state_change"])
    limits = {
        "max_relative_current_error": CURRENT_LIMIT,
        "max_difference_error": CURRENT_LIMIT,
        "max_state_error": of_states,
        "max_transient_error": STATE_LIMIT,
        "max_transient_share": STATE_SHARE,
        "residual_bound": fields["residual_limit"] or RESIDUAL_LIMIT,
        "write_energy_error": ENERGY_LIMIT,
    }
    within = all(fields[name] is None or fields[name] <= limit for name, limit in limits.items())
    return bool(within and (not labelled or fields["prediction_agreement"] in (None, 1.0)))


def _ideal_reads(tile: Tile) -> Floats:
    layer = tile.layer
    intended = np.asarray(after_pulses(layer.initial_state, layer.pulses, layer.device))
    return read_currents(layer.crossbar.ideal(), intended, voltages(layer), layer.device)
