"""Convert: a torch module comes onto chips, layer by layer, and is calibrated on a sample."""

from __future__ import annotations

import copy
import fnmatch
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence

from meta.circuits.behind_circuit import Hardware
from meta.circuits.conversion.attention import AttentionOnChips
from meta.circuits.conversion.chips import Chips
from meta.circuits.conversion.matrix import Matrix
from meta.circuits.conversion.modules import (
    Conv1dOnChips,
    Conv2dOnChips,
    ConvTranspose2dOnChips,
    LinearOnChips,
    OnChips,
)
from meta.circuits.conversion.port import Port
from meta.circuits.conversion.recurrent import GRUOnChips, LSTMOnChips
from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.layers.recovery import Compensation

KINDS: dict[type[nn.Module], type[Any]] = {
    nn.Linear: LinearOnChips,
    nn.Conv1d: Conv1dOnChips,
    nn.Conv2d: Conv2dOnChips,
    nn.ConvTranspose2d: ConvTranspose2dOnChips,
    nn.LSTM: LSTMOnChips,
    nn.GRU: GRUOnChips,
    nn.MultiheadAttention: AttentionOnChips,
}
"""What has a form on crossbars; subclasses with a `forward` of their own have not."""

ByName = Mapping[str, Hardware | None]


def convert(
    module: nn.Module,
    hardware: Hardware | ByName | None = None,
    sample: Any = None,
    *,
    seed: int = 0,
    items: int | None = None,
) -> Chips:
    """Put the linear layers, convolutions and projections of a torch module on chips.

    The module itself is left as it is. What comes back has copies of its weights as parameters, and the
    same `state_dict`. Every time they are used they stand on the chips that the seed draws: cells are
    set to their states, tiles are read behind their wires. Gradients flow through those.

    hardware : of all layers, by default the design point with pairs of cells; or a dictionary from
        patterns of names ("blocks.*", "head") to hardware, where the first that fits counts, and None
        leaves a layer digital. What no pattern fits stays digital as well.
    sample : inputs as the network will meet them, which give each layer the range of its inputs: one
        argument of `forward`, a tuple of them, or a dictionary of named ones
    seed : of the chips; each layer's depend on its name alone besides
    items : how many items the sample has, for reads, seconds and joules of an item; by default as many
        as its first tensor of real numbers is long, or, of torch's modules for sequences, wide

    A converted network is converted anew: its weights come onto other hardware.

    Raises
    ------
    InputError : nothing to convert, no sample, a pattern that fits nothing, or hardware that a converted
        network does not have: in-situ writes, compensation, write noise.
        A module that cannot be copied, and a sample that is no tensors or has no finite numbers.

    Examples
    --------
    >>> import torch
    >>> from meta import Hardware
    >>> network, images = torch.nn.Linear(8, 3), torch.rand(20, 8)
    >>> chips = convert(network, Hardware(), images)
    >>> tuple(chips(images).shape), list(chips.layers)
    ((20, 3), ['Linear'])
    """
    if not isinstance(module, nn.Module):
        raise InputError(f"convert: module is {type(module).__name__}, not a torch.nn.Module")
    if isinstance(module, torch.jit.ScriptModule):
        raise InputError("convert: module is scripted; give the torch.nn.Module that it was made from")
    if not isinstance(seed, int | np.integer) or not 0 <= seed < 1 << 31:
        raise InputError(f"convert: seed = {seed!r} must be a whole number from 0 to 2147483647")
    if items is not None and items < 1:
        raise InputError(f"convert: items = {items} must be at least 1")
    args, named = arguments(sample)
    module = _digital_again(module)
    chosen = _chosen(module, {"*": hardware or Hardware()} if not _by_name(hardware) else hardware)
    for one in chosen.values():
        if isinstance(one, Hardware):
            _require_plain(one)
    digital = _converted(module, chosen, int(seed))
    network = module
    chips = Chips(network, digital)
    if not chips.layers:
        raise InputError(
            f"convert: nothing of {type(module).__name__} comes onto chips;"
            f" {', '.join(f'{name}: {why}' for name, why in digital.items()) or 'it has no weights'}"
        )
    chips.observe(args, named, items)
    _leave_unused_digital(chips)
    chips.find_ranges()
    return chips


def _digital_again(module: nn.Module) -> nn.Module:
    """A copy of a module, without the chips that it may stand on already."""
    own = module.network if isinstance(module, Chips) else module
    if any(isinstance(one, Chips) for one in own.modules()):
        raise InputError(
            "convert: a part of the module is a converted network; put its digital one in place, and"
            " convert the whole"
        )
    try:
        copied = copy.deepcopy(own)
    except RuntimeError as error:
        raise InputError(
            f"convert: {type(own).__name__} cannot be copied, as {str(error).splitlines()[0]}; make"
            " weights that are computed permanent by prune.remove or remove_weight_norm"
        ) from None
    for one in copied.modules():
        _leave_chips(one)
    return copied


def _leave_chips(module: Any) -> None:
    """Make a module on chips torch's own again."""
    if isinstance(module, OnChips):
        base: Any = next(base for base, kind in KINDS.items() if kind is type(module))
        module.__class__ = base
        del module.matrices


def _by_name(hardware: Any) -> bool:
    if hardware is None or isinstance(hardware, Hardware):
        return False
    if isinstance(hardware, Mapping) and hardware:
        for pattern, one in hardware.items():
            if not (one is None or isinstance(one, Hardware)):
                raise InputError(f"hardware[{pattern!r}] = {one!r} must be a Hardware or None")
        return True
    raise InputError(
        f"hardware = {hardware!r} must be a Hardware, or a dictionary from patterns of names to them"
    )


def arguments(sample: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """(positional, named) arguments of `forward` that a sample stands for."""
    if sample is None:
        raise InputError(
            "convert: sample is missing; give inputs as the network will meet them, which set the range"
            " of each layer's drivers: convert(module, hardware, images[:64])"
        )
    if isinstance(sample, np.ndarray | list):
        raise InputError(
            f"convert: sample is a {type(sample).__name__}, not a tensor; give torch.as_tensor of it,"
            " or a tuple of several arguments"
        )
    if isinstance(sample, Mapping):
        return (), dict(sample)
    is_several = isinstance(sample, tuple) and not isinstance(sample, PackedSequence)
    return (sample if is_several else (sample,)), {}


def _require_plain(hardware: Hardware) -> None:
    """Refuse what would change nothing in a converted network."""
    if hardware.in_situ:
        raise InputError(
            "in_situ: the cells of a converted network are set, not written by pulses; leave it out, or"
            " write a layer of it with `roa-spice program`"
        )
    if hardware.compensation != Compensation():
        raise InputError(
            f"compensation {hardware.compensation}: a converted network is not compensated; train it"
            " through its wires, or compensate a saved layer with `roa-spice compensate`"
        )
    if hardware.imperfections.sigma_wn:
        raise InputError(
            f"sigma_wn = {hardware.imperfections.sigma_wn:g}: the cells of a converted network take no"
            " pulses, and so no write noise; leave it out"
        )


def _chosen(module: nn.Module, by_name: Any) -> dict[str, Hardware | str | None]:
    """The hardware of every layer that can stand on chips, None where a pattern says so."""
    kind = type(module).__name__
    names = [name or kind for name, one in module.named_modules() if type(one) in KINDS]
    found: dict[str, Hardware | str | None] = {}
    for name in names:
        fitting = [pattern for pattern in by_name if fnmatch.fnmatchcase(name, pattern)]
        found[name] = by_name[fitting[0]] if fitting else "no pattern fits its name"
    for pattern in by_name:
        if names and not fnmatch.filter(names, pattern):
            raise InputError(f"hardware[{pattern!r}] fits no layer; {nearest(pattern, names)}")
    return found


def _converted(
    network: nn.Module, chosen: dict[str, Hardware | str | None], seed: int
) -> dict[str, str]:
    """Change classes in place; what stays digital, with the reason."""
    digital: dict[str, str] = {}
    inner: set[int] = set()  # belongs to a module that is converted, or left, as a whole
    for name, module in list(network.named_modules()):
        if id(module) in inner:
            continue
        _leave_fast_path(module)
        if type(module) not in KINDS:
            if any(True for _ in module.parameters(recurse=False)):
                digital[name or type(module).__name__] = _why_not(module)
            continue
        inner.update(id(one) for one in module.modules())
        hardware = _computed(module) or chosen[name or type(module).__name__]
        why = "left digital" if hardware is None else ""
        if isinstance(hardware, str):
            why = hardware
        if why or not isinstance(hardware, Hardware):
            digital[name or type(module).__name__] = why
        else:
            _put(name or type(module).__name__, module, hardware, seed)
    return digital


def _put(name: str, module: nn.Module, hardware: Hardware, seed: int) -> None:
    kind = KINDS[type(module)]
    matrices = {}
    for part, shape in kind.parts(module).items():
        full = name + part
        port = Port(scale=1.0, signed=True) if _of_states(module, part) else Port()
        drawn = (seed << 32) + zlib.crc32(full.encode())
        matrices[part] = Matrix(full, shape, hardware, drawn, port)
    module.__class__ = kind
    module.matrices = matrices  # type: ignore[assignment]


def _of_states(module: nn.Module, part: str) -> bool:
    """Whether the inputs of a matrix are recurrent states within [-1, 1]."""
    projected = isinstance(module, nn.LSTM) and module.proj_size > 0
    return part.startswith(".weight_hr" if projected else ".weight_hh")


def _leave_fast_path(module: nn.Module) -> None:
    """Torch's transformer layers have a path for inference that never calls their submodules."""
    if isinstance(module, nn.TransformerEncoderLayer):
        module.activation_relu_or_gelu = 0
    if isinstance(module, nn.TransformerEncoder):
        module.use_nested_tensor = False


def _computed(module: nn.Module) -> str:
    """Why weights are no parameters of their own, if they are not."""
    if any("weight" in one and one.endswith(("_orig", "_g", "_v")) for one in module._parameters):
        return "its weights are computed (pruning, weight_norm): make them permanent first"
    return ""


def _why_not(module: nn.Module) -> str:
    kind = type(module).__name__
    if hasattr(module, "parametrizations"):
        return f"{kind} computes its weights: parametrise the converted network instead"
    parent = next((base for base in KINDS if isinstance(module, base)), None)
    if parent:
        return f"{kind} is a {parent.__name__} that may have a forward of its own"
    if isinstance(module, nn.Embedding):
        return "Embedding looks weights up, and multiplies nothing"
    return f"{kind} has no form on crossbars here"


def _leave_unused_digital(chips: Chips) -> None:
    """Layers that the sample did not reach, or reached with zeros alone, become torch's own again."""
    for name, module in chips.network.named_modules():
        if not isinstance(module, OnChips):
            continue
        ports = [matrix.port for matrix in module.matrices.values()]
        if all(port.reads and port.scale for port in ports):
            continue
        why = "the sample gives it zeros alone" if ports[0].reads else "the sample does not reach it"
        chips.digital[name or type(chips.network).__name__] = why
        _leave_chips(module)
    if not chips.layers:
        raise InputError("convert: the sample brings no layer anything but zeros; give real inputs")
