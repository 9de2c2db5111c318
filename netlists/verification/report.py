"""The report of a verification: a table for terminal and page, numbers for JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from netlists.simulation.ngspice import Via
from netlists.verification.result import (
    CURRENT_LIMIT,
    ENERGY_LIMIT,
    STATE_LIMIT,
    STATE_SHARE,
    Verification,
    state_limit,
)
from roa_circuit.basics.units import counted, engineering, percent
from roa_circuit.circuit import footing
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.solver.read_model import ReadModel

HEAD = ("", "both engines", "limit", "ideal")
"""Of `summary_rows`: the engines against each other, the limit, and the simulator against the ideal."""


def summary_rows(result: Verification) -> list[tuple[str, str, str, str]]:
    """Rows (quantity, value, limit, ideal) of everything that a reader wants to see first.

    The ideal is the layer behind perfect wires without imperfections. It has no part in the verdict,
    which is of the engines.
    """
    labelled = result.accuracy_spice is not None
    same = "same prediction" if labelled else "same largest output"
    rows: list[tuple[str, ...]] = [
        ("column currents, worst relative error", _number(result.max_relative_current_error),
         f"{CURRENT_LIMIT:.0e}"),
        *_differences(result),
        ("final states, worst error", _number(result.max_state_error),
         f"{state_limit(result.max_state_change):.0e}"),
        *_collocated(result),
        (f"disturb of idle cells, surrogate / {result.engine}",
         _both(_number, result.max_disturb_surrogate, result.max_disturb_spice), ""),
        (f"energy of the write, surrogate / {result.engine}",
         _both(_joules, result.write_energy_surrogate, result.write_energy_spice), _of_energy(result)),
        ("of it lost in wires and terminals",
         _share(result.wire_energy, result.write_energy_surrogate), ""),
        ("energy of a read, mean over reads", _of_a_read(result), ""),
        ("outputs, worst error over the largest", _of_outputs(result, _number(result.max_output_error)),
         ""),
        ("outputs, rms error over their rms", _of_outputs(result, _number(result.mac_error)), "",
         _of_outputs(result, _percent(result.ideal_mac_error))),
        (same, _of_outputs(result, _percent(result.prediction_agreement)),
         "100.0 %" if labelled else "", _of_outputs(result, _percent(result.ideal_agreement))),
        (f"accuracy, ideal / surrogate / {result.engine}", _accuracies(result), ""),
        *_placed(result),
        *_drawn(result),
        *((f"{use['name']}: codes used; readings at the ends", _of_converter(use), "")
          for use in result.converters),
        ("matrices and cells of ngspice", result.dialect, ""),
        ("sweeps read this layer by", _elsewhere(result), ""),
        ("ngspice driven by", "its program, in batch mode" if result.via == Via.binary else "", ""),
        *(_times(result) if result.spice_seconds else ()),
    ]  # fmt: skip
    return [(row[0], row[1], row[2], row[3] if len(row) > 3 else "") for row in rows if row[1]]


def _of_outputs(result: Verification, shown: str) -> str:
    """What is shown of outputs: '-' of outputs that are all 0, '' of a phase or sample without any."""
    whole = result.read_speedup is not None and result.tiles == result.tiles_in_layer
    return shown or ("-" if whole else "")


def _of_energy(result: Verification) -> str:
    return "" if result.write_energy_error is None else f"{100 * ENERGY_LIMIT:g} %"


def _of_a_read(result: Verification) -> str:
    return engineering(result.read_energy.total, "J") if result.read_energy else ""


def _of_converter(use: dict[str, Any]) -> str:
    ends = percent(use["lowest"]), percent(use["highest"])
    return f"{use['used']} of {use['codes']}; {ends[0]} and {ends[1]}"


def analysed(result: Verification) -> str:
    """How the layer was simulated, and what that does not show, in a sentence or two."""
    reads = "a DC sweep of frozen cells"
    if result.analysis == "transient" or result.phase == "write" != result.analysis:
        reads = "full transients"
    if result.analysis != "collocation":
        write = "The write is a full transient. " if result.phase != "read" else ""
        return write + ("" if result.phase == "write" else f"Reads are {reads}.")
    return (
        f"The write is checked by collocation: {result.pulses_simulated} of"
        f" {counted(result.pulses_in_programme or 0, 'row pulse')} at operating points with every cell"
        " frozen before and after the pulse, and the law integrated with the voltages found there."
        " This does not show how the simulator itself steps through time:"
        f" {_shown_in_time(result.pulses_as_transients or 0)}"
        + (_UNSEEN if result.is_sampled else "")
        + ("" if result.phase == "write" else f" Reads are {reads}.")
    )


_UNSEEN = (
    " What the other pulses do, no simulator saw: states after the write are the surrogate's, and the"
    " bound is scaled to all pulses."
)


def _shown_in_time(pulses: int) -> str:
    """Which pulses do show it."""
    if pulses == 1:
        return "only the one pulse that was a full transient, too, does."
    return f"only the {pulses} pulses that were full transients, too, do."


def _differences(result: Verification) -> list[tuple[str, ...]]:
    """A row about subtractors, where the readout has any."""
    if result.max_difference_error is None:
        return []
    name = "subtracted currents, worst error over the largest"
    return [(name, _number(result.max_difference_error), f"{CURRENT_LIMIT:.0e}")]


def _collocated(result: Verification) -> list[tuple[str, str, str]]:
    """What operating points say of a write, and the transients beside them."""
    if result.pulses_simulated is None:
        return []
    whole = ", for all pulses" if result.is_sampled else ""
    return [
        (f"bound on the states' error{whole}", _number(result.residual_bound),
         _number(result.residual_limit)),
        ("row pulses at operating points",
         f"{result.pulses_simulated} of {result.pulses_in_programme}", ""),
        (f"{counted(result.pulses_as_transients or 0, 'pulse')} as full transients, worst error",
         _number(result.max_transient_error), f"{STATE_LIMIT:.0e}"),
        ("the same over the change by that pulse", _number(result.max_transient_share),
         f"{STATE_SHARE:.0e}"),
    ]  # fmt: skip


def _times(result: Verification) -> list[tuple[str, str, str]]:
    """The time that both engines took; a write without pulses runs no simulator."""
    used = counted(result.workers, "core")
    return [
        (f"{result.engine_version}, all runs", f"{result.spice_seconds:.1f} s", ""),
        (f"{result.engine_version}, on {used}", f"{result.wall_seconds:.1f} s", ""),
        ("surrogate", engineering(result.surrogate_seconds, "s"), ""),
    ]


def _placed(result: Verification) -> list[tuple[str, str, str]]:
    """How the initial state is placed for its wires, where it is."""
    if result.placed is None:
        return []
    one = result.placed
    return [
        (f"compensation {result.compensation}: gain, error of g left",
         f"{one['gain']:.3f}, {one['error']:.1e}", ""),
        ("cells with no room left by it", percent(one["clipped"]), ""),
    ]  # fmt: skip


def _drawn(result: Verification) -> list[tuple[str, str, str]]:
    """The faults that were drawn, where arrays are imperfect."""
    if result.drawn is None:
        return []
    drawn = result.drawn
    cells = ("stuck_on", "stuck_off", "open")
    lines = ("broken_word_lines", "broken_bit_lines")
    return [
        ("cells stuck on, stuck off, open", ", ".join(str(drawn[name]) for name in cells), ""),
        ("word lines, bit lines broken", ", ".join(str(drawn[name]) for name in lines), ""),
        ("seed", str(drawn["seed"]), ""),
    ]


def headline(result: Verification) -> str:
    """What was verified, in one line."""
    parts = [f"Layer {result.layer}: {result.rows} x {result.columns} cells"]
    if result.tiles < result.tiles_in_layer:
        parts.append(f"{result.tiles} of {result.tiles_in_layer} tiles")
    elif result.tiles > 1:
        parts.append(f"{result.tiles} tiles")
    if result.phase != "read":
        parts.append(f"{result.pulses} pulses")
    if result.phase != "write":
        parts.append(f"{result.reads} reads")
    return ", ".join(parts)


def totals(results: Sequence[Verification], verified: Sequence[ProgrammedLayer]) -> dict[str, Any]:
    """The JSON report: one layer's numbers, or those of all under `layers`."""
    layers = [
        {
            **result.to_dict(),
            **footing.to_dict(layer.device, layer.crossbar),
            "not_reached": layer.not_reached,
            "crossbar": layer.crossbar.to_dict(),
        }
        for result, layer in zip(results, verified, strict=True)
    ]
    if len(layers) == 1:
        return layers[0]
    return {
        "layers": {layer["layer"]: layer for layer in layers},
        "passed": all(result.passed for result in results),
        "wall_seconds": sum(result.wall_seconds for result in results),
        "estimated_seconds": sum(result.estimated_seconds for result in results),
    }


def _elsewhere(result: Verification) -> str:
    """What sweeps make of a layer whose cells are not read by their I-V, as they are here."""
    model = ReadModel(result.read_model)
    return "" if model is ReadModel.cells else f"{model.said}; here {ReadModel.cells.said}"


def _percent(share: float | None) -> str:
    return "" if share is None else percent(share)


def _accuracies(result: Verification) -> str:
    shares = result.accuracy_ideal, result.accuracy_surrogate, result.accuracy_spice
    shown = [f"{100 * share:.1f}" for share in shares if share is not None]
    return f"{' / '.join(shown)} %" if shown else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}"


def _joules(energy: float) -> str:
    """Energies with five digits: the engines differ in the fourth."""
    return engineering(energy, "J", digits=5)


def _both(said: Callable[[float], str], one: float | None, other: float | None) -> str:
    return "" if one is None else f"{said(one)} / {'not measured' if other is None else said(other)}"


def _share(part: float | None, whole: float | None) -> str:
    return "" if part is None or not whole else percent(part / whole, 2, significant=True)
