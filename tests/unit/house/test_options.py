"""All options of all commands: one name means one thing, and help shows it in a group."""

import enum
from collections import defaultdict
from importlib import import_module
from pathlib import Path
from typing import get_args, get_origin

import pytest
import typer

import fitting.commands.cli
from roa_circuit.presentation.groups import GROUPS
from roa_circuit.presentation.renamed import RENAMED

PROGRAMS = {
    "roa-fit": "fitting.commands.cli",
    "roa-spice": "netlists.commands.cli",
    "roa-meta": "meta.commands.cli",
}
MEANINGS = {
    "--backbone": ("the blocks before the head, by name or a function of one's own", 3),
    "--batch": ("how many are learned from in one step", 2),
    "--cell-model": ("a Verilog-A cell of one's own", 2),
    "--centred": ("the training's mean is taken off the head's features", 2),
    "--circuit": ("a TOML file of the circuit around the cells", 2),
    "--compensation": ("what is done about the wires, by name", 3),
    "--dataset": ("which images, by the same four names", 2),
    "--device": ("a parameter set, by name or TOML file", 5),
    "--engine": ("the program that solves the circuit, or whose deck it is", 5),
    "--epochs": ("passes of a training", 2),
    "--filters": ("channels of a block", 2),
    "--imperfections": ("a TOML file of what real arrays have", 2),
    "--in-situ": ("writes go through the wires", 2),
    "--inner-loss": ("a function of one's own, of a training or of its network", 2),
    "--layer": ("which layer", 3),
    "--learning-rate": ("of the outer optimiser", 2),
    "--mapping": ("how weights become cells", 3),
    "--max-pulses": ("the most that one cell of the head gets", 2),
    "--module": ("a function that returns a torch network", 3),
    "--noise": ("relative, of one reading", 2),
    "--output": ("the one file to write", 5),
    "--output-dir": ("the folder of results", 10),
    "--phase": ("write or reads", 2),
    "--pulses": ("how many pulses", 3),
    "--queries": ("query images a class", 2),
    "--rate-rule": ("a function of one's own, of a training or of its network", 2),
    "--read": ("the read voltage", 3),
    "--reading": ("how Eq. 7 is read", 2),
    "--relative-rate": ("a factor on the learned rates", 3),
    "--seed": ("what chance begins with", 7),
    "--shots": ("support images a class", 2),
    "--sigma-wn": ("write noise of Eq. 7", 3),
    "--start": ("omega before the first pulse", 3),
    "--validation-tasks": ("tasks a level of noise", 2),
    "--ways": ("classes a task", 3),
    "--weights": ("a file of weights", 3),
    "--wire-resistance": ("Ohm a segment of both lines", 3),
    "--workers": ("how many processes, one a core by default", 2),
}
"""What a name means in all commands whose help words it differently, and how many wordings there are.

A new wording fails the test: see that the meaning is this one, or give the option another name.
"""
ONE_OR_SEVERAL = {"--sigma-wn", "--ways", "--wire-resistance"}
"""Numbers, of which commands that compare take several, with commas between."""


def options():
    """(command, option) of every command, and of the programs themselves."""
    for program, module in PROGRAMS.items():
        group = typer.main.get_command(import_module(module).app)
        for name, command in {"": group, **group.commands}.items():
            for one in command.params:
                if one.param_type_name == "option":
                    yield f"{program} {name}".strip(), one


def kind(option):
    """'flag', 'path', 'count', 'number' or 'text', and whether it may be repeated."""
    annotation = option.type_descriptor.annotation
    if get_origin(annotation) is list:
        (annotation,) = get_args(annotation)
    if option.is_flag:
        said = "flag"
    elif annotation is Path or option.metavar in ("FILE", "FOLDER"):
        said = "path"
    elif annotation in (int, float):
        said = {int: "count", float: "number"}[annotation]
    else:
        assert issubclass(annotation, str | enum.Enum | object)
        said = "text"
    return said, bool(option.multiple)


@pytest.fixture(scope="module")
def by_name():
    """Options by each of their names but -o, with the command that each is of."""
    found = defaultdict(list)
    for command, one in options():
        for name in (*one.opts, *one.secondary_opts):
            if name.startswith("--"):
                found[name].append((command, one))
    return found


def test_a_name_takes_the_same_kind_of_value_everywhere(by_name):
    kinds = {name: {kind(one) for _, one in found} for name, found in by_name.items()}
    unlike = {name for name, several in kinds.items() if len(several) > 1}
    assert unlike == ONE_OR_SEVERAL
    assert all({once for _, once in kinds[name]} == {False} for name in ONE_OR_SEVERAL)


def test_a_name_means_one_thing(by_name):
    wordings = {name: {one.help for _, one in found} for name, found in by_name.items()}
    several = {name: len(texts) for name, texts in wordings.items() if len(texts) > 1}
    several.pop("--no-centred")  # the other side of --centred
    assert several == {name: count for name, (_, count) in MEANINGS.items()}


def test_o_is_where_the_result_goes():
    short = {one.opts[0] for _, one in options() if "-o" in one.opts}
    assert short == {"--output", "--output-dir"}


def test_every_option_is_in_a_named_group():
    own = {"--version", "--install-completion", "--show-completion"}
    assert {one.opts[0] for _, one in options() if one.rich_help_panel is None} == own


def test_no_group_names_an_option_that_there_is_not(by_name):
    named = [f"--{name}" for names in GROUPS.values() for name in names.split()]
    assert len(named) == len(set(named))
    assert set(named) <= set(by_name)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [(command, *pair) for command, names in RENAMED.items() for pair in names.items()],
)
def test_an_old_name_is_answered_with_the_new_one(command, by_name, name, old, new):
    (program,) = {of.split()[0] for of, _ in by_name[new] if of.split()[-1] == name}
    assert f"{program} {name}" not in {of for of, _ in by_name.get(old, [])}
    code, _, said = command(import_module(PROGRAMS[program]).main, name, old, "1")
    assert (code, said) == (2, f"error: {old} is called {new} since version 0.2.0\n")


def test_a_word_that_was_never_an_option_is_not_called_renamed(command):
    code, _, said = command(fitting.commands.cli.main, "design", "--pointz", "3")
    assert code == 2
    assert "No such option: --pointz" in said
    assert "since version" not in said
