"""What all tests share: the simulator's absence, killed processes, and a small programmed layer."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from netlists.simulation import ngspice, vacask
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.layers.programmed import ProgrammedLayer

# CI draws the same fifty examples every time; at home each run looks further, at a hundred others.
settings.register_profile("ci", derandomize=True, deadline=None, max_examples=50)
settings.register_profile("home", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "home")


PACKAGES = ("roa_circuit", "fitting", "netlists", "meta")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def pytest_runtest_setup(item):
    """What a test is marked with must be installed; CI must have all of it."""
    if item.get_closest_marker("ngspice") and not (ngspice.is_available() and shutil.which("ngspice")):
        _do_without("ngspice or libngspice is not installed")
    if item.get_closest_marker("vacask") and not vacask.is_available():
        _do_without("VACASK is not installed")
    if item.get_closest_marker("cuda") and not _has_gpu():
        pytest.skip("torch sees no CUDA GPU")
    if item.get_closest_marker("browser") and not any(map(shutil.which, BROWSERS)):
        _do_without("no Chromium is installed")


def _has_gpu():
    import torch

    return torch.cuda.is_available()


def pytest_collection_modifyitems(items):
    """Slow tests take the time they take."""
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.timeout(0))


def _do_without(message):
    """Skip, but fail in CI: what a test needs must be there."""
    if os.environ.get("CI"):
        pytest.fail(f"{message}, and CI must not skip what needs it", pytrace=False)
    pytest.skip(message)


@pytest.fixture(scope="session")
def measured_data():
    """Gives a folder of the real data by name, from ROA_SHARED_DATA."""

    def folder(name):
        data = Path(os.environ.get("ROA_SHARED_DATA", "../shared/data"), name)
        if not data.exists():
            _do_without(f"{data} is missing: set ROA_SHARED_DATA to a folder with {name}/")
        return data

    return folder


@pytest.fixture
def usual_signals():
    """Processes meet SIGHUP and SIGINT as from a terminal, though nohup or a shell's & ignores them."""
    numbers = (signal.SIGHUP, signal.SIGINT)
    before = [signal.signal(one, signal.SIG_DFL) for one in numbers]
    yield
    for one, handler in zip(numbers, before, strict=True):
        signal.signal(one, handler)


@pytest.fixture
def killing():
    """A context in which `kills` of the processes that `victims()` finds are killed, each once.

    The list that it yields tells whom it hit. Its thread ends with the block, whatever it found.
    """

    @contextmanager
    def while_running(victims, kills=1):
        killed, over = [], threading.Event()

        def kill():
            while len(killed) < kills and not over.wait(0.01):
                for pid in set(victims()) - set(killed):
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)

        killer = threading.Thread(target=kill, daemon=True)
        killer.start()
        try:
            yield killed
        finally:
            over.set()
            killer.join()

    return while_running


@pytest.fixture
def command(monkeypatch, capsys):
    """Run a command's `main` in this process; gives (exit code, stdout, stderr)."""

    def run(main, *arguments):
        monkeypatch.setattr(sys, "argv", [main.__module__, *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def refused(tmp_path):
    """Simulate a deck that fails: in one line, with the deck kept in tmp_path; gives the error."""
    from roa_circuit.basics.errors import SimulatorError

    def run(simulate, deck):
        with pytest.raises(SimulatorError) as caught:
            simulate(deck, name="broken", time_limit=30, keep_in=tmp_path)
        error = caught.value
        assert "\n" not in str(error)
        assert error.deck.parent == tmp_path
        assert error.deck.read_text() == deck
        return error

    return run


@pytest.fixture(scope="session")
def guide_site(tmp_path_factory):
    """The guide as `make docs` builds it, from these sources, in a folder of its own."""
    root, copy = Path(__file__).parents[1], tmp_path_factory.mktemp("guide")
    # Copied, not linked: a link to a settings file would lead the build back.
    for name in ("mkdocs.yml", "CHANGELOG.md", "CONTRIBUTING.md"):
        shutil.copy(root / name, copy)
    for name in (".ci", "examples", *PACKAGES):
        (copy / name).symlink_to(root / name)
    shutil.copytree(root / "docs", copy / "docs")
    reference = [sys.executable, ".ci/references.py", "build/reference"]
    tutorials = [sys.executable, ".ci/tutorials.py", "build/tutorials", "--as-they-are"]
    build = [Path(sys.executable).with_name("zensical"), "build", "--strict", "--clean"]
    typeset = [sys.executable, ".ci/typeset.py", "site"]
    words = [sys.executable, ".ci/glossary.py", "site"]
    for step in (reference, tutorials, build, typeset, words):
        ran = subprocess.run(step, cwd=copy, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
    for notebook in (copy / "build" / "tutorials").glob("*.ipynb"):
        shutil.copy(notebook, copy / "site" / "tutorials")
    return copy / "site"


@pytest.fixture(scope="session")
def make_layer():
    """A synthetic layer at the design point: random states, sparse pulses, random reads."""

    def make(rows=5, columns=3, reads=4, *, seed=0, crossbar=None, device=None, density=0.3):
        rng = np.random.default_rng(seed)
        state = rng.uniform(0.1, 0.9, (rows, columns))
        state[:, -1] = 0.5
        pulses = rng.integers(-2, 4, (rows, columns)) * (rng.random((rows, columns)) < density)
        pulses[0, 0], pulses[:, -1] = 1, 0
        return ProgrammedLayer(
            name="synthetic",
            device=device or default_device(),
            crossbar=crossbar or default_crossbar(rows, columns),
            initial_state=state,
            pulses=pulses.astype(np.int64),
            inputs=rng.random((reads, rows)),
            labels=rng.integers(0, columns - 1, reads),
            input_scale=2.0,
        )

    return make
