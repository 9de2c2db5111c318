"""Formulas for people: LaTeX, and the MathML that browsers typeset."""

from __future__ import annotations

import html
from collections.abc import Sequence
from enum import IntEnum
from typing import Protocol

from roa_circuit.device.laws.formulas.grammar import Tree

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "eta": "η", "theta": "θ", "kappa": "κ",
    "lambda": "λ", "mu": "μ", "nu": "ν", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "omega": "ω",
}  # fmt: skip
"""Names that are written as a letter, each alone or before digits or an underscore."""


class Binds(IntEnum):
    """How tightly a part holds together; what binds less than its place asks for is put in brackets."""

    SUM = 1
    PRODUCT = 2
    POWER = 3
    WHOLE = 4


class Notation(Protocol):
    """The pieces that formulas are set from, in one language."""

    def number(self, value: float) -> str:
        """A number."""

    def name(self, letters: str, index: str) -> str:
        """A symbol, and its index, or ''."""

    def operator(self, sign: str) -> str:
        """A sign between two parts, or before one: + or −."""

    def row(self, parts: Sequence[str]) -> str:
        """Parts beside each other; as factors of a product, too."""

    def brackets(self, inner: str) -> str:
        """( inner )."""

    def bars(self, inner: str) -> str:
        """| inner |."""

    def fraction(self, above: str, below: str) -> str:
        """above / below."""

    def power(self, base: str, exponent: str) -> str:
        """base to the exponent."""

    def root(self, inner: str) -> str:
        """The square root."""

    def call(self, function: str, arguments: Sequence[str]) -> str:
        """A function of its arguments, brackets included."""

    def cases(self, yes: str, a: str, b: str, no: str) -> str:
        """yes where a < b, and no otherwise."""


def latex(tree: Tree) -> str:
    """The formula in LaTeX."""
    return _set(tree, _Latex())[0]


def mathml(tree: Tree) -> str:
    """The formula in presentation MathML, without the outer `math`."""
    return _set(tree, _MathML())[0]


def letters(name: str) -> tuple[str, str]:
    """(letter, index) of a name: mu1 is μ with the index 1, G_on is G with the index on."""
    stem, _, index = name.partition("_")
    if not index and stem.rstrip("0123456789") in {*GREEK, *map(chr, range(65, 123))}:
        cut = len(stem.rstrip("0123456789"))
        stem, index = stem[:cut], stem[cut:]
    return GREEK.get(stem, stem), index


def _set(tree: Tree, notation: Notation) -> tuple[str, Binds]:
    """(text of a tree, how tightly it binds)."""
    kind, *parts = tree
    if kind == "number":
        return notation.number(parts[0]), Binds.WHOLE
    if kind == "name":
        return notation.name(*letters(parts[0])), Binds.WHOLE
    if kind == "call":
        return _call(parts[0], parts[1], notation)
    if kind == "if":
        a, b, yes, no = (_set(one, notation)[0] for one in parts)
        return notation.cases(yes, a, b, no), Binds.SUM
    return _signed(kind, parts, notation)


def _signed(kind: str, parts: Sequence[Tree], notation: Notation) -> tuple[str, Binds]:
    """A sum, a product, a quotient, or what follows a minus; a product's own minus stands before it."""
    if kind == "*" and parts[0][0] == "neg":
        kind, parts = "neg", [("*", parts[0][1], parts[1])]
    if kind == "neg":
        return notation.row([notation.operator("-"), _at(parts[0], Binds.PRODUCT, notation)]), Binds.SUM
    if kind == "/":
        return notation.fraction(*(_set(one, notation)[0] for one in parts)), Binds.PRODUCT
    binds = Binds.PRODUCT if kind == "*" else Binds.SUM
    second = _at(parts[1], Binds.PRODUCT if kind in "-*" else Binds.SUM, notation)
    sign = {"*": "·" if parts[1][0] in ("number", "neg") else ""}.get(kind, kind)
    between = [notation.operator(sign)] if sign else []
    return notation.row([_at(parts[0], binds, notation), *between, second]), binds


def _at(tree: Tree, least: Binds, notation: Notation) -> str:
    """A part of a formula, in brackets where it binds less than that."""
    text, binds = _set(tree, notation)
    return text if binds >= least else notation.brackets(text)


def _call(function: str, arguments: Sequence[Tree], notation: Notation) -> tuple[str, Binds]:
    if function == "pow":
        exponent = _set(arguments[1], notation)[0]
        return notation.power(_at(arguments[0], Binds.WHOLE, notation), exponent), Binds.POWER
    inner = [_set(one, notation)[0] for one in arguments]
    if function == "exp":
        return notation.power(notation.name("e", ""), inner[0]), Binds.POWER
    if function == "sqrt":
        return notation.root(inner[0]), Binds.WHOLE
    if function == "abs":
        return notation.bars(inner[0]), Binds.WHOLE
    return notation.call("ln" if function == "log" else function, inner), Binds.WHOLE


class _Latex:
    """LaTeX."""

    def number(self, value: float) -> str:
        digits, _, ten = f"{value:g}".partition("e")
        return rf"{digits} \cdot 10^{{{int(ten)}}}" if ten else digits

    def name(self, letters: str, index: str) -> str:
        spelled = {letter: name for name, letter in GREEK.items()}
        symbol = rf"\{spelled[letters]}" if letters in spelled else letters
        symbol = symbol if len(letters) == 1 else rf"\mathrm{{{letters}}}"
        below = index.replace("_", r"\_")
        return rf"{symbol}_{{\mathrm{{{below}}}}}" if index else symbol

    def operator(self, sign: str) -> str:
        return rf" {sign} ".replace("·", r"\cdot")

    def row(self, parts: Sequence[str]) -> str:
        return " ".join(parts)

    def brackets(self, inner: str) -> str:
        return rf"\left({inner}\right)"

    def bars(self, inner: str) -> str:
        return rf"\left|{inner}\right|"

    def fraction(self, above: str, below: str) -> str:
        return rf"\frac{{{above}}}{{{below}}}"

    def power(self, base: str, exponent: str) -> str:
        return f"{{{base}}}^{{{exponent}}}"

    def root(self, inner: str) -> str:
        return rf"\sqrt{{{inner}}}"

    def call(self, function: str, arguments: Sequence[str]) -> str:
        return rf"\{function}" + self.brackets(", ".join(arguments))

    def cases(self, yes: str, a: str, b: str, no: str) -> str:
        rows = rf"{yes} & \text{{for}}\: {a} < {b} \\ {no} & \text{{otherwise}}"
        return rf"\begin{{cases}} {rows} \end{{cases}}"


class _MathML:
    """Presentation MathML; every name is escaped."""

    def number(self, value: float) -> str:
        digits, _, ten = f"{value:g}".partition("e")
        if not ten:
            return f"<mn>{digits}</mn>"
        power = self.power("<mn>10</mn>", self.number(float(ten)))
        return self.row([f"<mn>{digits}</mn>", self.operator("·"), power])

    def name(self, letters: str, index: str) -> str:
        symbol = f"<mi>{html.escape(letters)}</mi>"
        return f"<msub>{symbol}<mi>{html.escape(index)}</mi></msub>" if index else symbol

    def operator(self, sign: str) -> str:
        return f"<mo>{html.escape(sign.replace('-', '−'))}</mo>"

    def row(self, parts: Sequence[str]) -> str:
        return f"<mrow>{''.join(parts)}</mrow>"

    def brackets(self, inner: str) -> str:
        return self.row(["<mo>(</mo>", inner, "<mo>)</mo>"])

    def bars(self, inner: str) -> str:
        return self.row(["<mo>|</mo>", inner, "<mo>|</mo>"])

    def fraction(self, above: str, below: str) -> str:
        return f"<mfrac>{above}{below}</mfrac>"

    def power(self, base: str, exponent: str) -> str:
        return f"<msup>{base}{exponent}</msup>"

    def root(self, inner: str) -> str:
        return f"<msqrt>{inner}</msqrt>"

    def call(self, function: str, arguments: Sequence[str]) -> str:
        inner = "<mo>,</mo>".join(arguments)
        return self.row([f"<mi>{function}</mi>", self.brackets(inner)])

    def cases(self, yes: str, a: str, b: str, no: str) -> str:
        where = f"<mtext>for&#160;</mtext>{self.row([a, '<mo>&lt;</mo>', b])}"
        rows = ((yes, where), (no, "<mtext>otherwise</mtext>"))
        table = "".join(f"<mtr><mtd>{one}</mtd><mtd>{when}</mtd></mtr>" for one, when in rows)
        return f"<mrow><mo>{{</mo><mtable>{table}</mtable></mrow>"
