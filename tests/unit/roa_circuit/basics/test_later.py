"""What is put off is loaded at its first use, and is then what it always was."""

import pickle
import sys
from copy import deepcopy

import pytest

from roa_circuit.basics.later import put_off


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """A package that asks for a part at its start, and a file that tells when the part was loaded."""
    folder = tmp_path / "slowpack"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "rare.py").write_text("class Rare:\n    size = 3\n\n\ndef double(x):\n    return 2 * x\n")
    (folder / "usual.py").write_text("from slowpack.rare import Rare, double\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "slowpack.rare"
    for name in [one for one in sys.modules if one.partition(".")[0] == "slowpack"]:
        del sys.modules[name]


def test_a_part_is_loaded_when_it_is_used(parts):
    with put_off(parts):
        from slowpack import usual
    assert parts not in sys.modules
    assert not isinstance(3, usual.Rare)
    assert parts not in sys.modules
    assert usual.double(4) == 8
    from slowpack import rare

    assert sys.modules[parts] is rare
    assert isinstance(rare.Rare(), usual.Rare)
    assert usual.Rare.size == 3


def test_what_is_known_is_told_without_loading(parts):
    with put_off(parts, known={parts: {"Rare": {"size": 3}}}):
        from slowpack import usual
    assert usual.Rare.size == 3
    assert parts not in sys.modules
    assert type(usual.Rare()).__name__ == "Rare"


def test_copies_stand_for_the_same_thing(parts):
    with put_off(parts):
        from slowpack import usual
    assert deepcopy(usual.double) is usual.double
    assert parts not in sys.modules
    assert pickle.loads(pickle.dumps(usual.double))(5) == 10


def test_what_is_loaded_already_stays(parts):
    from slowpack import rare

    with put_off(parts):
        from slowpack import usual
    assert usual.Rare is rare.Rare
