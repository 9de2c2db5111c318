"""A head of one's own: asked for what is written, which then meets the cells as any other head does."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

import netlists.commands.cli as spice
from meta.circuits.subject import NetworkSubject
from meta.commands import cli
from meta.data.tasks import Tasks, sample_task, stack
from meta.evaluation.cycle import ADAPTATION, full_cycle
from meta.evaluation.evaluate import evaluate
from meta.evaluation.head_fit import head_fit
from meta.learning.hardware import WriteModel
from meta.learning.head import features_of, with_own_head, write_losses
from meta.learning.learners import adapt, query_loss
from meta.learning.writing import Writing
from meta.network import rules
from meta.network.architecture import HEAD, Architecture
from meta.network.convolutional import Network
from meta.network.filling import filled
from meta.network.methods import METHODS
from meta.network.rules import adopt_rule
from meta.training.configuration import Training
from meta.training.pretrain import pretrain
from meta.training.pretraining import Pretraining
from roa_circuit.basics.errors import InputError
from roa_circuit.chips.consumption import published
from roa_circuit.circuit.design_point import default_device
from roa_circuit.circuit.mapping import Mapping
from roa_circuit.device.programming import Programming

CODE = '''
import torch
from torch.nn import functional as F

thing = 3

def usual(features, labels, ways):
    """The head that there is, at the rate of an untrained network."""
    own = F.one_hot(labels, ways).to(features.dtype)
    return 0.6 * (own - 1.0 / ways).T @ features / (len(labels) // ways)
def means(features, labels, ways):
    features -= features.mean(0)  # which no one else may notice
    sums = F.one_hot(labels, ways).to(features.dtype).T @ features
    return 0.3 * sums / sums.square().mean().sqrt()
def outside(features, labels, ways):
    """Not of torch, and so without a gradient."""
    return torch.from_numpy(means(features, labels, ways).numpy(force=True).astype("float64"))
def ladder(features, labels, ways):
    """A few known changes."""
    steps = torch.tensor([-0.2, 0.1, 0.4, 1.9, 0.0])
    return steps[torch.arange(ways * features.shape[1]) % 5].view(ways, -1)
def wide(features, labels, ways): return features[:ways, :-1]
def images(features, labels, ways): return features
def nan(features, labels, ways): return features[:ways] * float("nan")
def few(features, labels, ways): return features[:ways] * (float("inf") if len(labels) == ways else 0.1)
def complexes(features, labels, ways): return 1j * features[:ways]
def a_list(features, labels, ways): return features[:ways].tolist()
def broken(features, labels, ways): return features.nothing
def two(features, labels): return features
'''
PAIR = Mapping.parse("pair")


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A working directory with the code above, whose names are forgotten afterwards."""
    (tmp_path / "ownheads.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    before = dict(rules._OWN)
    yield tmp_path
    rules._OWN.clear()
    rules._OWN.update(before)
    sys.modules.pop("ownheads", None)


def small(**how):
    how = Architecture(filters=4, last_filters=6, erased=0.02, **how)
    network = Network(how, torch.Generator().manual_seed(0)).eval()
    if how.centred:
        network.get_buffer("mean_features").fill_(0.02)
    return network


def named(network, name):
    return with_own_head(network, adopt_rule("head", f"ownheads:{name}"))


def a_task(bars, seed=0, **changes):
    how = {"ways": 5, "shots": 2, "queries": 3, **changes}
    return sample_task(bars.split("train"), np.random.default_rng(seed), **how)


def model(mapping=PAIR, **changes):
    how = Programming(max_pulses=4, **changes)
    return WriteModel(device=default_device(), how=how, mapping=mapping)


def writing(mapping=PAIR, **changes):
    return Writing(
        method=METHODS["roa-robust"],
        programming=model(**changes).how,
        mapping=mapping,
        relative_rate=1.0,
    )


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("wide", r"returned shape \(3, 4\) for 3 ways of 5 features; give \(ways, features\)"),
        ("images", r"returned shape \(6, 5\) for 3 ways"),
        ("nan", "gives changes that are not finite, 3-way 2-shot"),
        ("complexes", "returned complex numbers"),
        ("a_list", "returned list, not a tensor"),
        ("broken", "fails: AttributeError"),
        ("two", "fails: TypeError"),
        ("thing", "no function 'thing'"),
        ("usuall", "did you mean 'usual'"),
    ],
)
def test_what_is_no_head_is_refused_in_a_line(own, command, name, says):
    asked = ("--method", "roa-robust", "--dataset", "glyphs", "--head", f"ownheads:{name}")
    code, _, error = command(cli.main, "evaluate", *asked)
    assert code == 2
    assert error.count("\n") == 1
    with pytest.raises(InputError, match=says):
        adopt_rule("head", f"ownheads:{name}")


def test_a_head_that_fails_later_is_refused_then(own, bars):
    network = named(small(), "few")
    adapt(network, a_task(bars), model())
    with pytest.raises(InputError, match="not finite, 5-way 1-shot"):
        adapt(network, a_task(bars, shots=1), model())


@pytest.mark.parametrize("mapping", ["pair", "reference"])
@pytest.mark.parametrize("how", [{}, {"centred": True}, {"centred": True, "cells_per_feature": 3}])
def test_the_usual_head_by_name_writes_the_same(own, bars, how, mapping):
    network, task = small(**how), a_task(bars)
    write = model(Mapping.parse(mapping), sigma_wn=1.0)
    one, other = (
        adapt(net, task, write, relative_rate=2.0, rng=np.random.default_rng(3))
        for net in (network, named(network, "usual"))
    )
    assert one.pulses[HEAD].any()
    assert torch.equal(one.pulses[HEAD], other.pulses[HEAD])
    assert torch.allclose(one.weights[HEAD], other.weights[HEAD], atol=1e-5)


@pytest.mark.parametrize(
    "how", [{}, {"cells_per_feature": 2}, {"centred": True, "cells_per_feature": 2}]
)
def test_outputs_are_the_features_times_the_changes(own, bars, how):
    """Of rows that drive voltages >= 0 and cells that start erased, whose share all classes have."""
    network, task = named(small(**how), "means"), a_task(bars)
    adapted = adapt(network, task)
    with torch.no_grad():
        _, logits = query_loss(network, task, adapted)
        weights = network.initial_weights()
        support, query = (
            features_of(network.architecture, network.features(x, weights, 0))
            for x in (task.support, task.query)
        )
        assert (query < 0).any() == bool(how.get("centred"))
        wanted = query @ rules.adopted("head", "ownheads:means")(support, task.support_labels, 5).T
    found = logits / network.log_gain.exp()
    found, wanted = (x - x.mean(1, keepdim=True) for x in (found, wanted))
    assert torch.allclose(found, wanted, rtol=1e-4, atol=1e-4 * wanted.abs().max().item())


def test_a_head_gets_features_of_its_own(own, bars):
    """`means` changes what it gets."""
    network = named(small(), "means")
    inputs = network.features(a_task(bars).support, network.initial_weights(), 0).detach()
    kept = inputs.clone()
    adapt(network, replace(a_task(bars), support=inputs), model())
    assert torch.equal(inputs, kept)


def test_a_stack_is_written_as_its_tasks_are(own, bars):
    network, tasks = named(small(), "means"), [a_task(bars), a_task(bars, seed=4)]
    together = adapt(network, stack(tasks), model())
    for index, task in enumerate(tasks):
        alone = adapt(network, task, model())
        assert torch.equal(together.pulses[HEAD][index], alone.pulses[HEAD])


def test_the_outer_gradient_goes_through_the_head(own, bars):
    network, tasks = small().double().train(), stack([a_task(bars)])
    weight = network.weights["conv4"]

    def loss(name):
        found, _ = write_losses(
            named(network, name), tasks, [None], rng=np.random.default_rng(0), dtype=torch.float64
        )
        return found

    (through,) = torch.autograd.grad(loss("means"), weight)
    (around,) = torch.autograd.grad(loss("outside"), weight)
    place, flat, found = int(through.abs().argmax()), weight.data.view(-1), []
    for shift in (1e-6, -1e-6):
        flat[place] += shift
        found.append(loss("means").item())
        flat[place] -= shift
    slope = (found[0] - found[1]) / 2e-6
    assert through.flatten()[place].item() == pytest.approx(slope, rel=1e-4)
    assert around.flatten()[place].item() != pytest.approx(slope, rel=1e-2)


def test_what_the_cells_cannot_take_is_counted_and_said(own, bars):
    """A pulse on an erased cell is a rise of 0.31; four one of 0.636. One cell alone has twice its g.

    Of every four changes that are not 0: -0.2, 0.1, 0.4 and 1.9.
    """
    network, task = named(small(), "ladder"), a_task(bars)
    pairs = head_fit(network, task, writing())
    assert (pairs.below, pairs.beyond) == (0.0, pytest.approx(0.25, abs=0.01))
    assert pairs.idle == pytest.approx(0.25, abs=0.01)  # 0.1
    one = head_fit(network, task, writing(Mapping.parse("reference")))
    shares = one.below, one.beyond, one.idle
    assert shares == pytest.approx((0.25, 0.25, 0.25), abs=0.01)
    assert "25.0 % are below 0, and a single erased cell can only rise (--mapping pair)" in one.said
    assert "below 0" not in pairs.said
    twice = head_fit(network, task, replace(writing(), relative_rate=2.0))
    assert (twice.beyond, twice.idle) == (
        pytest.approx(0.5, abs=0.01),
        0.0,
    )  # 0.8 is beyond, 0.2 a pulse
    assert head_fit(small(), task, writing()) is None


def test_an_evaluation_says_what_the_head_is_worth_without_cells(own, bars):
    network = named(small(), "means")
    tasks = Tasks(dataset=bars, shots=2, queries=4, seed=1)
    rows = evaluate(network, tasks, writing(), count=6, sigmas=(0.0, 4.0))
    assert [row.head for row in rows] == ["ownheads:means"] * 2
    right, rng = [], np.random.default_rng([1, 1])
    for _ in range(6):
        task = tasks.draw(rng, 5)
        features = [
            network.features(x, network.initial_weights(), 0) for x in (task.support, task.query)
        ]
        support, query = (x.detach() for x in features)
        centres = (support - support.mean(0)).view(5, 2, -1).mean(1)
        right.append(((query @ centres.T).argmax(1) == task.query_labels).double().mean().item())
    assert rows[0].digital == rows[1].digital == pytest.approx(np.mean(right))
    assert rows[0].accuracy > 0.4  # chance is 0.2
    assert rows[0].write_energy > 0
    assert rows[0].erase_energy > 0
    (usual,) = evaluate(small(), tasks, writing(), count=2, sigmas=(0.0,))
    assert (usual.head, usual.digital) == (None, None)


def test_noise_of_the_write_moves_the_cells_that_an_own_head_writes(own, bars):
    network, task = named(small(), "means"), a_task(bars)
    still, noisy = (
        adapt(network, task, model(sigma_wn=s), rng=np.random.default_rng(0)) for s in (0.0, 1.0)
    )
    assert torch.equal(still.pulses[HEAD], noisy.pulses[HEAD])
    written = (still.pulses[HEAD] != 0) | (still.writes[0].minus[HEAD] != 0)
    assert bool(written.any())
    moved = still.weights[HEAD] != noisy.weights[HEAD]
    assert bool((moved <= written).all())
    assert moved.sum() > 0.5 * written.sum()


def test_operations_of_an_own_head_are_said_to_be_left_out(own, bars):
    task = a_task(bars)
    cycles = [
        full_cycle(network, task, writing(), published())
        for network in (small(), named(small(), "means"))
    ]
    usual, mine = (
        [one for one in c.items if "digital" in one.name and one.part == ADAPTATION] for c in cycles
    )
    assert usual[-1].name == "gradient, digital"
    assert (mine[-1].name, mine[-1].energy) == ("own head, digital: not counted", 0.0)


def test_a_head_stands_on_an_erased_one_and_has_no_rate(own):
    mine = adopt_rule("head", "ownheads:means")
    with pytest.raises(InputError, match="this network learned its head"):
        with_own_head(Network(Architecture(filters=2)), mine)
    with pytest.raises(InputError, match="head: of an erased head; roa learns its own"):
        Training(head=mine)
    with pytest.raises(InputError, match=r"head_rate = 0\.6: of the usual head"):
        Pretraining(head=mine, head_rate=0.6)
    how = Training(method="roa-robust", head=mine, head_rate=2.0, rate_scale=2.0)
    assert sorted(how.idle) == ["head_rate", "rate_scale"]
    with pytest.raises(InputError, match=r"give --head ownheads:usual, or call meta\.adopt_rule"):
        Training(method="roa-robust", head="ownheads:usual")


def test_a_file_never_runs_its_head_by_itself(own):
    network = named(small(), "means")
    network.save(own / "n.safetensors", training={"method": "roa-robust", "head": "ownheads:means"})
    assert Network.load(own / "n.safetensors").with_ways(3).rules.head == "ownheads:means"
    assert filled(network).rules == network.rules
    rules._OWN.clear()
    with pytest.raises(InputError, match="give --head ownheads:means, or call"):
        Network.load(own / "n.safetensors")


def test_a_sweep_takes_no_points_of_another_head_or_of_other_code(own, bars):
    def described(network):
        return NetworkSubject(network=network, tasks=Tasks(dataset=bars), writing=writing()).describe()

    usual, mine = described(small()), described(named(small(), "means"))
    assert "own_code" not in usual
    assert {k: v for k, v in mine.items() if k != "own_code"} == usual
    assert mine["own_code"]["head"].startswith("ownheads:means ")
    (own / "ownheads.py").write_text(CODE.replace("0.3 *", "0.4 *"))
    assert described(named(small(), "means")) != mine


@pytest.mark.long
def test_a_pretraining_is_validated_with_the_head(own, bars, tmp_path):
    how = Pretraining(
        filters=3, epochs=1, batch=80, warm_up=4, learning_rate=0.2, validate_every=1,
        validation_tasks=3, turned_classes=False, head=adopt_rule("head", "ownheads:means"),
    )  # fmt: skip
    rows = []
    network = pretrain(bars, how, tmp_path / "run", on_epoch=rows.append)
    assert rows[0].rate is None
    assert rows[0].accuracy_noise > 0.2
    assert network.rules.head == "ownheads:means"
    both = replace(how, classes="train+validation")  # no rate is left to choose
    assert pretrain(bars, both, tmp_path / "both").is_finite()


TRAINED = (
    "--method", "roa-robust", "--filters", 4, "--ways", 3, "--epochs", 1, "--iterations", 2,
    "--batch", 2, "--validation-tasks", 2, "--mapping", "pair", "--dataset", "glyphs",
)  # fmt: skip


@pytest.mark.long
@pytest.mark.ngspice
def test_commands_train_evaluate_and_verify_an_own_head(own, command):
    """As the guide has it, from the training to a head that ngspice writes and reads."""

    def ran(*words, main=cli.main):
        code, out, error = command(main, *words)
        return code, out + " ".join(error.split())

    mine, network = ("--head", "ownheads:means"), ("--network", "run/last.safetensors")
    assert ran("train", *TRAINED, *mine, "-o", "run")[0] == 0
    assert 'head = "ownheads:means"' in (own / "run" / "config.toml").read_text()
    (own / "c.toml").write_text('[lines]\n"r_word [Ohm]" = 1.0\n"r_bit [Ohm]" = 1.0\n')
    asked = (*network, "--dataset", "glyphs", "--tasks", 2, "--sigma-wn", "0,1", "--json", "e.json")
    code, said = ran("evaluate", *asked, *mine, "--circuit", "c.toml")
    assert code == 0, said
    found = json.loads((own / "e.json").read_text())
    assert [row["head"] for row in found["rows"]] == ["ownheads:means"] * 2
    assert found["rows"][0]["agreement"] > 0.9
    assert found["head"]["below"] == 0
    assert "wants for the first task" in said
    adapted = (*network, "--dataset", "glyphs", "--queries", 2, "-o", "layers", "--json", "a.json")
    assert ran("adapt", *adapted, *mine)[0] == 0
    assert json.loads((own / "a.json").read_text())["provenance"]["head"] == "ownheads:means"
    verified = ("--layer", "layers/fc.npz", "--json", "v.json", "--analysis", "collocation")
    code, said = ran("verify", *verified, main=spice.main)
    assert code == 0, said
    result = json.loads((own / "v.json").read_text())
    assert result["max_state_error"] < 5e-3
    assert result["max_relative_current_error"] < 1e-5
    rules._OWN.clear()
    for words in (("evaluate", *asked), ("adapt", *adapted), ("train", "--resume", "-o", "run")):
        code, said = ran(*words)
        assert code == 2
        assert "--head ownheads:means" in said
