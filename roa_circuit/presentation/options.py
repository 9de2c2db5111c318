"""Options that commands of any kind share, declared once; only commands import this module."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from roa_circuit.basics.errors import InputError
from roa_circuit.basics.units import parse_duration

Result = TypeVar("Result")

_LEAST_TIME = 0.1  # [s]

Json = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Also write the result here, as JSON.")
]


def folder(text: str, *more: str) -> Any:
    """The option of a folder for results: --output-dir, -o, and any `more` names."""
    return typer.Option("--output-dir", "-o", *more, metavar="FOLDER", help=text)


def flag(name: str, text: str, **how: Any) -> Any:
    """An option without a value; typer alone would show one of type bool."""
    return typer.Option(name, metavar="", help=text, **how)


def grouped(command: Callable[..., Result]) -> Callable[..., Result]:
    """Let a command take options in groups: each parameter that is a dataclass, such as `Lines`.

    The command line sees the group's fields in its place, options like any other; the command is
    given the dataclass made of them.
    """
    whole = inspect.signature(command, eval_str=True)
    groups: dict[str, Any] = {
        p.name: p.annotation for p in whole.parameters.values() if dataclasses.is_dataclass(p.annotation)
    }
    shown: dict[str, inspect.Parameter] = {}
    for parameter in whole.parameters.values():
        group = groups.get(parameter.name)
        shown |= {p.name: p for p in (_parameters(group) if group else [parameter])}

    @functools.wraps(command)
    def ungrouped(**given: Any) -> Result:
        made = {
            name: group(**{field.name: given.pop(field.name) for field in dataclasses.fields(group)})
            for name, group in groups.items()
        }
        return command(**given, **made)

    keywords = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in shown.values()]
    vars(ungrouped)["__signature__"] = whole.replace(parameters=keywords)
    ungrouped.__annotations__ = {p.name: p.annotation for p in keywords}
    return ungrouped


def _parameters(group: Any) -> list[inspect.Parameter]:
    """The fields of a dataclass as keyword-only parameters."""
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default,
            annotation=hints[field.name],
        )
        for field in dataclasses.fields(group)
    ]  # fmt: skip


def typed(*, dropping: Collection[str] = ()) -> list[str]:
    """The command as typed, without its argument and without the options to be dropped."""
    kept, words = [Path(sys.argv[0]).name, *sys.argv[1:2]], iter(sys.argv[2:])
    for word in words:
        if not word.startswith("-"):
            continue
        name, written, value = word.partition("=")
        alone = written or name in FLAGS
        pair = [word] if alone else [word, next(words, value)]
        if name not in dropping:
            kept += pair
    return kept


FLAGS = ("--figures", "--in-situ")

Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="A Dask scheduler, such as tcp://host:8786; or slurm, for workers in jobs of SLURM.",
    ),
]
Figures = Annotated[bool, flag("--figures", "Also write the report's figures as SVG and PNG.")]


def _time_limit(text: str) -> float:
    try:
        seconds = parse_duration(str(text), what="--time-limit")
    except InputError as error:  # typer says which option it is
        raise typer.BadParameter(str(error).removeprefix("--time-limit: ")) from None
    if seconds < _LEAST_TIME:
        raise typer.BadParameter(f"{text} must be at least {_LEAST_TIME:g} s")
    return seconds


TimeLimit = Annotated[
    float | None,
    typer.Option(
        "--time-limit",
        parser=_time_limit,
        metavar="TIME",
        help="Wall clock that a simulator may take: 90, 10min, 2h; default: 600 s, in verify 5 times"
        " the estimate where that is longer.",
    ),
]
