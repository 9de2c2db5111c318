"""The folder of a verification: one run at a time, and nothing of another run beside its own pages."""

from functools import partial
from pathlib import Path

import pytest

from netlists.commands import cli
from netlists.commands._earlier import clear
from roa_circuit.basics.locks import held

OWN = (
    "report.html", "report.json", "write.cir", "read-64-0.cir", "points-part1.cir", "pulse3-64-0.sim",
    "write-failed.cir", "write.raw", "read.nc", "figures/fc--states.svg", "figures/fc--currents.png",
    "conv1/write-0-64.cir", "conv1/points-0-64-part0.cir",
)  # fmt: skip
OTHERS = (
    "notes.txt", "my.cir", "write-up.cir", "data.nc", "figures/mine.svg", "sub/report.json",
    "conv1/deep/write.cir",
)  # fmt: skip


@pytest.fixture
def verify(command, monkeypatch, tmp_path, make_layer):
    monkeypatch.chdir(tmp_path)
    make_layer(rows=4, columns=3, reads=3).save(Path("layer.npz"))
    return partial(command, cli.main, "verify", "--layer", "layer.npz")


def test_what_an_earlier_verification_left_goes_and_nothing_else_does(tmp_path):
    for name in (*OWN, *OTHERS):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    clear(tmp_path)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == set(OTHERS)


@pytest.mark.ngspice
def test_a_second_verification_into_a_folder_is_refused_and_touches_nothing(verify):
    Path("out").mkdir()
    Path("out/report.json").write_text("of the first")
    with held(Path("out"), "another verification"):
        code, _, error = verify("--phase", "read", "-o", "out")
    assert (code, error.count("\n")) == (2, 1)
    assert "out: another verification is writing there: wait for its end" in error
    assert Path("out/report.json").read_text() == "of the first"


@pytest.mark.long
@pytest.mark.ngspice
def test_a_verification_that_fails_leaves_no_page_of_the_one_before(verify):
    assert verify("-o", "out", "--figures")[0] == 0
    assert {"report.html", "report.json", "read.cir", "write.cir"} <= {
        f.name for f in Path("out").iterdir()
    }
    code, _, error = verify("-o", "out", "--phase", "nothing")
    assert code == 2
    assert Path("out/report.html").exists()  # a mistake in the command has begun nothing
    code, _, error = verify("-o", "out", "--time-limit", "0.1")
    assert code == 3
    assert "time limit" in error
    assert {path.name for path in Path("out").rglob("*") if path.is_file()} <= {"write-failed.cir"}
