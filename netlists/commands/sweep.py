"""`roa-spice sweep`: which imperfection of the circuit hurts a layer, and what each may be."""

from __future__ import annotations

from functools import partial

from netlists.commands._layer import Layer, Reads, layer_on, note
from netlists.commands._module import OwnNetwork
from netlists.verification.spot_checks import SpotCheck, check
from roa_circuit.chips.imperfections import DRAWN, Imperfections
from roa_circuit.circuit.mapping import PAIR
from roa_circuit.layers.recovery import Compensation
from roa_circuit.layers.tiling import TileSize
from roa_circuit.presentation import circuit_options, console, options
from roa_circuit.sweeps.command import Asked, carry_out, read_again
from roa_circuit.sweeps.fields import IMPERFECTIONS, SPREAD, given_by
from roa_circuit.sweeps.layer import MAPPING, LayerSubject


@options.grouped
def sweep(
    *,
    layer: Layer = "fc",
    network: OwnNetwork,
    asked: Asked,
    compensation: circuit_options.CompensationName = "nothing",
    tile: circuit_options.TileOption = str(TileSize()),
    reads: Reads = None,
    device: circuit_options.OtherDevice = None,
    mapping: circuit_options.MappingName = None,
    lines: circuit_options.Lines,
    circuit: circuit_options.CircuitFile = None,
    imperfections: circuit_options.ImperfectionsFile = None,
    age: circuit_options.Age = None,
) -> None:
    """Vary anything of a layer's circuit, device, pulses and imperfections: one page of what hurts."""
    imperfections = circuit_options.aged(imperfections, age)
    subject = LayerSubject(
        layer=layer_on(layer, reads=reads, device=device, mapping=mapping, network=network),
        circuitry=lines.over(circuit),
        tile=TileSize.parse(tile),
        imperfections=imperfections or Imperfections(),
        compensation=Compensation.parse(compensation),
    )
    note(subject.circuitry)
    axes = asked.sweep(subject).axes
    fields = {axis.name for axis in axes}
    varied = {axis.name for axis in axes if axis.field.part == IMPERFECTIONS}
    given = given_by(axis.field for axis in axes)
    unused = circuit_options.overruled(lines.wiring, imperfections, given)
    unused += circuit_options.idle(imperfections, varied) + _without_chance(asked, subject)
    mapping = PAIR if MAPPING.name in fields else subject.layer.mapping  # axes say what they change
    unused += circuit_options.without_subtractors(imperfections, mapping, varied=varied)
    read_again(subject.name, len(subject.layer.inputs), subject.compensation, axes)
    whole = SpotCheck(subject=subject, chips=subject.chips, scores=subject.metrics)
    carry_out(
        asked,
        subject,
        subject.setup,
        check(whole, asked.checked),
        ignored=unused,
        of_circuit=partial(circuit_options.idle_in_sweep, circuit, fields, checked=bool(asked.checked)),
    )


def _without_chance(asked: Asked, subject: LayerSubject) -> list[str]:
    """The options that change nothing where no chip differs from another, with a line about each."""
    sweep = asked.sweep(subject)
    if not sweep.axes:  # a Monte Carlo, which refuses chips that are all alike
        return []
    varied = any(
        axis.field.part == SPREAD or (axis.field.part == IMPERFECTIONS and axis.name in DRAWN)
        for axis in sweep.axes
    )
    if subject.imperfections.drawn or varied:
        return []
    why = "nothing is drawn, all chips are alike; --imperfections, or --vary sigma_wn, would draw"
    unused = console.ignored("--repeats", sweep.repeats if sweep.repeats > 1 else None, why)
    if sweep.is_grid and asked.sensitivity != "sobol" and not asked.checked:
        unused += console.ignored("--seed", sweep.seed or None, why)
    return unused
