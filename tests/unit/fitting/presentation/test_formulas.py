"""Formulas of laws in reports: well-formed MathML, every constant explained."""

import dataclasses
import html
from xml.etree import ElementTree

import pytest

from fitting.presentation.formulas import formulas, section
from roa_circuit.device.laws import laws
from roa_circuit.device.laws.table import Table
from roa_circuit.device.laws.windows import Windows
from roa_circuit.device.parameters import load_device

BASE = load_device("zhang2021").memristor
BRANCHES = {n: BASE.constants[n] for n in ("gamma", "delta", "alpha", "beta")}
LAWS = {
    "zhang2021": BASE,
    "windows": Windows(**BASE.constants, p=1.5, q=0.5),
    "table": Table(
        states=(0.0, 1.0), up=(-1.0,), down=(), raises=((0.1, 0.0),), lowers=(), width_up=1e-6,
        width_down=1e-6, **BRANCHES,
    ),
    "vteam": load_device("vteam").memristor,
    "yakopcic": load_device("yakopcic").memristor,
}  # fmt: skip


@pytest.mark.parametrize("name", LAWS)
def test_formulas_are_well_formed(name):
    for text in formulas(LAWS[name]):
        math = ElementTree.fromstring(text).find("math")
        assert math is not None
        assert len(list(math.iter())) > 8


def test_brackets_are_all_of_one_size():
    """The second of k (e − e) grew with the two windows beside it, and the first stayed small."""
    for name in ("zhang2021", "windows"):
        for text in formulas(LAWS[name]):
            brackets = [one for one in ElementTree.fromstring(text).iter("mo") if one.text in ("(", ")")]
            assert brackets
            assert {one.get("stretchy") for one in brackets} == {"false"}


@pytest.mark.parametrize("name", LAWS)
def test_every_constant_is_explained(name):
    text = "".join(section(LAWS[name]).parts)
    for constant, meaning in LAWS[name].meanings.items():
        assert constant in text
        assert html.escape(meaning) in text


def test_every_law_has_formulas_here():
    assert set(laws()) <= set(LAWS)


def test_the_windows_of_the_formulas_are_those_of_the_law():
    """(1 - u)^p for V < 0, u^q for V > 0."""
    motion = ElementTree.fromstring(formulas(LAWS["windows"])[0])
    rows = ["".join(row.itertext()) for row in motion.iter("mtr")]
    assert rows == ["(1−u)pfor\u00a0V<0", "uqfor\u00a0V>0"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Steady(Windows):
    """A law of one's own, whose motion is none of those that are typeset."""

    NAME = "steady"

    def text(self):
        return dataclasses.replace(super().text(), motion="rate * steadily")


def test_a_law_that_is_not_typeset_shows_its_own_text_and_no_other_law_s():
    shown = formulas(Steady(**LAWS["windows"].constants))
    said = ["".join(ElementTree.fromstring(block).itertext()) for block in shown]
    assert "d omega/dt = rate * steadily" in said
    assert any(line.startswith("shape = (v < 0 ? pow") for line in said)
    assert not any(
        "u" == one.text for block in shown for one in ElementTree.fromstring(block).iter("mi")
    )


def test_a_device_with_other_values_shows_them():
    shown = "".join(section(dataclasses.replace(BASE, mu1=17.5)).parts)
    assert "17.5" in shown
    assert "μ₁ (mu1)" in shown
