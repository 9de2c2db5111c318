"""plotly's one file: packed once, kept while the package is the same, and whole or not at all."""

import base64
import gzip
import hashlib
import importlib.util
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Generic, TypeVar

import pytest

from roa_circuit.presentation import library
from roa_circuit.presentation.library import NAME, Library

CODE = "let a = '✓';".encode()


T = TypeVar("T")


class Hook(Generic[T]):
    """What a build hook derives from."""


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "plotly.min.js"
    path.write_bytes(CODE)
    return path


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return tmp_path / "__pycache__" / NAME


def test_what_was_packed_is_the_code_and_its_hash():
    one = Library.of(CODE)
    assert gzip.decompress(base64.b64decode(one.packed)) == CODE
    assert base64.b64decode(one.digest) == hashlib.sha256(CODE).digest()
    assert Library.from_text(one.to_text("made of this"), "made of this") == one


def test_the_installed_plotly_is_what_pages_carry():
    code = gzip.decompress(base64.b64decode(library.plotly().packed))
    assert code.startswith(b"/**\n* plotly.js v")
    assert base64.b64decode(library.plotly().digest) == hashlib.sha256(code).digest()


def test_it_is_packed_once(source, kept, monkeypatch):
    first = library._kept(source, kept)
    assert [path.name for path in kept.parent.iterdir()] == [NAME]
    monkeypatch.setattr(Library, "of", lambda code: pytest.fail("packed again"))
    assert library._kept(source, kept) == first


def test_another_plotly_is_packed_anew(source, kept):
    library._kept(source, kept)
    source.write_bytes(b"let b;")
    os.utime(source, (1, 1))
    assert library._kept(source, kept) == Library.of(b"let b;")


@pytest.mark.parametrize("cut", [0, 10, -1, -200])
def test_a_damaged_file_is_packed_anew(source, kept, cut):
    whole = library._kept(source, kept)
    text = kept.read_text()
    kept.write_text(text[:cut])
    assert library._kept(source, kept) == whole
    assert kept.read_text() == text


def test_where_nothing_may_be_written_pages_still_have_it(source, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    place = tmp_path / "__pycache__" / NAME
    assert library._kept(source, place) == Library.of(CODE)
    assert not place.parent.exists()
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "a file").touch()
    assert library._kept(source, tmp_path / "a file" / NAME) == Library.of(CODE)


def test_a_wheel_takes_it_along_packed(monkeypatch):
    """hatchling, which only builds have, is but the base of the hook's class."""
    root = Path(__file__).parents[4]
    base = SimpleNamespace(BuildHookInterface=Hook)
    for name in ("", ".builders", ".builders.hooks", ".builders.hooks.plugin"):
        monkeypatch.setitem(sys.modules, f"hatchling{name}", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "hatchling.builders.hooks.plugin.interface", base)
    spec = importlib.util.spec_from_file_location("hatch_build", root / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    hook, build = module.Hook(), {"force_include": {}, "dependencies": []}
    hook.root = str(root)
    hook.initialize("standard", build)
    ((made, place),) = build["force_include"].items()
    assert Path(place) == Path("roa_circuit/presentation") / NAME
    assert Library.from_text(Path(made).read_text(encoding="ascii")) == library.plotly()
    hook.finalize("standard", build, "")
    assert not Path(made).exists()
    assert build["dependencies"] == []
    hook.initialize("editable", build)
    assert build["dependencies"] == ["plotly>=6.0"]
