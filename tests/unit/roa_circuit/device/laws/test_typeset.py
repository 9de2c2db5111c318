"""Formulas for people: brackets where they are needed and nowhere else, and letters of their own."""

from xml.etree import ElementTree

import pytest

from roa_circuit.device.laws.formulas.grammar import parse
from roa_circuit.device.laws.formulas.typeset import latex, letters, mathml

NAMES = {"a", "b", "c", "x", "mu1", "G_on", "omega", "k", "v_off"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b*c", "a + b c"),
        ("(a + b)*c", r"\left(a + b\right) c"),
        ("a - (b - c)", r"a - \left(b - c\right)"),
        ("a - b - c", "a - b - c"),
        ("a + (b - c)", "a + b - c"),
        ("a*2", r"a \cdot 2"),
        ("a/(b + c)", r"\frac{a}{b + c}"),
        ("a*(b/c)", r"a \frac{b}{c}"),
        ("(a/b)**2", r"{\left(\frac{a}{b}\right)}^{2}"),
        ("a**b**c", "{a}^{{b}^{c}}"),
        ("(a**b)**c", r"{\left({a}^{b}\right)}^{c}"),
        ("-(a + b)", r" - \left(a + b\right)"),
        ("-a*b", " - a b"),
        ("a*-b", r"a \cdot \left( - b\right)"),
        ("exp(-a*b) - 1", "{e}^{ - a b} - 1"),
        ("(exp(a))**2", r"{\left({e}^{a}\right)}^{2}"),
        ("sinh(a + b)*c", r"\sinh\left(a + b\right) c"),
        ("log(abs(a))", r"\ln\left(\left|a\right|\right)"),
        ("sqrt(a + b)**3", r"{\sqrt{a + b}}^{3}"),
        ("max(a, min(b, c))", r"\max\left(a, \min\left(b, c\right)\right)"),
        ("mu1*G_on", r"\mu_{\mathrm{1}} G_{\mathrm{on}}"),
        ("2e-9*k", r"2 \cdot 10^{-9} k"),
    ],
)
def test_brackets_stand_where_they_are_needed(text, expected):
    found = latex(parse(text, NAMES, where="f"))
    assert " ".join(found.split()) == " ".join(expected.split())


@pytest.mark.parametrize(
    "text",
    ["a*exp(-b*v_off)/(1 + x**2) if x < 0 else -x", "(a + b)*c", "abs(a) - 3e-12*sqrt(k)", "a**-b"],
)
def test_mathml_is_well_formed_and_has_all_symbols(text):
    root = ElementTree.fromstring(f"<math>{mathml(parse(text, NAMES, where='f'))}</math>")
    shown = {one.text for one in root.iter("mi")}
    tokens = text.replace("*", " ").replace("(", " ").replace(")", " ").split()
    for name in NAMES & {token.lstrip("-") for token in tokens}:
        letter, index = letters(name)
        assert letter in shown
        assert not index or index in shown


def test_cases_show_both_branches_and_their_bound():
    root = ElementTree.fromstring(f"<math>{mathml(parse('a if x < 2 else b', NAMES, where='f'))}</math>")
    assert ["".join(row.itertext()).replace("\xa0", " ") for row in root.iter("mtr")] == [
        "afor x<2", "botherwise",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mu1", ("μ", "1")), ("omega", ("ω", "")), ("G_on", ("G", "on")), ("v_off", ("v", "off")),
        ("k", ("k", "")), ("x0", ("x", "0")), ("rate", ("rate", "")), ("alpha_2", ("α", "2")),
    ],
)  # fmt: skip
def test_names_become_letters_with_an_index(name, expected):
    assert letters(name) == expected
