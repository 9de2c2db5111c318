"""The run of a fit: what it found, and the device that it leaves as files."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from roa_circuit.basics.errors import InputError
from roa_circuit.basics.units import percent
from roa_circuit.circuit import footing
from roa_circuit.device.laws.zhang2021 import Memristor
from roa_circuit.device.notes import ALIKE, Notes
from roa_circuit.device.parameters import Device, Pulses

if TYPE_CHECKING:
    from fitting.judgement.choice import Choice
    from fitting.judgement.verdict import Judgement
    from fitting.readers.measurements import FloatArray, Measurements
    from fitting.search.fit import Fit
    from fitting.search.intervals import Intervals

NORMALISED = (
    "readings are normalised: currents of this device are multiples of an unknown one, not amperes;"
    " scale them (current_scale) before an array is made of it"
)
MODELS = ("device.toml", "memristor.lib", "memristor.va")
"""The files of a device, each taken away where a run writes none."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one run found: the fit with these intervals, the verdict on its law, and from what."""

    fit: Fit
    intervals: Intervals
    law: Judgement
    choice: Choice
    measurements: Measurements
    prior: Device
    given: Sequence[str] = ()

    @property
    def notes(self) -> Notes:
        """What the measurement did not tell of the device."""
        from fitting.judgement.ends import spanned
        from fitting.judgement.left_open import notes_of, weak_constants
        from fitting.judgement.wording import known_before

        weak = weak_constants(self.fit.estimates, known_before(self.fit.objective.form, self.prior))
        notes = notes_of(self.measurements, self.fit.memristor, weak, self.given)
        part = spanned(self.fit)
        return dataclasses.replace(notes, currents=(*([part] if part else []), *notes.currents))

    @property
    def remarks(self) -> list[str]:
        """What commands say of device.toml; nothing of a fit that wrote none."""
        return footing.remarks(fitted_device(self)) if self.fit.describes else []


def models(run: Run, folder: Path) -> dict[Path, bytes]:
    """The fitted device as files that simulators open; none from a fit that failed."""
    from roa_circuit.device.compact_model import ngspice_library
    from roa_circuit.device.verilog_a import verilog_a

    if not run.fit.describes:
        return {}
    device = fitted_device(run)
    _require_reach(run, device)
    texts = [device.to_toml()]
    if run.fit.memristor.in_simulators is None:
        texts += [ngspice_library(device), verilog_a(device)]
    return {folder / name: text.encode() for name, text in zip(MODELS, texts, strict=False)}


def _require_reach(run: Run, device: Device) -> None:
    """Refuse a law that does not hold at the pulses of its own device, which no command could read."""
    m, p = run.measurements, device.pulses
    volts = [*m.voltage, *m.read_voltage, p.potentiation_voltage, p.depression_voltage, p.full_scale]
    what = f"the readings and the pulses of {run.prior.name}"
    try:
        device.memristor.require_reach(min(volts), max(volts), what)
    except InputError as error:
        raise InputError(
            f"the fitted law {device.memristor.name} makes no device: {error}, or give other pulses by"
            " --prior FILE"
        ) from None


def fitted_device(run: Run) -> Device:
    """The fitted constants and the measured pulses; data and verdict are the citation."""
    from fitting.judgement.wording import known_before
    from fitting.search.estimates import AT_PRIOR, AT_SEARCH

    m, result = run.measurements, run.fit
    held, begun = (
        [name for name, e in result.estimates.items() if e.basis == basis]
        for basis in (AT_PRIOR, AT_SEARCH)
    )
    tied = [name for name, e in result.estimates.items() if e.basis == "with prior"]
    name = Path(m.source.split(", ")[0])
    citation = f"roa-fit to {name.name}, {len(m)} readings, misfit {percent(result.relative_rmse, 2)}"
    if held:
        source = known_before(result.objective.form, run.prior)
        citation += f"; not identifiable, from {source}: {', '.join(held)}"
    if begun:
        citation += f"; not identifiable, held where the search began: {', '.join(begun)}"
    if tied:
        citation += f"; known only together with those: {', '.join(tied)}"
    for sign, kind in ((-1, "potentiation"), (1, "depression")):
        if not result.objective.form.extrapolates and not (np.sign(m.voltage) == sign).any():
            citation += f"; {kind}, which was not measured, is from {run.prior.name}"
    if m.normalised:
        citation += f"; {NORMALISED}"
    citation += f"; {run.law.line()}"
    return Device(
        name=name.stem, citation=citation, memristor=result.memristor, pulses=_pulses_of(run),
        notes=run.notes,
    )  # fmt: skip


def _pulses_of(run: Run) -> Pulses:
    """The measured pulse of each polarity and the measured read voltage, where there was one alone.

    Where there were several, Eq. 1-2 keep the prior's, as their rate holds for all; other laws have the
    most usual ones, as they are known there alone; of equally usual ones the strongest.
    """
    pulses, m = run.prior.pulses, run.measurements
    several = not isinstance(run.fit.memristor, Memristor)
    own: dict[str, float] = {}
    for sign, kind in ((-1, "potentiation"), (1, "depression")):
        there = np.stack([m.voltage, m.each_width])[:, np.sign(m.voltage) == sign]
        if there.size and (several or _is_one(there)):
            met, counts = np.unique(there, axis=1, return_counts=True)
            usual = met[:, counts == counts.max()]  # the strongest of those that are as usual
            strongest = usual[:, np.abs(usual[0]).argmax()]
            own[f"{kind}_voltage"], own[f"{kind}_width"] = map(float, strongest)
    from fitting.judgement.advice import usual_read

    reads = m.read_voltage[~m.sweep]
    if several or (reads.size and _is_one(reads[None])):
        own["read_voltage"] = abs(usual_read(m))
    return dataclasses.replace(pulses, **own)


def _is_one(values: FloatArray) -> bool:
    """Whether rows (kinds, values) have a value each, but for what instruments round."""
    size = np.abs(values)
    return bool(np.all(np.ptp(size, axis=1) <= ALIKE * size.max(axis=1)))


def unmeasured_pulses(run: Run) -> str | None:
    """A line on pulses of device.toml that the data neither have nor enclose; None if none."""
    from fitting.judgement.left_open import measured

    beyond = measured(run.measurements).missing(vars(_pulses_of(run)))
    if not beyond or not run.fit.describes:
        return None
    return (
        f"device.toml writes with pulses of {run.prior.name}, which it notes: {'; '.join(beyond)}; edit"
        " its [pulses] to yours"
    )
