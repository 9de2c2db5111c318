"""How commands end: every exit code, in a process of its own; names as they are; any encoding."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, signal, sys, time
import typer
from roa_circuit.basics import files, interrupts
from roa_circuit.presentation import console
app = typer.Typer(add_completion=False)

@app.command()
def work(what: str, name: str = ""):
    if what == "unforeseen":
        files.content(name)
        [][1]
    if what == "end":
        raise EOFError
    if what == "memory":
        raise MemoryError
    if what == "wait":
        print("waiting", flush=True)
        time.sleep(60)
    if what == "long":
        typer.echo("x" * 1000)
        raise console.RoaError("y" * 10**6)
    console.say(name + " \\u03c9\\u00b5")
    console.out.print(console.table("[bold]" + name, ["[/x]", name], [["[/y]", name]]))

interrupts.end_at_once()
console.run(app)
"""


def begun(*words, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "COLUMNS": "200", **environment},
    )


def ended(*words, **environment):
    process = begun(*words, **environment)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


@pytest.mark.long
def test_an_unforeseen_error_is_one_line_with_a_file_that_keeps_the_traceback(tmp_path):
    (tmp_path / "data.csv").write_text("1")
    code, _, err = ended("unforeseen", "--name", tmp_path / "data.csv", TMPDIR=str(tmp_path))
    (kept,) = tmp_path.glob("roa-error-*.txt")
    assert code == 4
    assert err.decode().count("\n") == 1
    assert str(tmp_path / "data.csv") in err.decode()
    assert str(kept) in err.decode()
    assert "IndexError" in kept.read_text()


@pytest.mark.long
@pytest.mark.parametrize(
    ("what", "code", "said"),
    [("end", 4, b"unforeseen EOFError"), ("memory", 3, b"out of memory"), ("long", 2, b" ... ")],
)
def test_exit_codes_and_lengths(tmp_path, what, code, said):
    found, _, err = ended(what, TMPDIR=str(tmp_path))
    assert found == code
    assert said in err
    assert len(err) < 1000


@pytest.mark.long
@pytest.mark.usefixtures("usual_signals")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
)
def test_a_signal_ends_a_command_with_one_line(number, code):
    process = begun("wait")
    assert process.stdout.readline() == b"waiting\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, b"")
    assert err.count(b"\n") == 1


RARER = [pytest.param(name, marks=pytest.mark.slow) for name in ("cp949", "gbk")]


@pytest.mark.long
@pytest.mark.parametrize("encoding", ["cp932", "latin-1", "ascii", "utf-8", *RARER])
def test_any_encoding_takes_any_name(encoding):
    name = os.fsencode("é日本 run[v2]") + b"\xff\xfe"
    code, _, err = ended("print", "--name", name, PYTHONIOENCODING=encoding)
    assert (code, err) == (0, b"")


@pytest.mark.long
def test_markup_and_control_characters_of_names_are_shown_as_text():
    code, out, _ = ended("print", "--name", "run[v2][/]\x1b[31m\x07", PYTHONIOENCODING="utf-8")
    assert code == 0
    assert out.count(b"run[v2][/][31m") == 4
    assert b"[bold]run" in out
    assert b"\x1b" not in out


@pytest.mark.long
def test_a_reader_that_leaves_ends_a_command_quietly():
    process = begun("print", "--name", "x" * 100_000)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 141


@pytest.mark.long
def test_a_full_disk_behind_standard_output_is_said():
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM, "print"], stdout=full, stderr=subprocess.PIPE, check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
    assert ran.returncode == 2
    assert b"cannot be written: No space left" in ran.stderr
