"""Code of one's own by name: whatever its file does, the user gets a line about it."""

import sys

import pytest

from roa_circuit.basics.errors import InputError
from roa_circuit.basics.own_code import code_of, own_function


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write a module into the working directory; gives its name, which is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)

    def write(text):
        (tmp_path / "ownmodule.py").write_text(text)
        return "ownmodule:made"

    yield write
    sys.modules.pop("ownmodule", None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def made(:", r"cannot be imported, ownmodule fails: SyntaxError: .*\(ownmodule.py, line 1\)"),
        ("raise OSError('no\\nsuch thing')", "ownmodule fails: OSError: no such thing"),
        ("import sys; sys.exit('done')", "ownmodule fails: SystemExit: done"),
        ("import no_such_module_at_all", "cannot be imported: No module named 'no_such_module_at_all'"),
        ("made = 3", "module 'ownmodule' has no function 'made'"),
    ],
)
def test_a_module_that_fails_is_refused_in_a_line(written, text, says):
    with pytest.raises(InputError, match=says) as error:
        own_function(written(text), what="head")
    assert "\n" not in str(error.value)


def test_other_code_is_told_by_its_hash(written):
    name = written("def made(): return 1")
    assert own_function(name, what="head")() == 1
    before = code_of(name)
    assert len(before) == 64
    written("def made(): return 2")
    assert code_of(name) != before
    assert code_of("builtins:print") == ""
