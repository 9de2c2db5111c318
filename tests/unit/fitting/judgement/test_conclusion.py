"""What a run ends with: one verdict, each misfit with its law and readings, and what to do next."""

import dataclasses
import re
from types import SimpleNamespace

import numpy as np
import pytest

from fitting import Measurements
from fitting.commands import cli
from fitting.judgement.choice import chosen
from fitting.judgement.conclusion import _doubts, _reason, _steps, conclusion, laws_tried
from fitting.judgement.laws import Contest
from fitting.judgement.wording import contest_rows, outcome
from fitting.model.loss import LINEAR
from fitting.model.residuals import EQUATIONS
from roa_circuit.basics.units import share
from roa_circuit.device.laws.windows import Windows

V_READ = 0.05


def readings(G, V, width=1e-6, train=None, **changed):
    """Conductances [S] read at V_READ behind pulses of V [V]."""
    V = np.asarray(V, float)
    labels = ("t0",) if train is None else tuple(f"t{n}" for n in np.unique(train))
    how = {
        "source": "made", "labels": labels, "voltage": V, "current": np.asarray(G) * V_READ,
        "train": np.zeros(len(V), np.int64) if train is None else np.asarray(train),
        "width": np.where(V != 0, width, 0.0), "read_voltage": np.full(len(V), V_READ),
        "sweep": np.zeros(len(V), bool),
    }  # fmt: skip
    return Measurements(**{**how, **changed})


def of_windows(prior, noise=0.003):
    """A train up and one down by windows that Eq. 1-2 cannot meet."""
    law = Windows(**prior.memristor.constants, p=0.6, q=0.4)
    V, G, train = [], [], []
    for number, (volts, start) in enumerate(((-1.0, 0.05), (1.3, 0.95))):
        omega = start
        for place in range(50):
            if place:
                omega = law.after_dose(np.array(omega), law.dose(np.array(volts), np.array(3e-6)), volts)
            V.append(volts if place else 0.0)
            G.append(float(law.conductance(omega, V_READ)))
            train.append(number)
    wobble = 1.0 + noise * np.random.default_rng(0).standard_normal(len(G))
    return readings(np.array(G) * wobble, V, 3e-6, train)


@pytest.fixture(scope="module")
def taken(prior):
    """The choice among laws for readings that reject Eq. 1-2."""
    return chosen(of_windows(prior), prior, "auto", weighting="auto", loss="linear")


@pytest.mark.long
def test_every_misfit_names_its_law_and_the_readings_it_is_over(taken):
    lines = conclusion(taken, None, None)
    title, size = taken.fit.objective.form.title, share(taken.fit.relative_rmse)
    assert title.startswith("windows")
    assert lines[0].startswith(f"LAW HOLDS: {title}: misfit {size} over all 100 readings, ")
    tried = rf"as Eq. 1-2 are rejected \(misfit {share(taken.equations.misfit)} over all 100 readings;"
    assert re.search(tried, lines[1])
    assert lines[2].startswith("why this law: it misses held-out stretches ")
    held_out = share(taken.own.held_out)
    assert held_out in lines[2]
    assert f"misses the last 30 % by {share(taken.own.extrapolation)}" in lines[3]
    for line in lines:
        for found in re.finditer(r"\d %", line):
            beside = line[max(0, found.start() - 120) : found.end() + 60]
            assert re.search("all 100 readings|noise|held-out|train|readings span", beside), line
    rows = contest_rows(taken.contest, taken=True)
    assert [row[-1] for row in rows].count("taken") == 1
    assert "every second stretch of 4 readings but the first of a train" in laws_tried(taken)[0]


@pytest.mark.long
def test_where_no_law_meets_the_readings_none_is_said_to_be_taken(prior):
    rng = np.random.default_rng(0)
    G = 10.0 ** rng.uniform(-6, -3, 40)
    choice = chosen(readings(G, np.full(40, -1.1)), prior, "auto", weighting="auto", loss="linear")
    title = choice.fit.objective.form.title
    assert outcome(choice.fit).startswith("FAILED: no device written, as ")
    lines = conclusion(choice, None, None)
    assert lines[0].startswith(f"LAW REJECTED: {title}: ")
    assert "none of 4 laws describes these readings" in lines
    assert not [line for line in lines if "taken" in line or line.startswith(("why", "do not trust"))]
    assert contest_rows(choice.contest, taken=choice.fit.describes)[0][-1] == "the best"
    assert "the best first" in choice.title
    assert any(line.startswith("next: ") for line in lines)


@pytest.mark.long
def test_a_device_that_differs_from_the_fit_of_its_row_says_so(taken):
    others = [one for one in taken.contest.contenders if one.form != taken.own.form]

    def beside(rmse):
        own = dataclasses.replace(taken.own, rmse=rmse)
        contest = Contest(contenders=(own, *others), by="stretches")
        return laws_tried(dataclasses.replace(taken, contest=contest))

    assert len(beside(taken.fit.relative_rmse)) == 1
    own = dataclasses.replace(taken.own, rmse=0.5 * taken.fit.relative_rmse)
    assert beside(own.rmse)[1] == (
        f"the device misses all 100 readings by {share(taken.fit.relative_rmse)}, not by"
        f" {share(own.rmse)}, as some of its constants are held"
    )


def contender(title, held_out, last, *, extrapolates=True, ended=True):
    form = SimpleNamespace(title=title, extrapolates=extrapolates)
    return SimpleNamespace(form=form, held_out=held_out, extrapolation=last, score=held_out,
                           solution=SimpleNamespace(converged=ended))  # fmt: skip


BEST = contender("windows", 0.02, 0.03)


@pytest.mark.parametrize(
    ("others", "asked", "said"),
    [
        ([contender("Eq. 1-2", 0.05, 0.03)], "auto", "it misses held-out trains least, by 2.00 %"),
        ([contender("table", 0.015, None, extrapolates=False)], "auto",
         "by 2.00 %. table misses them by 1.50 %, but knows the measured states alone"),
        ([contender("Eq. 1-2", 0.0195, 0.05)], "auto",
         "by 2.00 %, which these readings do not tell from Eq. 1-2 (1.95 %), and the last 30 %"),
        ([contender("Eq. 1-2", 0.01, 0.01, ended=False)], "auto", "the search for Eq. 1-2 did not end"),
        ([contender("windows, ln G", 0.05, 0.1)], "windows", "--law windows; of its forms it misses"),
        ([], "vteam", "--law vteam"),
    ],
)  # fmt: skip
def test_the_reason_for_a_law_is_the_one_that_chose_it(others, asked, said):
    found = Contest(contenders=(BEST, *others), by="trains")
    assert said in _reason(found, SimpleNamespace(asked=asked))


def of(m, extrapolates=True, own=None):
    form = SimpleNamespace(extrapolates=extrapolates)
    objective = SimpleNamespace(measurements=m, form=form, loss=LINEAR)
    fit = SimpleNamespace(objective=objective, residual=np.zeros(len(m)))
    return SimpleNamespace(fit=fit, own=own)


def test_where_readings_say_nothing_a_law_is_not_to_be_trusted():
    G, V = np.linspace(1e-5, 2e-5, 8), np.repeat([-1.0, -1.2], 4)
    assert list(_doubts(of(readings(G, V)))) == [
        "in potentiation beyond -1.2 V to -1 V",
        "in depression, which was not measured",
        "outside 10 µS to 20 µS",
    ]
    assert next(_doubts(of(readings(G, V), extrapolates=False))) == (
        "in potentiation at other voltages than were measured, -1.2 V to -1 V"
    )
    one = next(_doubts(of(readings(G, np.full(8, -1.0)))))
    assert one == "in potentiation at other voltages than -1 V or widths than 1 µs"
    widths = next(_doubts(of(readings(G, np.full(8, -1.0), width=np.geomspace(1e-7, 1e-6, 8)))))
    assert widths == "in potentiation at other voltages than -1 V"
    summed = readings(G, np.full(8, -1.0), width=np.arange(1, 9) * 1e-6, pulses=np.arange(1.0, 9.0))
    assert next(_doubts(of(summed))) == one, "rows of several pulses have the width of one"
    sweep = readings(G, np.zeros(8), sweep=np.ones(8, bool), read_voltage=np.linspace(-1, 2, 8))
    assert list(_doubts(of(sweep)))[-1] == "outside -1 V to 2 V of the sweeps"
    relative = readings(G * 1e5 + 0.5, V, normalised=True, shift=0.5)
    assert list(_doubts(of(relative)))[-1] == "outside readings of 1 to 2"


@pytest.mark.parametrize(
    ("changed", "beyond", "steps"),
    [
        ({}, None, ["device.toml is ready: give it to roa-spice or roa-meta as --device"]),
        ({}, "edit its [pulses]", ["edit its [pulses]"]),
        ({"ends": "readings span 1 %"}, None, ["readings span 1 %"]),
        ({"ends": "readings span 1 %", "word": "rejected"}, None, ["use the device within"]),
        ({"decks": "none"}, None, ["writes of arrays and verify ask", "device.toml is ready but for"]),
        ({"reason": "write noise"}, None, ["roa-fit spread --by train", "device.toml is"]),
        ({"word": "doubtful", "repeated": None}, None, ["measure three trains with the same pulses"]),
        ({"word": "doubtful"}, None, ["use the device within these bounds alone; --law takes a file"]),
        ({"word": "unchecked"}, None, ["measure trains of 6 readings or more"]),
        ({"word": "rejected"}, None, ["use the device within these bounds alone"]),
        ({"word": "rejected", "asked": "zhang2021"}, None, ["leave --law zhang2021 out"]),
        ({"word": "rejected", "describes": False}, None, ["report.html shows which trains are missed"]),
        ({"word": "rejected", "describes": False, "outliers": 3}, None,
         ["a tenth of the readings has 89 % of the squared misfit: --loss cauchy lets"]),
    ],
)  # fmt: skip
def test_what_to_do_next_follows_from_the_verdict(monkeypatch, changed, beyond, steps):
    monkeypatch.setattr("fitting.judgement.conclusion.hints_of", lambda f: [])
    monkeypatch.setattr("fitting.judgement.ends.to_measure", lambda f: changed.get("ends"))
    judgement = SimpleNamespace(
        word=changed.get("word", "holds"), reason=changed.get("reason", ""),
        repeated=changed.get("repeated", 1.0),
    )  # fmt: skip
    residual = np.where(np.arange(40) < 3, 10.0, 1.0) if "outliers" in changed else np.ones(40)
    fit = SimpleNamespace(
        describes=changed.get("describes", True), residual=residual,
        objective=SimpleNamespace(form=EQUATIONS, loss=LINEAR),
        memristor=SimpleNamespace(in_simulators=changed.get("decks")),
    )  # fmt: skip
    choice = SimpleNamespace(
        fit=fit, judgement=judgement, contest=None, lone=False, asked=changed.get("asked", "auto")
    )
    found = list(_steps(choice, None, beyond))
    assert len(found) == len(steps)
    assert all(line.startswith(start) for line, start in zip(found, steps, strict=True)), found


@pytest.mark.long
def test_the_command_ends_with_one_verdict(command, table, tmp_path):
    """`LAW TAKEN` stood beside `no device written` and `LAW REJECTED`."""
    rows = [f"a,-1.1,3e-6,0.05,{1e-3 * (1 + 9 * (i % 2))}," for i in range(40)]
    code, said, _ = command(cli.main, table(*rows), "--output-dir", tmp_path / "o")
    assert code == 1
    assert "LAW TAKEN" not in said
    assert len(re.findall(r"^LAW ", said, re.M)) == 1
    assert len(re.findall(r"^(FITTED|FAILED)", said, re.M)) == 1
    assert "FAILED: no device written, as " in said
    page = (tmp_path / "o" / "report.html").read_text()
    assert "LAW TAKEN" not in page
    assert "No device written, as" in page
