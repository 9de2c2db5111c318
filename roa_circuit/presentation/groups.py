"""Which named group of a command's help an option stands in; the same in all commands."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_args, get_origin

import typer

GROUPS = {
    "Input": "example layer device current-scale states conductances inputs wanted weights activations"
    " labels start ideal read-index phase module network networks method methods dataset data",
    "Table": "pulse read width unit si layout column ignore where sheet scale drop-outlier dwell"
    " polarity",
    "Fit": "prior law loss weighting intervals by",
    "Protocol": "uncertainty noise voltages voltage-step widths width-step window",
    "Circuit": "tile compensation in-situ write-verify scheme mapping imperfections circuit"
    " wire-resistance",
    "Sweep": "vary design",
    "Tasks": "ways shots queries sigma-wn reading trained-ways relative-rate train",
    "Network": "backbone head filters last-filters cells-per-feature views centred erased same-length"
    " noise-scale turns turned-classes mirror",
    "Training": "config resume start-network inner-loss rate-rule sampler classes epochs iterations"
    " batch learning-rate rate-scale head-rate head-rate-scale"
    " second-order pulses-from rho max-pulses weight-decay momentum label-smoothing pasted warm-up",
    "Validation": "score-every validation-tasks validate-every validate-episodes on-divergence"
    " current-tolerance state-tolerance hardware-wires",
    "Simulator": "cell-model engine language analysis time-limit spice spice-write",
    "How much": "pulses amplitude iv-points reads tiles rounds tolerance points repeats tasks episodes"
    " budget trainings",
    "Run": "seed workers jobs scheduler compute",
    "Results": "output-dir output predistorted json figures waveforms compare fit-report strict most"
    " consumption tensorboard",
}
"""Options without their dashes, by the group that has them; some name theirs where they are declared."""

_GROUP_OF = {option: group for group, options in GROUPS.items() for option in options.split()}


def in_groups(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command, each of whose options is in its group; changed in place."""
    signature = inspect.signature(command, eval_str=True)
    changed = [p.replace(annotation=_grouped(p)) for p in signature.parameters.values()]
    vars(command)["__signature__"] = signature.replace(parameters=changed)
    command.__annotations__ = {p.name: p.annotation for p in changed}
    return command


def option_name(parameter: inspect.Parameter, info: typer.models.OptionInfo) -> str:
    """What is typed for a parameter, without its dashes: 'head-rate'."""
    words = (info.default, *(info.param_decls or ()))  # in Annotated, typer's default is a name
    declared = [word for word in words if isinstance(word, str) and word.startswith("--")]
    return declared[0].partition("/")[0][2:] if declared else parameter.name.replace("_", "-")


def _grouped(parameter: inspect.Parameter) -> Any:
    kept = parameter.annotation
    if get_origin(kept) is not Annotated:
        return kept
    kind, info, *rest = get_args(kept)
    if not isinstance(info, typer.models.OptionInfo) or info.rich_help_panel:
        return kept
    info = copy.copy(info)
    info.rich_help_panel = _GROUP_OF.get(option_name(parameter, info))
    return Annotated[(kind, info, *rest)]
