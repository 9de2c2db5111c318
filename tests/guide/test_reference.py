"""The reference: every public function of a package's short list has an example, and it runs."""

import doctest
import inspect
from importlib import import_module

import numpy as np
import pytest

FUNCTIONS = [
    pytest.param(
        found, id=f"{package}.{name}", marks=[pytest.mark.ngspice] * name.startswith("simulate")
    )
    for package in ("roa_circuit", "fitting", "netlists", "meta")
    for name in import_module(package).__all__
    if inspect.isroutine(found := getattr(import_module(package), name))
]


def test_there_are_functions():
    assert len(FUNCTIONS) > 20


@pytest.mark.long
@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_example_gives_what_it_shows(function):
    text, known = inspect.getdoc(function), {function.__name__: function, "np": np}
    test = doctest.DocTestParser().get_doctest(text, known, function.__name__, None, 0)
    assert test.examples, f"{function.__qualname__} has no example"
    said = []
    failed, _ = doctest.DocTestRunner().run(test, out=said.append)
    assert not failed, "".join(said)
