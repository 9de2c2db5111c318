"""Estimates report the values of the device that they belong to."""

import dataclasses
import math

import numpy as np
import pytest

from fitting.judgement.wording import constant_row, known_before
from fitting.model.formulaic import law_by_formulas
from fitting.model.residuals import EQUATIONS
from fitting.search.estimates import AT_PRIOR, AT_SEARCH, estimated
from roa_circuit.device.parameters import load_device


@pytest.mark.parametrize(("held_at", "basis"), [(0.5, AT_PRIOR), (0.8, AT_SEARCH)])
def test_a_held_constant_has_the_value_of_the_device(shipped_fit, prior, held_at, basis):
    f, place = shipped_fit, EQUATIONS.names.index("delta")
    x = f.solution.x.copy()
    x[place] = math.log(held_at)
    solution = dataclasses.replace(f.solution, x=x, held=frozenset({"delta"}), cost=0.0)
    ones = np.ones(EQUATIONS.count)
    found, _ = estimated(f.objective, solution, f.jacobian, ones, prior.memristor, ())
    device = EQUATIONS.law(x)
    assert {name: e.value for name, e in found.items()} == pytest.approx(
        {name: device.constants[name] for name in found}, rel=1e-12
    )
    assert found["delta"].basis == basis
    assert found["delta"].held
    assert constant_row(found["delta"])[1:] == [f"{held_at:g}", "-", "-", "0.5", "no"]


def test_the_prior_of_a_law_by_formulas_is_the_laws_own():
    vteam, table_1 = load_device("vteam"), load_device("zhang2021")
    own = dataclasses.replace(vteam.with_constants(a_off=2.0), name="mine")
    form = law_by_formulas("vteam", table_1.memristor)
    assert known_before(form, table_1) == "vteam's own parameter set"
    assert known_before(law_by_formulas("vteam", own.memristor), own) == "mine"
    assert known_before(EQUATIONS, table_1) == "zhang2021"
