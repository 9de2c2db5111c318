"""What the guide's references take from the code: every command, and every name that a package gives.

python .ci/references.py FOLDER
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import typer
from typer.main import get_command

PAGES = Path(__file__).parents[1] / "docs" / "reference"
PACKAGES = ("roa_circuit", "fitting", "netlists", "meta")
COMMANDS = {
    "roa-fit": "fitting.commands.cli",
    "roa-spice": "netlists.commands.cli",
    "roa-meta": "meta.commands.cli",
}


def page(name: str, app: typer.Typer) -> str:
    """What a program and each of its commands do, take and default to."""
    group: Any = get_command(app)
    lines = [_prose(group.help), "", "| command | |", "|---|---|"]
    for command, one in group.commands.items():
        lines.append(f"| [`{command}`](#{name}-{command}) | {_prose(_first_sentence(one.help))} |")
    for command, one in group.commands.items():
        lines += ["", *_section(f"{name} {command}", one)]
    return "\n".join(lines) + "\n"


def _section(title: str, command: Any) -> Iterator[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
    said = "".join(f" {_called(p)}" for p in arguments)
    required = "".join(f" {p.opts[0]} {_value(p)}" for p in options if p.required)
    yield from (f"## {title}", "", _prose(command.help), "")
    yield from ("```console", f"$ {title} [OPTIONS]{required}{said}", "```", "")
    for group, members in _groups(arguments, options).items():
        yield from (f"| {group} | what it is | default |", "|---|---|---|")
        for one in members:
            yield f"| {_spelling(one)} | {_meaning(one)} | {_default(one)} |"
        yield ""


def _groups(arguments: list[Any], options: list[Any]) -> dict[str, list[Any]]:
    """What a command takes, in the groups and the order of its help."""
    found = {"Arguments": arguments} if arguments else {}
    for option in options:
        found.setdefault(option.rich_help_panel or "Options", []).append(option)
    return found


def _called(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _spelling(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{_called(parameter)}`"
    names = " ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    return names if parameter.is_flag else f"{names} `{_value(parameter)}`"


def _value(option: Any) -> str:
    """What follows an option: its metavar, or its kind."""
    if option.metavar or option.type_descriptor.is_choice:
        return str(option.metavar or "CHOICE")
    return {"str": "TEXT", "int": "INTEGER", "float": "NUMBER"}.get(option.bare_type(), "PATH")


def _meaning(parameter: Any) -> str:
    """Its help, and what values it takes."""
    choices = parameter.type_descriptor.choices or ()
    limits = [", ".join(f"`{one.value}`" for one in choices)] if choices else []
    limits += [f"at least {parameter.min:g}"] if parameter.min is not None else []
    limits += [f"at most {parameter.max:g}"] if parameter.max is not None else []
    text = _prose(parameter.help)
    return f"{text} ({', '.join(limits)})" if limits else text


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    value = getattr(parameter.default, "value", parameter.default)
    return "" if value is None or value is False or value == [] else f"`{value}`"


def _first_sentence(text: str) -> str:
    return re.split(r"(?<!Eq\.)(?<=\.)\s", text.strip(), maxsplit=1)[0]


def _prose(text: str | None) -> str:
    """Help text as Markdown: rich's bold is Markdown's, and nothing else is markup."""
    escaped = re.sub(r"([|*_<])", r"\\\1", (text or "").strip())
    bold = re.sub(r"(?<!\\)\[(?:bold|/(?:bold)?)\]", "**", escaped)
    return bold.replace("\\[", "[")


def called_first(package: str, folder: str = "") -> str:
    """A table of what a package gives at once, or what of it stands in one of its folders."""
    module, rows = import_module(package), []
    for name in module.__all__:
        found = getattr(module, name)
        if (found.__module__ + ".").startswith(f"{package}.{folder}"):
            said = _first_sentence(" ".join((inspect.getdoc(found) or "").split("\n\n")[0].split()))
            home = f"{found.__module__}.{found.__qualname__}"
            rows.append(f"| [`{name}`][{home}] | {_prose(said)} |")
    told = f"`from {package} import NAME` gives:"
    return "\n".join([told, "", "| name | what it is |", "|---|---|", *rows, ""]) if rows else ""


def opening(package: str, folder: str) -> str:
    """What a sub-package is for, and what of it is called first."""
    about = " ".join((inspect.getdoc(import_module(f"{package}.{folder}")) or "").split())
    return f"{_prose(about)}\n\n{called_first(package, folder + '.')}"


def others(package: str, folder: str) -> str:
    """The homes of public names in a folder that its own page has not put in order."""
    module = import_module(package)
    homes = dict.fromkeys(getattr(module, name).__module__ for name in module.__all__)
    ordered = (PAGES / package / f"{folder}.md").read_text(encoding="utf-8").split()
    here = [home for home in homes if home.startswith(f"{package}.{folder}.") and home not in ordered]
    return "".join(f"::: {home}\n\n" for home in here)


def main(folder: Path) -> None:
    """Write every page."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, module in COMMANDS.items():
        text = page(name, import_module(module).app)
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    for package in PACKAGES:
        (folder / f"{package}.md").write_text(called_first(package), encoding="utf-8")
        for page_of in sorted((PAGES / package).glob("*.md")):
            inner = f"{package}.{page_of.stem}"
            (folder / f"{inner}.md").write_text(opening(package, page_of.stem), encoding="utf-8")
            (folder / f"{inner}.others.md").write_text(others(package, page_of.stem), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
