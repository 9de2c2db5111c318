"""`roa-spice sweep`: which imperfection of the circuit hurts a layer, and what each may be."""

from __future__ import annotations

from netlists.commands._layer import Layer, Reads, layer_on, note, note_reads
from netlists.verification.spot_checks import SpotCheck, check
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.layers.recovery import Compensation
from roa_circuit.layers.tiling import TileSize
from roa_circuit.presentation import options
from roa_circuit.sweeps.command import Asked, carry_out
from roa_circuit.sweeps.layer import LayerSubject


@options.grouped
def sweep(
    *,
    layer: Layer = "fc",
    asked: Asked,
    compensation: options.CompensationName = "nothing",
    tile: options.TileOption = str(TileSize()),
    reads: Reads = None,
    device: options.OtherDevice = None,
    mapping: options.MappingName = None,
    lines: options.Lines,
    circuit: options.CircuitFile = None,
    imperfections: options.ImperfectionsFile = None,
) -> None:
    """Vary anything of a layer's circuit, device, pulses and imperfections: one page of what hurts."""
    subject = LayerSubject(
        layer=layer_on(layer, reads=reads, device=device, mapping=mapping),
        circuitry=lines.over(circuit),
        tile=TileSize.parse(tile),
        imperfections=imperfections or Imperfections(),
        compensation=Compensation.parse(compensation),
    )
    note(subject.circuitry)
    note_reads(subject.layer, subject.tile, subject.circuitry, subject.imperfections, 0)
    whole = SpotCheck(subject=subject, chips=subject.chips, scores=subject.metrics)
    carry_out(asked, subject, subject.setup, check(whole, asked.checked))
