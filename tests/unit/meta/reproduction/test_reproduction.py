"""The paper's results computed again: what is on the file stays, what is missing says how to get it."""

import csv
import json
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from meta.commands import cli
from meta.evaluation.evaluate import RELATIVE_RATES
from meta.network.architecture import Architecture
from meta.network.convolutional import Network
from meta.reproduction.ablation import INGREDIENTS, Ablation
from meta.reproduction.ablation import markdown as ablation_markdown
from meta.reproduction.budgets import Budget, train_command
from meta.reproduction.cells import Cell, Result, ResultFile
from meta.reproduction.networks import Networks, training_tasks
from meta.reproduction.plans import Plan
from meta.reproduction.repeats import Score, interval_over_repeats
from meta.reproduction.runs import reproduce
from meta.reproduction.studies import STUDIES, find_study
from meta.reproduction.tables import grids, markdown, orderings
from meta.reproduction.trainings import train_missing
from meta.training.configuration import Training
from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.design_point import default_device
from roa_circuit.device.parameters import load_device

pytestmark = pytest.mark.xdist_group("reproduction")  # its networks are trained once

CELL = Cell(
    dataset="d", device="v", method="roa", network="n", ways=5, shots=1, sigma_wn=1.0, reading="half",
    relative_rate=2.0, split="test", seed=0,
)  # fmt: skip


def result(cell=CELL, tasks=10, accuracy=0.5):
    return Result(
        cell=cell, tasks=tasks, accuracy=accuracy, ci95=0.01, pulses_per_weight=0.0, write_energy=0.0,
        write_seconds=0.0,
    )  # fmt: skip


def draw_pictures(root, counts):
    """Blobs by class: enough drawings for 15 queries, small enough to be quick."""
    rng = np.random.default_rng(0)
    for split, count in counts.items():
        for index in range(count):
            folder = root / split / f"class{index}"
            folder.mkdir(parents=True)
            for number in range(16):
                picture = (rng.random((28, 28)) < 0.1 + 0.8 * index / count).astype(np.uint8)
                Image.fromarray(255 * picture).save(folder / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return draw_pictures(tmp_path_factory.mktemp("few"), {"train": 3, "validation": 2, "test": 2})


@pytest.fixture
def trained(tmp_path):
    """A folder with one run: a small roa network for two ways, and its record."""
    network = Network(Architecture(ways=2, filters=4), torch.Generator().manual_seed(0))
    training = {"method": "roa", "dataset": "folder", "iterations": 5, "batch": 2, "seed": 7}
    for name, epoch, score in (("old", 0, 0.6), ("new", 2, 0.7)):
        note = {"training": training, "epoch": {"epoch": epoch, "accuracy_noise": score}}
        network.save(tmp_path / "runs" / name / "best.safetensors", **note)
        network.save(tmp_path / "runs" / name / "last.safetensors", **note)
    return tmp_path / "runs"


@pytest.fixture
def plan(pictures, trained, tmp_path):
    return Plan(
        study=replace(
            STUDIES["table2"],
            methods=("roa", "roa-flr", "roa-wc", "ideal"),
            ways=(2,),
            sigmas=(0.0, 1.0),
        ),
        dataset="folder",
        data=pictures,
        device=load_device("zhang2021"),
        budget=Budget(share=0.005),
        readings=("literal", "unscaled"),
        networks=(trained,),
        folder=tmp_path / "out",
    )


def test_results_outlive_a_line_half_written(tmp_path):
    path = tmp_path / "cells.jsonl"
    ResultFile(path).append([result(), result(replace(CELL, ways=10))])
    whole = path.read_text()
    path.write_text(whole[: -len(whole) // 3])  # as kill -9 in the middle of a write leaves it
    again = ResultFile(path)
    assert again.find(CELL, 10) == result()
    assert again.find(replace(CELL, ways=10), 10) is None
    again.append([result(replace(CELL, ways=20))])
    assert ResultFile(path).find(replace(CELL, ways=20), 10) is not None


def test_more_tasks_serve_for_fewer_and_never_the_other_way(tmp_path):
    file = ResultFile(tmp_path / "cells.jsonl")
    file.append([result(tasks=50, accuracy=0.7), result(tasks=10)])
    assert file.find(CELL, 20).accuracy == 0.7
    assert file.find(CELL, 51) is None


def test_without_noise_all_readings_are_one_cell():
    assert replace(CELL, sigma_wn=0.0) == replace(CELL, sigma_wn=0.0, reading="unscaled")
    assert CELL != replace(CELL, reading="unscaled")


@pytest.mark.long
def test_an_interrupted_reproduction_computes_nothing_twice(plan, tmp_path):
    class Stop(Exception):
        pass

    def stop(done, total):
        if done:
            raise Stop

    with pytest.raises(Stop):
        reproduce(plan, on_cells=stop)
    file = plan.folder / "cells.jsonl"
    assert len(file.read_text().splitlines()) == len(RELATIVE_RATES) * 3  # the first batch
    entries = reproduce(plan)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    cells = [tuple(line[name] for name in Cell.__dataclass_fields__) for line in lines]
    assert len(cells) == len(set(cells))
    assert [line["split"] for line in lines].count("validation") == len(RELATIVE_RATES) * 3  # σ 0 once
    kept = file.read_bytes()
    assert reproduce(plan) == entries
    assert file.read_bytes() == kept
    fresh = reproduce(replace(plan, folder=tmp_path / "fresh"))
    assert [e.score for e in fresh] == [e.score for e in entries]


KILLED = """
import os, signal
from meta.commands import cli
from meta.reproduction.cells import ResultFile

append, batches = ResultFile.append, []

def append_twice_and_die(file, results):
    append(file, results)
    batches.append(len(results))
    if len(batches) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

ResultFile.append = append_twice_and_die
cli.main()
"""
"""The command, killed by no choice of its own once two batches of cells are on the file."""


@pytest.mark.slow
def test_kill_9_loses_no_cell_and_the_tables_are_those_of_a_run_never_killed(
    command, pictures, trained, tmp_path
):
    def words(folder):
        how = ("--dataset", "folder", "--data", pictures, "--networks", trained, "--ways", 2)
        grid = ("--methods", "roa,roa-flr,offline", "--sigma-wn", "0,1", "--budget", 0.005)
        return [str(word) for word in ("reproduce", "table2", *how, *grid, "-o", tmp_path / folder)]

    killed = subprocess.run(
        [sys.executable, "-c", KILLED, *words("killed")], capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    cells, table = tmp_path / "killed" / "cells.jsonl", tmp_path / "killed" / "table2.md"
    before = cells.read_bytes()
    assert len(before.splitlines()) > 1
    assert not table.exists()
    for folder in ("killed", "whole"):
        code, _, _ = command(cli.main, *words(folder))
        assert code == 0
    after, whole = cells.read_bytes(), (tmp_path / "whole" / "cells.jsonl").read_bytes()
    assert after.startswith(before)
    assert after == whole  # every cell once, none of them again
    for name in ("table2.md", "table2.csv"):
        ours, theirs = ((tmp_path / f / name).read_text() for f in ("killed", "whole"))
        assert ours.replace(str(tmp_path / "killed"), str(tmp_path / "whole")) == theirs


@pytest.mark.long
def test_repeats_are_averaged_and_each_is_kept(plan, trained, tmp_path):
    """Two networks trained alike but for the seed: every cell on each of them, and their mean."""
    network = Network(Architecture(ways=2, filters=4), torch.Generator().manual_seed(5))
    training = {"method": "roa", "dataset": "folder", "iterations": 5, "batch": 2, "seed": 8}
    again = tmp_path / "again" / "best.safetensors"
    network.save(again, training=training, epoch={"epoch": 3, "accuracy_noise": 0.5})
    study = replace(plan.study, methods=("roa",))
    alone, other, both = (
        reproduce(replace(plan, study=study, networks=folders, folder=tmp_path / name))
        for name, folders in (
            ("first", (trained,)),
            ("second", (again.parent,)),
            ("both", (trained, again.parent)),
        )
    )
    for one, two, mean in zip(alone, other, both, strict=True):
        assert [source.seed for source in mean.sources] == [7, 8]
        assert mean.score.results == (*one.score.results, *two.score.results)
        assert mean.score.accuracy == pytest.approx((one.score.accuracy + two.score.accuracy) / 2)
        assert mean.score.ci95 >= np.hypot(one.score.ci95, two.score.ci95) / 2 - 1e-12
    seeds = {result.cell.seed for entry in both for result in entry.score.results}
    assert seeds == {7, 8}  # of tasks and noise, too
    grid = grids(replace(plan, study=study), both)[0]
    assert grid.budgets[0] == ["2", "3", "30 to 40"]
    lines = (tmp_path / "both" / "cells.jsonl").read_text().splitlines()
    assert len(lines) == sum(
        len((tmp_path / name / "cells.jsonl").read_text().splitlines()) for name in ("first", "second")
    )


def test_networks_trained_for_more_ways_fill_cells(plan, trained):
    """They leave columns out; where there is none, the command says how to train one."""
    network = Network(Architecture(ways=3, filters=4), torch.Generator().manual_seed(1))
    training = {"method": "roa", "dataset": "folder", "iterations": 5, "batch": 2, "seed": 7}
    network.save(trained / "three.safetensors", training=training, epoch={"epoch": 1})
    few = replace(plan, study=replace(plan.study, methods=("roa-flr", "roa-wc")), readings=("literal",))
    found = {entry.place: entry for entry in reproduce(replace(few, trained_ways=3))}
    own = {entry.place: entry for entry in reproduce(few)}
    for place, entry in found.items():
        assert place.ways == 2
        if place.method == "roa-flr":
            assert [source.ways for source in entry.sources] == [3]
            assert [source.ways for source in own[place].sources] == [2]
        else:
            assert "--method roa-wc --dataset folder --ways 3 " in entry.missing


def test_repeats_are_networks_of_one_recipe(tmp_path):
    def save(name, seed, score, **other):
        training = {"method": "roa", "dataset": "folder", "iterations": 5, "seed": seed, **other}
        network = Network(Architecture(ways=2, filters=4), torch.Generator().manual_seed(seed))
        network.save(tmp_path / f"{name}.safetensors", training=training,
                     epoch={"epoch": 0, "accuracy_noise": score})  # fmt: skip

    save("a", 1, 0.8)
    save("b", 2, 0.7)
    save("worse", 2, 0.6)
    save("other", 3, 0.1, filters=9)
    save("of now", 3, 0.7, head_rate=1.0)  # records of before lack the key
    found = Networks([tmp_path]).find("roa-flr", "folder", 2)
    assert [source.path.stem for source in found] == ["a", "b", "of now"]


def test_networks_of_another_device_are_of_another_recipe_and_ask_for_it(plan, trained):
    (best,) = trained.rglob("new/best.safetensors")
    network = Network.load(best)
    ours = load_device("zhang2021")
    network.save(best, **network.note | {"device": ours.to_dict()})
    (found,) = Networks([trained]).find("roa", "folder", 2)
    assert found.device is None  # Table 1, at whatever scale
    other = replace(ours, name="mine", pulses=replace(ours.pulses, depression_width=1e-5))
    network.save(best, **network.note | {"device": other.to_dict()})
    (again,) = Networks([trained]).find("roa", "folder", 2)
    assert (again.path, again.device) == (best, other.to_dict())
    assert again.recipe != found.recipe
    with pytest.raises(InputError, match="was trained on another device than Table 1's; name the one"):
        reproduce(replace(plan, device=default_device()))


def test_the_interval_of_repeats():
    assert interval_over_repeats([0.5], [0.02]) == 0.02
    assert interval_over_repeats([0.5, 0.5], [0.03, 0.04]) == pytest.approx(0.025)  # sqrt(9 + 16) / 2
    assert interval_over_repeats([0.1, 0.2, 0.3], [0.0] * 3) == pytest.approx(4.302653 * 0.1 / 3**0.5)
    rng = np.random.default_rng(0)
    n, tasks, networks = 4, 0.01, 0.02
    means = networks * rng.standard_normal((2000, n)) + tasks * rng.standard_normal((2000, n))
    inside = [abs(np.mean(row)) <= interval_over_repeats(row, [1.96 * tasks] * n) for row in means]
    assert 0.94 < np.mean(inside) < 0.99


def test_processes_give_the_same_results(plan, tmp_path):
    few = replace(plan, study=replace(plan.study, methods=("roa-flr",)), readings=("literal",))
    alone, shared = reproduce(few), reproduce(replace(few, jobs=2, folder=tmp_path / "shared"))
    assert [e.score for e in alone] == [e.score for e in shared]


def test_no_dask_scheduler_is_one_line(plan):
    with pytest.raises(InputError, match="no Dask scheduler answers"):
        reproduce(replace(plan, scheduler="nonsense://x"))


def test_tables_mark_budget_interval_and_what_is_missing(plan):
    entries = reproduce(plan)
    literal, unscaled = grids(plan, entries)
    assert [row[0] for row in literal.rows] == ["roa", "roa-flr", "roa-wc", "ideal"]
    assert literal.rows[0][1] == unscaled.rows[0][1]
    assert "±" in literal.rows[0][1]
    assert "×" in literal.rows[0][1]
    assert "×" not in literal.rows[1][1]
    assert literal.rows[2][1:] == ["–", "–"]
    assert literal.budgets[0] == ["1", "3", "30"]
    assert literal.budgets[2] == ["none", "–", "–"]
    text = markdown(plan, entries, "roa-meta reproduce table2")
    assert "roa-meta train --method roa-wc --dataset folder --ways 2" in text
    assert all(entry.score is None for entry in entries if entry.place.method == "roa-wc")


def test_the_best_network_of_a_folder_is_used_before_the_shipped_one(trained):
    (found,) = Networks([trained]).find("offline", "folder", 2)
    assert (found.path.parent.name, found.path.name, found.seed) == ("new", "best.safetensors", 7)
    assert found.training_tasks == 30
    (shipped,) = Networks([trained]).find("roa", "omniglot", 5)
    assert shipped.path.name == "omniglot_5way.safetensors"
    assert Networks().find("roa-robust", "omniglot", 13)
    assert Networks().find("roa", "omniglot", 13) == ()
    assert Networks().find("roa", "miniimagenet", 5) == ()
    twice = {"start": {"training": {"iterations": 3, "batch": 2}, "epoch": {"epoch": 1}}}
    assert training_tasks(twice) == 12


def test_orderings_hold_overlap_or_are_reversed(plan):
    from meta.reproduction.plans import Entry, Place

    def entry(method, accuracy):
        place = Place(method=method, ways=5, sigma_wn=4.0, reading="literal")
        return Entry(place=place, score=Score(results=(result(accuracy=accuracy),)))

    text = orderings([entry("roa", 0.8), entry("five-step", 0.5), entry("roa-wc", 0.79),
                      entry("roa-flr", 0.9)])  # fmt: skip
    assert [line.rsplit(": ", 1)[1] for line in text] == ["holds", "the intervals overlap", "reversed"]


def test_methods_on_the_same_networks_are_compared_network_by_network(plan, trained):
    from meta.reproduction.plans import Entry, Place

    (source,) = Networks([trained]).find("roa", "folder", 2)
    sources = (source, replace(source, seed=8), replace(source, seed=9))

    def entry(method, accuracies, sources=sources):
        place = Place(method=method, ways=5, sigma_wn=4.0, reading="literal")
        results = tuple(result(accuracy=accuracy) for accuracy in accuracies)
        return Entry(place=place, score=Score(results=results), sources=sources)

    far, near, mixed = (0.4, 0.6, 0.8), (0.35, 0.54, 0.74), (0.3, 0.65, 0.75)
    (line,) = orderings([entry("roa", far), entry("roa-flr", near)])
    assert line.endswith("holds, network by network")
    (line,) = orderings([entry("roa", far), entry("roa-flr", mixed)])
    assert line.endswith("the networks do not agree")
    (line,) = orderings([entry("roa", far), entry("roa-wc", near, sources[:2] + sources[:1])])
    assert line.endswith("the intervals overlap")


def test_a_budget_of_one_is_the_papers_own():
    how = Budget().training("five-step", "omniglot", 20)
    assert (how.method, how.epochs, how.iterations, how.batch) == ("maml++", 100, 500, 8)
    assert Budget().test_tasks == 600
    small = Budget(share=0.001)
    assert (small.test_tasks, small.validation_tasks) == (2, 2)
    assert train_command(Training(ways=20, seed=1), "runs/a") == (
        "roa-meta train --ways 20 --seed 1 -o runs/a"
    )
    for wrong in (0.0, -1.0, float("nan"), 11.0):
        with pytest.raises(InputError, match="budget"):
            Budget(share=wrong)
    with pytest.raises(InputError, match="did you mean 'table2'"):
        find_study("table3")


@pytest.mark.long
def test_the_command_trains_evaluates_and_draws(command, pictures, tmp_path):
    roa_meta, out = partial(command, cli.main), tmp_path / "out"
    how = ("--dataset", "folder", "--data", pictures, "--ways", 2, "--budget", 0.0001, "-o", out)
    code, said, _ = roa_meta(
        "reproduce", "figure4", *how, "--sigma-wn", "0,0.3", "--reading", "literal", "--train"
    )
    assert code == 0
    assert "validation" in said
    assert (out / "networks" / "roa-2way-seed0" / "best.safetensors").exists()
    assert (out / "figure4_literal.png").read_bytes()[1:4] == b"PNG"
    rows = list(csv.DictReader((out / "figure4.csv").read_text().splitlines()))
    assert {row["method"] for row in rows} == {"offline", "roa", "ideal"}
    assert all(0 <= float(row["accuracy"]) <= 1 for row in rows)
    assert "adapted in one write over written offline" in (out / "figure4.md").read_text()
    code, said, _ = roa_meta("reproduce", "figure6", *how, "--sigma-wn", "0", "--reading", "literal")
    assert code == 0
    assert (out / "figure6_literal.png").exists()
    for wrong, complaint in (
        (("tabel2",), "did you mean 'table2'"),
        (("table2", "--methods", "rao"), "did you mean 'roa'"),
        (("table2", "--reading", "litteral"), "did you mean 'literal'"),
        (("table2", "--networks", tmp_path / "nowhere"), "no such folder"),
        (("table2", "--budget", 0), "--budget 0"),
    ):
        code, _, err = roa_meta("reproduce", *wrong, "--dataset", "folder", "--data", pictures)
        assert code == 2
        assert complaint in err


@pytest.mark.long
def test_training_what_is_there_already_is_said_to_change_nothing(command, pictures, trained, tmp_path):
    code, _, err = command(
        cli.main,
        *("reproduce", "table2", "--dataset", "folder", "--data", pictures, "--networks", trained),
        *("--methods", "roa", "--ways", "2", "--sigma-wn", "0", "--budget", "0.005", "--train"),
        *("-o", tmp_path / "out", "--json", tmp_path / "j.json"),
    )
    assert (code, "--train ignored: no network is missing" in err) == (0, True)
    assert json.loads((tmp_path / "j.json").read_text())["ignored"] == ["train"]


@pytest.mark.long
def test_missing_repeats_are_trained(plan, trained):
    study = replace(plan.study, methods=("roa", "roa-flr"), sigmas=(0.0,))
    plan = replace(plan, study=study, repeats=2, seed=6, budget=Budget(share=1e-4))
    told = []
    train_missing(plan, on_epoch=lambda name, row: told.append(name))
    assert dict.fromkeys(told) == {"roa-2way-seed6": None}  # 7 is there
    assert (trained / "roa-2way-seed6" / "best.safetensors").exists()


def test_every_ingredient_of_the_ablation_is_an_option_of_training():
    plan = Ablation(dataset="glyphs", data=None, device=load_device("zhang2021"), budget=Budget(),
                    folder=None)  # fmt: skip
    runs = {one.name: plan.training(one) for one in INGREDIENTS}
    base = vars(runs["base"])
    changed = {
        name: {key for key, value in vars(run).items() if value != base[key]}
        for name, run in runs.items()
    }
    assert changed.pop("one-task") == {"batch", "iterations"}
    assert changed.pop("base") == set()
    assert all(len(keys) == 1 for keys in changed.values())
    seen = {run.epochs * run.iterations * run.batch for run in runs.values()}
    assert len(seen) == 1


@pytest.mark.long
def test_a_small_ablation_goes_on_where_it_stopped(tmp_path):
    data = draw_pictures(tmp_path / "data", {"train": 20, "validation": 20, "test": 1})
    plan = Ablation(
        dataset="folder", data=data, device=load_device("zhang2021"), budget=Budget(share=1e-4),
        folder=tmp_path, ingredients=(INGREDIENTS[4],),
    )  # fmt: skip
    rows = plan.run()
    assert [(row.ways, row.sigma_wn) for row in rows] == [(5, 0.0), (5, 4.0), (20, 0.0), (20, 4.0)]
    assert Network.load(tmp_path / "64-pulses" / "last.safetensors").max_pulses == 64
    kept = (tmp_path / "cells.jsonl").read_bytes()
    assert plan.run() == rows
    assert (tmp_path / "cells.jsonl").read_bytes() == kept
    assert "… but 64 pulses a cell allowed" in ablation_markdown(rows, "roa-meta reproduce ablation")
