"""Programmed layers: one network layer on its crossbar, before its write, with the pulses of it.

A layer file is an .npz of plain arrays (no pickle) and one JSON text; it carries everything a
verification needs: device, circuit, states, signed pulse counts, query inputs and labels.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics import files
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.results import write_file
from roa_circuit.basics.shown import Facts, Shown
from roa_circuit.basics.units import counted
from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.circuit.contents import (
    check_pulses,
    check_states,
    check_voltages,
    require_inputs,
    require_weights,
)
from roa_circuit.circuit.crossbar import Crossbar, said
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.circuit.mapping import REFERENCE, Mapping
from roa_circuit.circuit.scaling import curvature, mapping_constants
from roa_circuit.circuit.wiring import Wiring
from roa_circuit.device.arrays import unmasked
from roa_circuit.device.parameters import Device
from roa_circuit.device.programming import Programming
from roa_circuit.layers.planned import (
    BEYOND,
    CAPPED,
    lines_for,
    planned,
    replanned,
    said_beyond,
    said_short,
)
from roa_circuit.solver.read_model import ReadModel

FORMAT = "roa-layer-1"
_EXPECTED = "a layer file; `roa-meta adapt` writes them (.npz)"
_LONGEST_NAME = 100
_ARRAYS = ("initial_state", "pulses", "inputs", "labels")


@dataclass(frozen=True, kw_only=True, repr=False)
class ProgrammedLayer(Shown):
    """One layer of an adapted network.

    initial_state : (rows, columns) omega before the write, in [0, 1]
    pulses : (rows, columns) signed counts, > 0 potentiates
    inputs : (reads, rows) x in [0, 1], driven as x times the device's full scale (Eq. 8)
    labels : (reads,) the right class of each read, or empty where reads have none
    input_scale : digital factor that divides the inputs and multiplies the outputs
    mapping : which columns make an output
    read_model : how the surrogate reads the cells; simulators have every cell's I-V in any case
    provenance : seed, network, versions: what made this layer
    """

    name: str
    device: Device
    crossbar: Crossbar
    initial_state: NDArray[np.float64]
    pulses: NDArray[np.int64]
    inputs: NDArray[np.float64]
    labels: NDArray[np.int64]
    input_scale: float = 1.0
    mapping: Mapping = REFERENCE
    read_model: ReadModel = ReadModel.cells
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_states(self.crossbar, self.initial_state)
        check_pulses(self.crossbar, self.pulses)
        check_voltages(self.crossbar, self.inputs, "inputs")
        if len(self.labels) not in (0, len(self.inputs)):
            raise InputError(f"labels: {len(self.labels)} for {len(self.inputs)} inputs")
        outside = ~((self.inputs >= 0) & (self.inputs <= 1))
        if outside.any():
            read, row = np.argwhere(outside)[0]
            raise InputError(
                f"inputs must lie in [0, 1], row {row} of read {read} is {self.inputs[read, row]:.4g}"
            )
        self.mapping.outputs_on(self.crossbar.columns)  # refuses what is no whole number of them
        if not (np.isfinite(self.input_scale) and self.input_scale > 0):
            raise InputError(f"input_scale = {self.input_scale!r} must be greater than 0")

    def facts(self) -> Facts:
        """Its size, its write, its reads and its wires."""
        rows, columns = self.crossbar.shape
        written, c = int((self.pulses != 0).sum()), self.crossbar
        names = ("word", "bit", "source", "sense")
        wires = ", ".join(f"{name} {said(getattr(c, f'r_{name}'))}" for name in names) + " Ohm"
        return Facts(
            title=f"Layer {self.name}: {rows} x {columns} cells",
            rows=[
                ("device", f"{self.device.name}, current scale {self.device.memristor.current_scale}"),
                ("write", f"{int(np.abs(self.pulses).sum())} pulses on {written} cells"),
                *(("not reached", text) for text in self.not_reached),
                ("mapping", f"{self.mapping}, {counted(self.output_count, 'output')}"),
                ("reads", f"{len(self.inputs)}, {len(self.labels) or 'none'} with a label"),
                ("read as", self.read_model.said),
                ("wires", wires),
            ],
        )

    def behind(self, circuitry: Circuitry, asked: Wiring | None = None) -> ProgrammedLayer:
        """The layer on the lines of a circuit, or on those `asked` for, at the circuit's temperature."""
        crossbar, device = circuitry.applied(self.crossbar, self.device, asked)
        return replace(self, crossbar=crossbar, device=device)

    @classmethod
    def of_weights(
        cls,
        weights: NDArray[np.float64],
        inputs: NDArray[np.float64],
        *,
        name: str = "weights",
        device: Device | None = None,
        labels: NDArray[np.int64] | None = None,
        start: float | None = 0.5,
        mapping: Mapping = REFERENCE,
        provenance: dict[str, Any] | None = None,
    ) -> Self:
        """Weights g (inputs, outputs) in [-1, 1] on the design point's lines, on a mapping's columns.

        Arrays may be torch's. Where weights ask for more pulses than a cell may get, or for states that
        their pairs do not reach, `not_reached` says how many, and how far they stop short.

        inputs : (reads, inputs) x >= 0
        device : by default the design point's
        start : omega of every cell, from which the pulses of Eq. 6 lead to the weights; None for cells
            that have them already

        Raises
        ------
        InputError : shapes that do not fit, weights outside [-1, 1], negative inputs, or a device that
            holds no weights.
        """
        weights, inputs = _table(weights, "weights"), _table(inputs, "inputs")
        require_weights(weights)
        require_inputs(inputs)
        device, scale = device or default_device(), max(1.0, float(np.max(inputs, initial=0.0)))
        mapping_constants(device)  # refuses a device that holds no weights
        plan = planned(weights, device, mapping, start)
        return cls(
            name=name,
            device=device,
            crossbar=default_crossbar(*plan.before.shape),
            initial_state=plan.before,
            pulses=plan.pulses,
            inputs=inputs / scale,
            labels=_labels(labels, len(inputs), weights.shape[1]),
            input_scale=scale,
            mapping=mapping,
            provenance={**(provenance or {}), **plan.told},
        )

    def mapped_as(self, mapping: Mapping, how: Programming | None = None) -> ProgrammedLayer:
        """The same weights, and the same change of them, on the columns of another mapping.

        Raises
        ------
        InputError : bit lines that differ from one another, so that none can be added.
        """
        if mapping == self.mapping:
            return self
        mappings = self.mapping, mapping
        plan = replanned(self.initial_state, self.pulses, self.device, mappings, how or Programming())
        anew = (CAPPED, BEYOND) if mapping.paired or self.mapping.paired else ()
        kept = {name: value for name, value in self.provenance.items() if name not in anew}
        return replace(
            self,
            crossbar=lines_for(self.crossbar, plan.before.shape[1]),
            initial_state=plan.before,
            pulses=plan.pulses,
            mapping=mapping,
            provenance={**kept, "mapped_from": str(self.mapping), **plan.told},
        )

    @property
    def not_reached(self) -> list[str]:
        """What its write leaves short, in a line each, as planned."""
        told = ((CAPPED, said_short), (BEYOND, said_beyond))
        return [say(self.provenance[key]) for key, say in told if key in self.provenance]

    @property
    def output_count(self) -> int:
        """How many outputs the layer has."""
        return self.mapping.outputs_on(self.crossbar.columns)

    def joined(self, currents: NDArray[np.float64]) -> NDArray[np.float64]:
        """What converters see (reads, channels) [A] of column currents (reads, columns) [A]."""
        return self.mapping.joined(currents)

    @property
    def gain(self) -> float:
        """By how much Eq. 11 overstates outputs: inputs count more as the I-V is curved."""
        return curvature(self.device) if self.read_model is ReadModel.cells else 1.0

    def outputs(self, currents: NDArray[np.float64]) -> NDArray[np.float64]:
        """Outputs y (reads, outputs) of currents (reads, columns) or, as sensed, (reads, channels) [A].

        Eq. 11, divided by `gain`, so that perfect wires give inputs @ weights in the mean over inputs.

        Raises
        ------
        InputError : another number of currents than the array has columns, or its readout channels.
        """
        lines, given = self.crossbar.columns, currents.shape[-1]
        if given not in (lines, channels := self.mapping.channels(lines)):
            raise InputError(
                f"currents of {given} lines; mapping {self.mapping} has {lines} columns, read by"
                f" {channels} converters"
            )
        y = self.mapping.outputs(self.joined(currents) if given == lines else currents, self.device)
        return np.asarray(self.input_scale / self.gain * y)

    def save(self, path: Path | str) -> None:
        """Write the layer file; a failed write leaves nothing behind."""
        path = Path(path)
        header = {
            "format": FORMAT,
            "name": self.name,
            "device": self.device.to_dict(),
            "crossbar": self.crossbar.to_dict(),
            "input_scale": self.input_scale,
            "mapping": str(self.mapping),
            "read_model": str(self.read_model),
            "provenance": self.provenance,
        }
        arrays = {
            "initial_state": self.initial_state,
            "pulses": self.pulses.astype(np.int32),
            "inputs": self.inputs,
            "labels": self.labels.astype(np.int32),
        }
        content: dict[str, Any] = {"header": np.array(json.dumps(header)), **arrays}
        write_file(path, lambda file: np.savez_compressed(file, **content))

    @classmethod
    def load(cls, path: Path) -> ProgrammedLayer:
        """Read a layer file.

        Raises
        ------
        InputError : missing, not a layer file, or contents out of range.
        """
        arrays = files.arrays(path, expected=_EXPECTED, names=("header", *_ARRAYS))
        try:
            header = files.from_json(str(arrays["header"]))
            if header["format"] != FORMAT:
                raise InputError(f"format {header['format']!r} is not {FORMAT!r}")
            return cls(
                name=_name(header["name"]),
                device=Device.from_dict(header["device"], source="device"),
                crossbar=Crossbar.from_dict(header["crossbar"]),
                initial_state=arrays["initial_state"].astype(np.float64),
                pulses=arrays["pulses"].astype(np.int64, casting="same_kind"),
                inputs=arrays["inputs"].astype(np.float64),
                labels=arrays["labels"].astype(np.int64),
                input_scale=float(header["input_scale"]),
                # Files from before there was a choice mean a reference column, and every cell's I-V.
                mapping=Mapping.parse(header.get("mapping", str(REFERENCE))),
                read_model=ReadModel.parse(header.get("read_model", str(ReadModel.cells))),
                provenance=dict(header["provenance"]),
            )
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise InputError(f"{path}: damaged layer file: {error}") from None


def _name(written: object) -> str:
    """A name that is fit to be a file's, as those of decks are."""
    if not isinstance(written, str) or not 0 < len(written) <= _LONGEST_NAME:
        raise InputError(f"name must be a text of 1 to {_LONGEST_NAME} characters")
    return written


def _labels(labels: NDArray[np.int64] | None, reads: int, outputs: int) -> NDArray[np.int64]:
    """The right output of each read, as given; none if none are."""
    found = np.asarray([] if labels is None else unmasked(labels))
    if not found.size:
        return np.empty(0, dtype=np.int64)
    if found.dtype.kind not in "fiub":
        raise InputError(f"labels must be whole numbers, not an array of {found.dtype}")
    if found.shape != (reads,):
        raise InputError(
            f"labels have shape {found.shape}, not ({reads},): the right output of each read"
        )
    wrong = ~((found >= 0) & (found < outputs) & (found == np.rint(found)))
    if wrong.any():
        raise InputError(f"labels must be whole numbers from 0 to {outputs - 1}, not {found[wrong][0]}")
    return found.astype(np.int64)


def _table(given: Any, what: str) -> NDArray[np.float64]:
    """Numbers as numpy has them, whichever library they come from."""
    if hasattr(given, "detach"):  # a torch tensor, which need not be loaded for this
        given = given.detach().cpu().numpy()
    unmasked(given)
    try:
        table = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        kind = type(given).__name__
        raise InputError(f"{what} must be a table of numbers, not {kind}; use np.asarray") from None
    return table
