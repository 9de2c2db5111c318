"""The watch over worker processes, with programs that stand in for the simulator."""

import os
import sys

import pytest

from netlists import ngspice
from netlists.ngspice import find_library, simulate, simulate_all
from roa_circuit.errors import SimulatorError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="stand-ins are shell scripts")


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Let a shell script play the worker process."""

    def put(script):
        path = tmp_path / "worker.sh"
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(path))
        monkeypatch.setattr(ngspice, "find_library", lambda: "nowhere")

    return put


def test_a_crash_is_an_error_with_the_last_words(stand_in, tmp_path):
    stand_in("echo 'log the last words'; echo 'on stderr' >&2; kill -SEGV $$")
    with pytest.raises(SimulatorError, match="crashed with SIGSEGV") as caught:
        simulate("* deck\n.end\n", name="doomed", keep_in=tmp_path / "kept")
    assert caught.value.log.splitlines() == ["the last words", "on stderr"]
    assert caught.value.deck == tmp_path / "kept" / "doomed-failed.cir"
    assert caught.value.deck.read_text() == "* deck\n.end\n"


def test_the_time_limit_ends_the_process(stand_in, tmp_path):
    stand_in(f"echo $$ > {tmp_path}/pid; echo 'log still busy'; exec sleep 60")
    with pytest.raises(SimulatorError, match=r"time limit of 0\.5 s") as caught:
        simulate("* deck", time_limit=0.5, keep_in=tmp_path)
    assert "still busy" in caught.value.log
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_an_end_without_result_is_an_error(stand_in, tmp_path):
    stand_in("exit 7")
    with pytest.raises(SimulatorError, match="ended with code 7"):
        simulate("* deck", keep_in=tmp_path)


def test_the_announced_reason_is_the_message(stand_in, tmp_path):
    stand_in("echo 'version ngspice-0'; echo 'failed singular matrix'; exit 1")
    with pytest.raises(SimulatorError, match="ngspice, deck: singular matrix"):
        simulate("* deck", keep_in=tmp_path)


def test_without_a_place_to_keep_the_deck_the_error_still_comes(stand_in, tmp_path):
    stand_in("exit 7")
    (tmp_path / "file").write_text("")
    with pytest.raises(SimulatorError) as caught:
        simulate("* deck", keep_in=tmp_path / "file" / "below")
    assert caught.value.deck is None


def test_one_failure_stops_the_others(stand_in, tmp_path):
    stand_in("grep -q bad deck.cir && exit 7; exec sleep 60")
    with pytest.raises(SimulatorError):
        simulate_all(["good", "bad"], workers=2, time_limit=30, keep_in=tmp_path)


def test_the_library_can_be_named(monkeypatch, tmp_path):
    library = tmp_path / "libngspice.so"
    library.write_bytes(b"")
    monkeypatch.setenv("NGSPICE_LIBRARY_PATH", str(library))
    assert find_library() == str(library)
    monkeypatch.setenv("NGSPICE_LIBRARY_PATH", str(tmp_path / "missing"))
    with pytest.raises(SimulatorError, match="NGSPICE_LIBRARY_PATH names"):
        find_library()


def test_a_missing_library_says_how_to_install_it(monkeypatch):
    monkeypatch.delenv("NGSPICE_LIBRARY_PATH", raising=False)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    monkeypatch.setattr(ngspice, "_USUAL_PLACES", ())
    with pytest.raises(SimulatorError, match=r"apt install libngspice0.*brew install"):
        find_library()
    assert not ngspice.is_available()


def test_what_is_no_library_is_said(monkeypatch, tmp_path):
    library = tmp_path / "libngspice.so"
    library.write_bytes(b"not a library")
    monkeypatch.setenv("NGSPICE_LIBRARY_PATH", str(library))
    with pytest.raises(SimulatorError, match="cannot load"):
        simulate("* deck", keep_in=tmp_path)
