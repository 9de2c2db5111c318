"""The result of a verification: how far simulator and surrogate are apart, and the limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlists.simulation.recordings import Recording
from netlists.simulation.simulators import Engine
from roa_circuit.basics.shown import Facts, Shown
from roa_circuit.basics.units import percent
from roa_circuit.chips.read_energy import ReadEnergy
from roa_circuit.device.memristor import current
from roa_circuit.device.parameters import Device
from roa_circuit.layers.maps import ReadMap
from roa_circuit.layers.recovery import NOTHING

Floats = NDArray[np.float64]

CURRENT_LIMIT = 1e-6
STATE_LIMIT = 5e-3
STATE_SHARE = 5e-3  # of the largest change by a write, or by a pulse as a transient, if that is less
RESIDUAL_LIMIT = 1e-4  # of the bound by operating points, which know no error of time steps
RESIDUAL_OF_A_PULSE = 1e-5  # of the bound, for each pulse of a write that has more than ten
MOST_RESIDUAL = 8e-4  # of any bound: an error of 1e-3 in a state is found whatever the write
ENERGY_LIMIT = 2e-3
"""What `passed` asks for, beside the same prediction for every read of a layer with labels."""

_NEGLIGIBLE = 1e-6  # currents below this share of the largest are measured against that share
_NO_CURRENT = 1e-6  # and those below this share of a cell's at omega = 1, in a read, against that


@dataclass(frozen=True, kw_only=True, repr=False)
class Verification(Shown):
    """How far a circuit simulator and the surrogate are apart on one layer, and the arrays behind it.

    A phase that was not run leaves None. Arrays of a tiled layer lie as its tiles do, each
    with all of its bit lines; currents of a band of rows follow those of the band above.

    device, current_scale : the cells, by name, and the factor on their currents [-]
    max_relative_current_error : worst |I_spice - I| / |I| of all tiles, reads and columns, the
        surrogate reading the states that the simulator wrote
    end_to_end_current_error : the same, the surrogate reading the states it wrote itself
    max_difference_error : worst error of what the simulator's subtractors put out, over the largest such
        current; None where the reference is digitised apart
    max_output_error : worst |y_spice - y| of the layer's outputs over the largest |y|, each
        engine on the states it wrote itself
    max_state_error : worst |omega_spice - omega| of all cells
    max_state_change : largest change of a cell that the surrogate writes; `state_limit` of it is what
        `max_state_error` may be
    residual_bound, pulses_simulated, pulses_in_programme : of a write by collocation, what the
        surrogate's states are wrong by at the most, and `residual_limit` what that may be; of a sample
        of its pulses, scaled to all.
        `max_state_error` is then of states that the residuals add up to; of a sample it is None, like
        the simulator's disturb, and `spice_state` are the surrogate's states with the residuals of it
    pulses_as_transients, max_transient_error : the pulses among them that were full transients, and
        the worst difference of a state after one; `max_transient_share` is over the change by that pulse
    max_disturb_* : largest |change of omega| of a cell that was given no pulse
    write_energy_* : what the line drivers delivered during the write [J]; `wire_energy` is what
        the surrogate's wires, drivers and sense resistors took of it
    write_energy_error : |E_spice - E| / |E|; None where the simulator's is unknown
    prediction_agreement : share of reads whose largest output is the same in both, each on its
        own states
    accuracy_* : share of right answers, None where the layer has no labels; `ideal` are the
        intended states (Eq. 6 undone) behind perfect wires, without imperfections
    mac_error : rms of y_spice - y over the rms of y, the outputs of the layer
    ideal_mac_error, ideal_agreement : the same error of y_spice against the ideal, and the share of
        reads whose largest output is the ideal's, with labels or without. None of these is known of
        outputs that are all 0
    read_energy, map : of the surrogate, at the states that were read: the mean energy of a read, and the
        map of the read with the largest currents
    converters : how each kind of converter is used (`roa_circuit.chips.converter_use.Use`)
    read_disturb : the largest change of omega by one read, which frozen states leave out
    spice_seconds, surrogate_seconds : of all tiles one after the other; `wall_seconds` is what
        the simulator took on `workers` cores, and `estimated_seconds` what was expected
    dialect : the matrix solver and the cells of ngspice, where not every ngspice has them
    read_model : how sweeps read the layer; here both engines have every cell's I-V
    via : how ngspice was driven, by its 'library' or its program, 'binary'; '' of other engines
    circuit : what the array has beside cells and resistances, as in its file
    tiles, tiles_in_layer : simulated, and of all: of a sample there are no outputs and predictions,
        and NaN stands in the arrays where a tile was left out
    compensation, placed : what is done about wires before the write, and how well that could be done
    drawn : the imperfections, their seed, and how many cells and lines they hit, if there are any
    """

    layer: str
    device: str
    current_scale: float
    phase: str
    analysis: str
    tiles: int
    tiles_in_layer: int
    tile: str
    rows: int
    columns: int
    reads: int
    pulses: int
    max_relative_current_error: float | None
    end_to_end_current_error: float | None
    max_difference_error: float | None
    max_output_error: float | None
    max_state_error: float | None
    max_state_change: float | None
    residual_bound: float | None
    residual_limit: float | None
    pulses_simulated: int | None
    pulses_in_programme: int | None
    pulses_as_transients: int | None
    max_transient_error: float | None
    max_transient_share: float | None
    max_disturb_surrogate: float | None
    max_disturb_spice: float | None
    write_energy_surrogate: float | None
    write_energy_spice: float | None
    write_energy_error: float | None
    wire_energy: float | None
    prediction_agreement: float | None
    accuracy_ideal: float | None
    accuracy_surrogate: float | None
    accuracy_spice: float | None
    mac_error: float | None
    ideal_mac_error: float | None
    ideal_agreement: float | None
    converters: list[dict[str, Any]]
    read_disturb: float
    warnings: list[str]
    spice_seconds: float
    surrogate_seconds: float
    speedup: float
    read_speedup: float | None
    wall_seconds: float
    estimated_seconds: float
    workers: int
    engine: str
    engine_version: str
    dialect: str
    read_model: str
    via: str
    circuit: dict[str, Any]
    drawn: dict[str, Any] | None
    passed: bool
    initial_state: Floats
    spice_state: Floats
    surrogate_state: Floats
    least_current: float  # [A] less than which counts as this
    spice_currents: Floats
    surrogate_currents: Floats  # of spice_state
    recordings: tuple[Recording, ...]  # of all tiles' decks, if they were to be kept
    compensation: str = NOTHING
    placed: dict[str, Any] | None = None
    read_energy: ReadEnergy | None = None
    map: ReadMap | None = None

    @property
    def is_sampled(self) -> bool:
        """Whether the write has pulses that no simulator saw."""
        return (self.pulses_simulated or 0) < (self.pulses_in_programme or 0)

    @property
    def ngspice_version(self) -> str | None:
        """Of the run, where ngspice was its engine."""
        return self.engine_version if self.engine == Engine.ngspice else None

    def facts(self) -> Facts:
        """Whether it passed, and by how much; what was not run is left out."""
        numbers = {
            "currents, worst relative error": _small(self.max_relative_current_error),
            "states, worst error": _small(self.max_state_error),
            "same prediction": _share(self.prediction_agreement),
            "same prediction as the ideal": _share(self.ideal_agreement),
            "accuracy, ideal wires": _share(self.accuracy_ideal),
            "accuracy, surrogate": _share(self.accuracy_surrogate),
            f"accuracy, {self.engine}": _share(self.accuracy_spice),
            f"{self.engine_version}": f"{self.spice_seconds:.1f} s",
            "surrogate": f"{self.surrogate_seconds:.3g} s",
        }
        verdict = "passed" if self.passed else "failed"
        return Facts(
            title=f"Layer {self.layer}, {self.rows} x {self.columns} cells, {self.phase}: {verdict}",
            rows=[(name, text) for name, text in numbers.items() if text],
        )

    def to_dict(self) -> dict[str, Any]:
        """The numbers without the arrays, as in the JSON report."""
        numbers = {k: v for k, v in vars(self).items() if not isinstance(v, np.ndarray)}
        del numbers["recordings"], numbers["map"]
        numbers["read_energy"] = self.read_energy.to_dict() if self.read_energy else None
        numbers["current_scale [-]"] = numbers.pop("current_scale")
        return {**numbers, "ngspice_version": self.ngspice_version}


def state_limit(change: float | None) -> float:
    """What states may be wrong by after a write that moves cells by so much at the most.

    A write that moves little is else passed with cells that do not move at all.
    """
    return STATE_LIMIT if change is None else min(STATE_LIMIT, max(STATE_SHARE * change, 1e-6))


def residual_limit(pulses: int, change: float | None) -> float:
    """What the bound of a write may be that moves cells so much at the most.

    The bound is a sum over pulses: of many it may be more, up to what states may be wrong by, and less
    than 1e-3 in any case.

    pulses : of the tile that has most
    """
    return max(RESIDUAL_LIMIT, min(RESIDUAL_OF_A_PULSE * pulses, MOST_RESIDUAL, state_limit(change)))


def least_current(device: Device) -> float:
    """The current [A] below which a line counts as carrying none: a millionth of a cell's, read at 1."""
    read = np.float64(device.pulses.read_voltage)
    return _NO_CURRENT * float(np.abs(current(np.float64(1.0), read, device.memristor)))


def relative_error(currents: Floats, reference: Floats, least: float = 0.0) -> float:
    """The worst relative deviation of any read and column.

    A current below a millionth of the largest counts as that millionth, and one below `least` as that:
    where all inputs are 0, or all lines broken, rounding noise would otherwise be divided by nothing.
    """
    return float(_relative(currents, reference, least).max(initial=0.0))


def column_errors(result: Verification) -> Floats:
    """The worst relative deviation of each column's currents, (columns,)."""
    return np.asarray(np.nanmax(relative_errors(result), axis=0, initial=0.0))


def relative_errors(result: Verification) -> Floats:
    """The relative deviation of every read and column, (reads, columns)."""
    return _relative(result.spice_currents, result.surrogate_currents, result.least_current)


def _relative(currents: Floats, reference: Floats, least: float) -> Floats:
    floor = max(_NEGLIGIBLE * float(np.nanmax(np.abs(reference), initial=0.0)), least, 1e-300)
    return np.abs(currents - reference) / np.maximum(np.abs(reference), floor)


def _small(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}"


def _share(value: float | None) -> str:
    return "" if value is None else percent(value)
