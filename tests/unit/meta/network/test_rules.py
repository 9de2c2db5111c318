"""Rules of one's own: checked when they are adopted, followed by inner steps, never run from a file."""

import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from meta.commands.cli import main
from meta.data.sampler import drawn
from meta.data.tasks import Task, TaskSource, stack
from meta.learning.learners import inner_steps, outer_loss
from meta.network import rules
from meta.network.architecture import Architecture
from meta.network.convolutional import Network
from meta.network.rules import Rules, adopt_rule
from meta.training.configuration import Training
from roa_circuit.basics.errors import InputError

CODE = '''
import numpy as np
import torch
from torch.nn import functional as F

def plain(logits, labels): return F.cross_entropy(logits, labels)
def squares(logits, labels):
    return F.mse_loss(logits, F.one_hot(labels, logits.shape[-1]).to(logits.dtype))
def each(logits, labels): return F.cross_entropy(logits, labels, reduction="none")
def stopped(logits, labels): return F.cross_entropy(logits.detach(), labels)
def flat(logits, labels): return 0 * logits.sum()
def number(logits, labels): return 3.0
def broken(logits, labels): return logits.nothing
def infinite(logits, labels): return logits.sum() / 0

def scaled(name, step, learned, weight, gradient):
    return learned * (1 + weight.abs()) / (0.1 + gradient.norm())
def head(name, step, learned, weight, gradient):
    return learned if name.startswith("fc") else torch.zeros_like(learned)
def rows(name, step, learned, weight, gradient): return learned.expand(2)
def backwards(name, step, learned, weight, gradient): return -learned

def few(images, rng, *, ways, drawings):
    """From the first classes alone."""
    chosen = [rng.permutation(images.shape[1])[:drawings] for _ in range(ways)]
    return rng.permutation(ways), np.stack(chosen)
def twice(images, rng, *, ways, drawings): return [1] * ways, [list(range(drawings))] * ways
def beyond(images, rng, *, ways, drawings):
    return [*range(ways - 1), len(images)], [list(range(drawings))] * ways
def short(images, rng, *, ways, drawings): return range(ways), [[0]] * ways
def lost(images, rng, *, ways, drawings): raise LookupError("no such class")
'''


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A working directory with the code above, whose names are forgotten afterwards."""
    (tmp_path / "ownrules.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    before = dict(rules._OWN)
    yield tmp_path
    rules._OWN.clear()
    rules._OWN.update(before)
    sys.modules.pop("ownrules", None)


def named(**kinds):
    return Rules(**{kind: adopt_rule(kind, f"ownrules:{name}") for kind, name in kinds.items()})


def small(steps=1):
    generator = torch.Generator().manual_seed(3)
    return Network(Architecture(ways=3, filters=2, size=16, steps=steps), generator).double()


def task(seed=0, queries=2):
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(3 + 3 * queries, 1, 16, 16, generator=generator, dtype=torch.float64)
    labels = torch.arange(3)
    return Task(images[:3], labels, images[3:], labels.repeat_interleave(queries))


def steps_of(network, some):
    weights = network.initial_weights()
    if some.is_stack:
        weights = {name: w.expand(len(some), *w.shape) for name, w in weights.items()}
    return inner_steps(network, weights, some, 0, passage=_exact)


def _exact(network, images, weights, step):
    return network(images, weights, step)


@pytest.mark.parametrize(
    ("kind", "name", "says"),
    [
        ("inner_loss", "each", r"returned shape \(6,\); one number"),
        ("inner_loss", "stopped", "has no gradient to the logits"),
        ("inner_loss", "flat", "has no gradient to the logits"),
        ("inner_loss", "number", "returned float, not a tensor"),
        ("inner_loss", "broken", "fails: AttributeError"),
        ("inner_loss", "infinite", "is not finite"),
        ("rate_rule", "rows", r"returned shape \(2,\) for weights \(3, 4\)"),
        ("rate_rule", "backwards", "not finite and 0 or more"),
        ("rate_rule", "number", "fails: TypeError"),
        ("rate_rule", "scale", "did you mean 'scaled'"),
        ("outer_loss", "plain", "rule 'outer_loss' is unknown"),
    ],
)
def test_what_is_no_rule_is_refused_in_a_line(own, kind, name, says):
    with pytest.raises(InputError, match=says) as error:
        adopt_rule(kind, f"ownrules:{name}")
    assert "\n" not in str(error.value)
    assert (kind, f"ownrules:{name}") not in rules._OWN


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("twice", "some classes twice in one task"),
        ("beyond", "classes up to 7; there are 0 to 6"),
        ("short", r"drawings of shape \(3, 1\)"),
        ("lost", "sampler fails: LookupError: no such class"),
    ],
)
def test_a_sampler_is_checked_on_the_images_of_the_training(own, name, says):
    sampler = rules.adopted("sampler", adopt_rule("sampler", f"ownrules:{name}"))
    images = torch.zeros(7, 5, 1, 16, 16, dtype=torch.uint8)
    with pytest.raises(InputError, match=says):
        TaskSource(images=images, ways=3, shots=1, queries=2, rotate=False, sampler=sampler)


def test_a_source_has_the_classes_and_drawings_that_the_sampler_chooses(own):
    sampler = rules.adopted("sampler", adopt_rule("sampler", "ownrules:few"))
    images = torch.arange(7 * 5, dtype=torch.uint8).view(7, 5, 1, 1, 1).expand(-1, -1, -1, 16, 16)
    source = TaskSource(images=images, ways=3, shots=2, queries=1, rotate=False, sampler=sampler)
    got = source.draw(np.random.default_rng(4), 2)
    classes, drawings = drawn(sampler, images, np.random.default_rng(4), 2, 3, 3)
    wanted = torch.from_numpy(5 * classes[..., None] + drawings)
    assert torch.equal((255 * got.support[..., 0, 0, 0]).round().long(), wanted[..., :2].flatten(1))
    assert torch.equal((255 * got.query[..., 0, 0, 0]).round().long(), wanted[..., 2:].flatten(1))
    assert set(classes.flatten().tolist()) == {0, 1, 2}


@pytest.mark.long  # compiles kernels where it comes first
def test_the_usual_loss_by_name_changes_no_bit(own):
    network = small()
    before = steps_of(network, task())
    network.rules = named(inner_loss="plain")
    after = steps_of(network, task())
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_step_is_that_of_the_own_loss_and_rates(own):
    network, one = small(), task()
    network.rules = named(inner_loss="squares", rate_rule="scaled")
    found = steps_of(network, one)
    weights = network.initial_weights()
    logits = network(one.support, weights, 0)
    loss = ((logits - F.one_hot(one.support_labels, 3)) ** 2).mean()
    for name, weight in weights.items():
        (slope,) = torch.autograd.grad(loss, weight, retain_graph=True)
        rate = 0.1 * (1 + weight.abs()) / (0.1 + slope.norm())
        assert torch.allclose(found[name], -rate * slope, rtol=1e-6, atol=0)


def test_a_stack_steps_as_its_tasks_do(own):
    network, tasks = small(), [task(1), task(2)]
    network.rules = named(inner_loss="squares", rate_rule="scaled")
    together = steps_of(network, stack(tasks))
    for index, one in enumerate(tasks):
        alone = steps_of(network, one)
        for name, step in alone.items():
            assert torch.allclose(together[name][index], step, rtol=1e-9, atol=1e-14)


@pytest.mark.long
@pytest.mark.parametrize("of", ["weights.conv2", "log_rates.fc"])
def test_the_outer_gradient_goes_through_both_rules(own, of):
    network, one = small(), task()
    network.rules = named(inner_loss="squares", rate_rule="scaled")
    parameter = dict(network.named_parameters())[of]

    def loss():
        return outer_loss(network, one, None, passage=_exact)[0]

    (gradient,) = torch.autograd.grad(loss(), parameter)
    place = int(gradient.abs().argmax())
    slope, flat = [], parameter.data.view(-1)
    for shift in (1e-5, -1e-5):
        flat[place] += shift
        slope.append(loss().item())
        flat[place] -= shift
    assert gradient.flatten()[place].item() == pytest.approx((slope[0] - slope[1]) / 2e-5, rel=1e-5)


@pytest.mark.long
def test_another_process_imports_them_anew(own):
    network = small()
    network.rules = named(inner_loss="squares", rate_rule="head")
    code = (
        "import pickle, sys; n = pickle.loads(bytes.fromhex(sys.argv[1]));"
        "from meta.network.rules import adopted; print(adopted('rate_rule', n.rules.rate_rule).__name__)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, pickle.dumps(network).hex()],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.split() == ["head"]


def test_a_file_never_runs_its_rules_by_itself(own):
    network = small().float()
    network.rules = named(inner_loss="squares")
    network.save(own / "n.safetensors", training={"method": "roa", "inner_loss": "ownrules:squares"})
    assert Network.load(own / "n.safetensors").with_ways(2).rules == network.rules
    rules._OWN.clear()
    with pytest.raises(InputError, match="give --inner-loss ownrules:squares, or call"):
        Network.load(own / "n.safetensors")


def test_an_erased_head_has_no_inner_step_to_rule(own):
    adopt_rule("inner_loss", "ownrules:squares")
    adopt_rule("sampler", "ownrules:few")
    how = Training(method="roa-robust", sampler="ownrules:few")
    with pytest.raises(InputError, match="inner_loss: of an inner step; roa-robust writes its head"):
        replace(how, inner_loss="ownrules:squares")
    with pytest.raises(InputError, match="give --rate-rule ownrules:head"):
        Training(rate_rule="ownrules:head")


def run(*words):
    before, sys.argv = sys.argv, ["roa-meta", *words]
    try:
        with pytest.raises(SystemExit) as end:
            main()
    finally:
        sys.argv = before
    return end.value.code or 0


@pytest.mark.long
def test_commands_train_with_rules_and_ask_for_them(own, capsys):
    """As the guide has it; a run that goes on is asked, too, and a rule that a file lacks is refused."""

    def said(*words):
        code = run(*words)
        return code, " ".join(capsys.readouterr().err.split())

    mine = ["--inner-loss", "ownrules:squares", "--rate-rule", "ownrules:head"]
    drawn_by = ["--sampler", "ownrules:few"]
    short = [
        "--filters",
        "4",
        "--epochs",
        "1",
        "--iterations",
        "2",
        "--batch",
        "2",
        "--pulses-from",
        "0",
    ]
    short += ["--ways", "3", "--validation-tasks", "2", "--dataset", "glyphs"]
    assert run("train", *short, *mine, *drawn_by, "-o", "run") == 0
    assert 'sampler = "ownrules:few"' in (own / "run" / "config.toml").read_text()
    kept = Network.load(own / "run" / "last.safetensors")
    start = Network(kept.architecture, torch.Generator().manual_seed(0))
    moved = {n for n in kept.weights if not torch.equal(kept.weights[n], start.weights[n])}
    assert moved  # the outer loop learned
    rest = ["--network", "run/last.safetensors", "--dataset", "glyphs", "--tasks", "2"]
    assert run("evaluate", *rest, "--sigma-wn", "0", *mine) == 0
    adapted = [*rest[:-2], "--json", "a.json", "-o", "layers"]
    assert run("adapt", *adapted, *mine) == 0
    layers = {path.stem for path in (own / "layers").glob("*.npz")}
    pulses = {name: np.load(own / "layers" / f"{name}.npz")["pulses"] for name in layers}
    assert {name for name in layers if np.any(pulses[name])} == {"fc"}  # the rule writes the head alone
    assert said("evaluate", *rest, "--inner-loss", "ownrules:plain")[0] == 2
    assert (
        "run/last.safetensors was trained without it"
        in said(
            "evaluate",
            *rest,
            *mine[2:],
            "--inner-loss",
            "ownrules:squares",
            "--rate-rule",
            "ownrules:scaled",
        )[1]
    )
    assert "shipped networks have their own" in said("evaluate", *mine, "--dataset", "glyphs")[1]
    rules._OWN.clear()
    for command in (["evaluate", *rest], ["adapt", *adapted], ["train", "--resume", "-o", "run"]):
        code, text = said(*command)
        assert code == 2
        assert "--inner-loss ownrules:squares" in text
