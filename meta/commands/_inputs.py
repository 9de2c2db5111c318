"""Inputs that several commands share: data, a network, a device, a circuit."""

from __future__ import annotations

from collections import abc
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.basics.units import parse_quantity, percent
from roa_circuit.chips.circuitry import BARE, Circuitry
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_crossbar
from roa_circuit.circuit.mapping import Mapping
from roa_circuit.circuit.wiring import Wiring
from roa_circuit.device.parameters import Device, load_device
from roa_circuit.presentation import console, options

if TYPE_CHECKING:
    import torch

    from meta.circuits.behind_circuit import Hardware
    from meta.data.fewshot import FewShotDataset
    from meta.learning.writing import Writing
    from meta.network.convolutional import Network
    from meta.training.configuration import Training
    from meta.training.pretraining import Pretraining
    from roa_circuit.chips.imperfections import Imperfections

Configuration = TypeVar("Configuration", "Training", "Pretraining")

DATASETS = (
    "omniglot, glyphs (built in, needs no download), miniimagenet, or folder (a class per folder)."
)
DataSet = Annotated[str, typer.Option(help=DATASETS)]
Data = Annotated[
    Path | None, typer.Option(help="A local copy of the data set; omniglot is downloaded otherwise.")
]
NetworkFile = Annotated[
    Path | None,
    typer.Option(help="A .safetensors file of `train` or `pretrain`; or cifar-fs, which is shipped."),
]
OwnBackbone = Annotated[
    str | None,
    typer.Option(
        help="PACKAGE.MODULE:FUNCTION of a --network that was trained with it; its code is run.",
        metavar="NAME",
    ),
]
OwnLoss = Annotated[
    str | None,
    typer.Option(
        help="PACKAGE.MODULE:FUNCTION, the inner loss that a --network learned with; it is run.",
        metavar="NAME",
    ),
]
OwnRates = Annotated[
    str | None,
    typer.Option(
        help="PACKAGE.MODULE:FUNCTION, the rate rule that a --network learned with; it is run.",
        metavar="NAME",
    ),
]
OwnHead = Annotated[
    str | None,
    typer.Option(
        help="Of an erased head: PACKAGE.MODULE:FUNCTION of what is written on it; its code is run.",
        metavar="NAME",
    ),
]
ModuleName = Annotated[
    str | None,
    typer.Option(
        metavar="PACKAGE.MODULE:FUNCTION",
        help="Any torch network instead: imported and run, returns it, sample inputs and labels.",
    ),
]
ModuleWeights = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Of --module, as .safetensors.")
]
DeviceOption = Annotated[
    str | None,
    typer.Option(
        metavar="DEVICE", help="Parameter set, a name or a TOML file; that of the training otherwise."
    ),
]
Ways = Annotated[
    int | None, typer.Option(help="5, or the network's own; it takes fewer, an erased head any.")
]
TrainedWays = Annotated[
    int | None,
    typer.Option(help="Use networks trained for so many, which leave columns out; 20 of plain roa."),
]
Queries = Annotated[int, typer.Option(min=1, max=1000, help="Query images a class.")]
Method = Annotated[str | None, typer.Option(help="A method by name; `roa-meta methods` lists them.")]
Shots = Annotated[int, typer.Option(min=1, max=1000, help="Support images a class.")]
InSitu = Annotated[
    bool,
    options.flag(
        "--in-situ",
        "Write through the wires, too: seconds an episode. Else cells get pulses in full.",
        rich_help_panel="Circuit",
    ),
]
_OWN = "Default: the network's own, {} of a new one."
CellsPerFeature = Annotated[
    int | None,
    typer.Option(
        min=1, max=64, metavar="K",
        help=f"Of an erased head: rows of cells that a feature drives. {_OWN.format(1)}",
    ),
]  # fmt: skip
Views = Annotated[
    str | None,
    typer.Option(
        help="Of an erased head: features of one, shifts, mirror, turned or turned-mirror copies."
        f" {_OWN.format('one')}"
    ),
]
Compute = Annotated[str, typer.Option(help="cpu, or cuda for a GPU.", metavar="WHERE")]
Seed = Annotated[
    int,
    typer.Option(
        min=0,
        max=2**63 - 1,
        help="Of the tasks and the write noise. Behind a circuit task i has this + i: another sample's"
        " must lie further away than --tasks.",
    ),
]


def dataset_of(name: str, data: Path | None, network: Network | None = None) -> FewShotDataset:
    """The data set, with a progress bar while it is downloaded.

    network : that is to see its images; one of other images is refused before any download
    """
    from meta.data.datasets import SHAPES, load_dataset

    if network is not None and name in SHAPES:
        network.architecture.check_images(SHAPES[name])
    found = load_dataset(name, data, progress=console.DownloadBar(name))
    for remark in found.remarks:
        console.say(remark)
    return found


def configuration_of(
    kind: type[Configuration],
    output: Path,
    config: Path | None,
    resume: bool,
    given: abc.Mapping[str, Any],
) -> Configuration:
    """The configuration of a run that is asked for; a resumed run has its own.

    given : the command's options, those of the configuration among them; None is not given

    Raises
    ------
    InputError : a folder that holds a run already, or none to go on with; a bad file or value.
    """
    from meta.training.train import require_no_run

    names = {field.name for field in fields(kind)}
    own = {name: value for name, value in given.items() if name in names and value is not None}
    kept = output / "config.toml"
    if not resume:
        require_no_run(output)
    if resume and not kept.exists():
        raise InputError(f"{output}: there is no run to go on with; leave --resume out to start one")
    file = kept if resume and config is None else config
    try:
        return kind(**own) if file is None else kind.from_toml(file, **own)
    except InputError as error:
        text = str(error)
        for key, option in _RENAMED[kind.__name__].items():
            text = text.replace(f"{key} = ", f"{option} ") if key in own else text
        raise InputError(text) from None


_RENAMED = {
    "Training": {"head_rate": "--head-rate-scale"}, "Pretraining": {"validate_every": "--score-every"},
}  # fmt: skip
"""Keys of configurations whose options have other names."""


def adopt(backbone: str | None, **rules: str | None) -> None:
    """Import a backbone and rules of one's own, if that is what the options name."""
    if backbone is not None and ":" in backbone:
        from meta.network.own_backbone import adopt_backbone

        adopt_backbone(backbone)
    for kind, name in rules.items():
        if name is not None:
            from meta.network.rules import adopt_rule

            adopt_rule(kind, name)


def compute_of(name: str) -> torch.device:
    """The processor or GPU of that name; 'cuda:1' is one of several."""
    import torch

    if name == "cpu":
        return torch.device(name)
    if name.partition(":")[0] != "cuda":
        raise InputError(f"--compute {name}: must be cpu or cuda")
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as error:
        why = str(error).split("\n", maxsplit=1)[0]
        raise InputError(f"--compute {name}: no such GPU here ({why}); leave it out") from None
    return torch.device(name)


def writing_of(
    network: Network, method: str, device: str | None, mapping: Mapping | None = None
) -> Writing:
    """How a method writes the network, on its own device unless another is named, which is then said.

    mapping : of weights on cells and columns; by default that of the network's training
    """
    from meta.learning.writing import Writing, trained_device, trained_mapping
    from meta.network.methods import find_method
    from roa_circuit.device.programming import Programming

    if device is None:
        own_writing = Writing.of(network, method=method)
        return own_writing if mapping is None else replace(own_writing, mapping=mapping)
    cells, how = load_device(device), Programming(max_pulses=network.max_pulses)
    try:
        own = trained_device(network)
    except InputError:
        own = cells
    if not own.same_as(cells):
        console.say(
            f"written on {_named(cells)}, not on {_named(own)}, which the network was trained on"
        )
    columns = trained_mapping(network) if mapping is None else mapping
    return Writing(device=cells, method=find_method(method), programming=how, mapping=columns)


def _named(device: Device) -> str:
    return f"device {device.name} (current scale {device.memristor.current_scale:g})"


def network_in(path: Path) -> Network:
    """The network of a file, or the shipped one of that name."""
    from meta.network.convolutional import Network
    from meta.network.shipped import NAMED, named_network

    if str(path) in NAMED:
        return named_network(str(path))
    if path.suffix == "" and path.name == str(path) and not path.exists():
        raise InputError(f"{path}: no such file, nor a shipped network; {nearest(str(path), NAMED)}")
    return Network.load(path)


def network_of(
    path: Path | None,
    method: str | None,
    ways: int | None,
    trained_ways: int | None = None,
    *,
    backbone: str | None = None,
    head: str | None = None,
    **rules: str | None,
) -> tuple[Network, str]:
    """(network, method it is used with), from a file or as shipped for the method.

    A network file has the method that it was trained for; without a file, roa is the default.

    backbone, rules : of the user's own, which the network of the file was trained with
    head : of the user's own, for a network with an erased one
    """
    from meta.learning.head import with_own_head
    from meta.network.shipped import shipped_network

    adopt(backbone, head=head, **rules)
    if path is None:
        for option, own in {"backbone": backbone, **rules}.items():
            if own is not None:
                raise InputError(
                    f"--{option.replace('_', '-')} {own}: shipped networks have their own; add"
                    " --network FILE"
                )
        name = method or "roa"
        network = shipped_network(name, trained_ways or ways)
        learned = network.note.get("training", {}).get("ways")
        if trained_ways is not None and learned not in (None, trained_ways):
            raise InputError(
                f"--trained-ways {trained_ways}: the network of {name} was trained for {learned} ways,"
                " and serves any number; leave it out"
            )
        return with_own_head(network.with_ways(ways or network.architecture.ways), head), name
    if trained_ways is not None:
        raise InputError(f"--trained-ways {trained_ways}: --network is one already; leave it out")
    network = network_in(path)
    if backbone not in (None, network.architecture.backbone):
        raise InputError(
            f"--backbone {backbone}: {path} was trained with {network.architecture.backbone!r};"
            " leave it out, or give that one"
        )
    for kind, own in rules.items():
        if own not in (None, network.rules.given.get(kind)):
            raise InputError(
                f"--{kind.replace('_', '-')} {own}: {path} was trained without it; leave it out, or give"
                " a network that was"
            )
    name, network = method or network.method.name, with_own_head(network, head)
    return network if ways is None else network.with_ways(ways), name


def circuit_of(wires: float | None) -> Crossbar:
    """The crossbar of the design point, or the same with other wires [Ohm a segment]."""
    return Wiring.of_wires(wires).on(default_crossbar(1, 2))


def circuitry_of(circuit: Circuitry | None, wires: float | None) -> Circuitry:
    """The circuit of the file, with other wires [Ohm a segment] if any are asked for.

    Raises
    ------
    InputError : resistances for every single line, which layers of many sizes cannot have.
    """
    circuit = circuit or BARE
    lines = Wiring.of_wires(wires).over(circuit.lines)
    for name, value in vars(lines).items():
        if isinstance(value, tuple):
            raise InputError(
                f"--circuit: [lines] gives {name} line by line, and the layers of a network differ in "
                "size; give one resistance for all lines"
            )
    return replace(circuit, lines=lines)


def hardware_of(
    *,
    circuit: Circuitry | None,
    imperfections: Imperfections | None,
    wires: float | None = None,
    compensation: str = "nothing",
    in_situ: bool = False,
) -> Hardware | None:
    """The hardware that the options ask for; None if they ask for none.

    Its lines are those of the design point, of the circuit's file, or `wires` [Ohm a segment]; the
    last of these that is given wins.

    Raises
    ------
    InputError : options that make no sense without a circuit, or as for `circuitry_of`.
    """
    from meta.circuits.behind_circuit import Hardware
    from roa_circuit.chips.imperfections import Imperfections
    from roa_circuit.layers.recovery import Compensation

    chosen = Compensation.parse(compensation)
    if circuit is None and imperfections is None:
        for option, given in {"--in-situ": in_situ, "--compensation": compensation != "nothing"}.items():
            if given:
                raise InputError(f"{option} is about a circuit: add --circuit or --imperfections FILE")
        return None
    circuitry = circuitry_of(circuit, wires)
    return Hardware(
        crossbar=circuitry.lines.on(default_crossbar(1, 2)),
        circuitry=circuitry,
        imperfections=imperfections or Imperfections(),
        compensation=chosen,
        in_situ=in_situ,
    )


def say_placed(layers: abc.Mapping[str, abc.Mapping[str, Any]]) -> None:
    """Say how well the initial states of layers could be placed for their wires, if they were.

    layers : `Placement.to_dict` by layer
    """
    if not layers:
        return
    gains, errors, clipped = (
        [one[key] for one in layers.values()] for key in ("gain", "error", "clipped")
    )
    text = (
        f"initial states placed for their wires: gains {min(gains):.3g} to {max(gains):.3g}, error of g"
    )
    text += f" at most {max(errors):.1e} rms"
    if max(clipped):
        worst = max(layers, key=lambda name: float(layers[name]["clipped"]))
        text += f"; {percent(max(clipped))} of {worst}'s cells have no room left"
    console.say(text)


def numbers_of(text: str, option: str, unit: str = "") -> list[float]:
    """Read '0, 0.1, 1k' as numbers; an error names the option and the number."""
    return [parse_quantity(part, what=option, unit=unit) for part in text.split(",")]
