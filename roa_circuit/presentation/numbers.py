"""Numbers on a command line: with an SI prefix, or as a percentage, wherever an option takes one."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_args, get_origin

import typer

from roa_circuit.basics.errors import InputError
from roa_circuit.basics.units import parse_quantity
from roa_circuit.presentation.groups import option_name


def with_quantities(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command, whose options of type float read '10%' and '4.7k' as well.

    An option that has a parser of its own keeps it. Bounds still hold, and stand in the help.
    """
    signature = inspect.signature(command, eval_str=True)
    changed = [p.replace(annotation=_read(p)) for p in signature.parameters.values()]

    @functools.wraps(command)
    def same(*args: Any, **kwargs: Any) -> Any:
        return command(*args, **kwargs)

    vars(same)["__signature__"] = signature.replace(parameters=changed)
    same.__annotations__ = {p.name: p.annotation for p in changed}
    return same


def _read(parameter: inspect.Parameter) -> Any:
    """The annotation of a parameter, with a parser where it is a number's."""
    kept = parameter.annotation
    if get_origin(kept) is not Annotated:
        return kept
    kind, info, *rest = get_args(kept)
    of_number = float in (kind, *get_args(kind))
    if not of_number or not isinstance(info, typer.models.OptionInfo) or info.parser:
        return kept
    info, spelled = copy.copy(info), option_name(parameter, info)
    info.parser = functools.partial(_within, option=f"--{spelled}", least=info.min, most=info.max)
    info.metavar, info.help = info.metavar or "NUMBER", _bounded(info.help or "", info.min, info.max)
    info.min = info.max = None
    return Annotated[(kind, info, *rest)]


def _within(text: str, *, option: str, least: float | None, most: float | None) -> float:
    try:
        value = parse_quantity(str(text), what=option)
    except InputError as error:  # typer says which option it is
        raise typer.BadParameter(str(error).removeprefix(f"{option}: ")) from None
    if (least is not None and value < least) or (most is not None and value > most):
        raise typer.BadParameter(f"{text} must be {_range(least, most)}")
    return value


def _range(least: float | None, most: float | None) -> str:
    if least is None or most is None:
        return f"at least {least:g}" if least is not None else f"at most {most:g}"
    return f"from {least:g} to {most:g}"


def _bounded(help: str, least: float | None, most: float | None) -> str:
    if least is None and most is None:
        return help
    return f"{help.rstrip('.')}; {_range(least, most)}."
