"""`roa-meta sweep`: few-shot accuracy of a whole network behind its circuits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Annotated

import typer

from meta.commands._inputs import (
    Data,
    DataSet,
    DeviceOption,
    Method,
    ModuleName,
    ModuleWeights,
    NetworkFile,
    OwnBackbone,
    OwnHead,
    OwnLoss,
    OwnRates,
    Shots,
    Ways,
    circuitry_of,
    dataset_of,
    network_of,
    writing_of,
)
from meta.commands._unused import idle_of
from roa_circuit.basics.errors import InputError
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.mapping import PAIR
from roa_circuit.circuit.wiring import Wiring
from roa_circuit.device.parameters import load_device
from roa_circuit.layers.recovery import Compensation
from roa_circuit.presentation import circuit_options, options
from roa_circuit.sweeps.command import Asked, carry_out, read_again
from roa_circuit.sweeps.fields import given_by
from roa_circuit.sweeps.layer import MAPPING

_EPISODES, _QUERIES = 10, 15


@options.grouped
def sweep(
    *,
    network: NetworkFile = None,
    backbone: OwnBackbone = None,
    inner_loss: OwnLoss = None,
    rate_rule: OwnRates = None,
    head: OwnHead = None,
    module: ModuleName = None,
    weights: ModuleWeights = None,
    method: Method = None,
    dataset: DataSet = "omniglot",
    data: Data = None,
    ways: Ways = None,
    shots: Shots = 1,
    queries: Annotated[int, typer.Option(min=1, max=1000, help="Query images a class.")] = _QUERIES,
    asked: Asked,
    compensation: circuit_options.CompensationName = "nothing",
    in_situ: Annotated[
        bool, options.flag("--in-situ", "Write through the wires, too: seconds more an episode.")
    ] = False,
    wire_resistance: circuit_options.WireResistance = None,
    circuit: circuit_options.CircuitFile = None,
    imperfections: circuit_options.ImperfectionsFile = None,
    age: circuit_options.Age = None,
    mapping: circuit_options.MappingName = None,
    device: DeviceOption = None,
) -> None:
    """Vary anything of circuit, device, pulses and imperfections under every layer of a network.

    The network is a few-shot one that adapts in one write, or with --module any torch network.
    """
    imperfections = circuit_options.aged(imperfections, age)
    from meta.circuits.adaptation import require_one_write
    from meta.circuits.behind_circuit import Hardware
    from meta.circuits.conversion.named import named_module
    from meta.circuits.conversion.subject import ModuleSubject
    from meta.circuits.subject import NetworkSubject
    from meta.circuits.validate import head_check
    from meta.data.tasks import Tasks

    hardware = Hardware(
        circuitry=circuitry_of(circuit, wire_resistance),
        imperfections=imperfections or Imperfections(),
        compensation=Compensation.parse(compensation),
        in_situ=in_situ,
    )
    subject: NetworkSubject | ModuleSubject
    if module is None:
        if weights is not None:
            raise InputError(f"--weights {weights}: are of a network of your own; add --module")
        net, name = network_of(
            network,
            method,
            ways,
            backbone=backbone,
            head=head,
            inner_loss=inner_loss,
            rate_rule=rate_rule,
        )
        writing = writing_of(net, name, device, mapping)
        require_one_write(net, writing)
        tasks = Tasks(dataset=dataset_of(dataset, data, net), shots=shots, queries=queries)
        subject = NetworkSubject(network=net, tasks=tasks, hardware=hardware, writing=writing)
    else:
        episodic = {
            "--network": network, "--backbone": backbone, "--inner-loss": inner_loss,
            "--rate-rule": rate_rule, "--head": head,
            "--method": method, "--data": data,
            "--ways": ways, "--dataset": dataset != "omniglot", "--shots": shots != 1,
            "--queries": queries != _QUERIES,
        }  # fmt: skip
        _refuse_beside_module(episodic)
        if asked.checked:
            raise InputError(
                "--check: `roa-spice verify --module` has ngspice read a layer; leave it out"
            )
        cells = None if device is None else load_device(device)
        hardware = replace(hardware, device=cells, mapping=mapping)
        subject = ModuleSubject(named=named_module(module, weights), hardware=hardware)
    axes = asked.sweep(subject, _EPISODES if module is None else 1).axes
    varied, given = {axis.name for axis in axes}, given_by(axis.field for axis in axes)
    unused = circuit_options.overruled(Wiring.of_wires(wire_resistance), imperfections, given)
    columns = mapping or PAIR  # of a module; axes say what they change
    if isinstance(subject, NetworkSubject) and MAPPING.name not in varied:
        columns = subject.planned.mapping
    unused += idle_of(imperfections, in_situ=in_situ, mapping=columns, varied=varied)
    if isinstance(subject, NetworkSubject):
        images = subject.network.architecture.ways * shots
        read_again("layer fc", images, hardware.compensation, axes)
    spots = head_check(subject, asked.checked) if isinstance(subject, NetworkSubject) else None
    carry_out(
        asked,
        subject,
        subject.setup,
        spots,
        usual_repeats=_EPISODES if module is None else 1,
        ignored=unused,
        of_circuit=partial(circuit_options.idle_in_sweep, circuit, varied, checked=bool(asked.checked)),
    )


def _refuse_beside_module(given: Mapping[str, object]) -> None:
    """Options of episodes, which a network of one's own does not have."""
    for option, value in given.items():
        if value:
            raise InputError(f"{option}: is of few-shot networks, not of --module; leave it out")
