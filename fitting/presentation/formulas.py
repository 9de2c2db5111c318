"""The formulas of a law as MathML, which browsers typeset, and what its symbols mean."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from roa_circuit.device.laws import Law
from roa_circuit.device.laws.formulas.typeset import GREEK, mathml
from roa_circuit.device.laws.table import Table
from roa_circuit.device.laws.windows import Windows
from roa_circuit.device.laws.zhang2021 import Memristor
from roa_circuit.presentation.markup import Markup
from roa_circuit.presentation.page import (
    Section,
    paragraph,
    table,
)

if TYPE_CHECKING:
    from roa_circuit.device.laws.formula_law import FormulaLaw


def formulas(law: Law) -> list[Markup]:
    """The law's equations, each a block."""
    if type(law) in _BLOCKS:
        return [_block(inner) for inner in _BLOCKS[type(law)]()]
    from roa_circuit.device.laws.formula_law import FormulaLaw

    return _of_file(law) if isinstance(law, FormulaLaw) else _of_text(law)


def section(law: Law) -> Section:
    """The law as a section of a page: equations, then a table of symbols."""
    rows = []
    for name, value in law.constants.items():
        unit = law.units[name]
        shown = "" if unit == "-" else unit
        rows.append([_symbol(name), f"{float(value):.4g}", shown, law.meanings[name]])
    words = "ω in [0, 1] is the state; V < 0 potentiates. Values are those of the fitted device."
    head = ("symbol", "value", "unit", "meaning")
    symbols = table(head, rows, words=(2, 3), caption="Symbols of the law.")
    return Section(title="The law", parts=[*formulas(law), paragraph(words), symbols])


def _eq_1() -> list[str]:
    return [_slope("ω") + _rate() + _row("×") + _cases("ω", "2", "2"), _current()]


def _windows() -> list[str]:
    return [_slope("u") + _rate() + _row("×") + _cases("u", "p", "q"), _of_u(), _current()]


def _table() -> list[str]:
    change = _row("Δ u = ±") + _sub("Δ", "V") + _row("( u )")
    return [change + _words(", a pulse, between measured states"), _of_u(), _current()]


_BLOCKS: Mapping[type[Law], Callable[[], list[str]]] = {
    Memristor: _eq_1, Windows: _windows, Table: _table,
}  # fmt: skip
"""The equations of laws that are typeset by hand; any other class shows its text for simulators."""


def _of_text(law: Law) -> list[Markup]:
    """A law's own text, each term in a block: true to any law, if plainer than mathematics."""
    text = law.text()
    named = {**text.terms, f"d {text.state}/dt": text.motion, **text.branches, "I": text.current}
    if text.state != "omega":
        named["omega"] = text.omega
    return [_block(_words(f"{name} = {formula}")) for name, formula in named.items()]


def _rate() -> str:
    up, down = _row("− ") + _sub("μ", "1") + _row("V"), _sub("μ", "2") + _row("V")
    return _row("k (") + _sup(_row("e"), up) + _row("−") + _sup(_row("e"), down) + _row(")")


def _current() -> str:
    """Eq. 2."""
    return _row("I = ω γ sinh ( δ V ) + ( 1 − ω ) α ( 1 −") + _sup(_row("e"), _row("− β V")) + _row(")")


def _of_u() -> str:
    """u = omega, or the share of the way in ln G."""
    share = _fraction(_row("ln ( 1 + ω ( r − 1 ) )"), _row("ln r"))
    ratio = _row("r =") + _sub("G", "max") + _row("/") + _sub("G", "min")
    return _row("u = ω") + _words(" or ") + _row("u =") + share + _words(", ") + ratio


def _cases(state: str, p: str, q: str) -> str:
    """The window of each polarity."""
    lines, case = "", _words("for\u00a0")
    for room, power, sign in ((f"( 1 − {state} )", p, "<"), (state, q, ">")):
        window = _sup(_row(room), _row(power))
        lines += f"<mtr><mtd>{window}</mtd><mtd>{case}{_row(f'V {sign} 0')}</mtd></mtr>"
    return f"<mrow><mo>{{</mo><mtable>{lines}</mtable></mrow>"


def _of_file(law: FormulaLaw) -> list[Markup]:
    from roa_circuit.device.laws.formulas.currents import trees_of

    trees, state = trees_of(law.definition), law.definition.state
    parts = [(_slope(GREEK.get(state, state)), "motion"), (_row("I ="), "current")]
    if state != "omega":
        parts.append((_row("ω ="), "omega_of_state"))
    return [_block(left + mathml(trees[part])) for left, part in parts]


def _block(inner: str) -> Markup:
    return Markup(f'<div class="scroll"><math display="block">{inner}</math></div>')


def _row(text: str) -> str:
    """Tokens parted by blanks: numbers, names, and operators."""
    found = []
    for token in text.split():
        kind = "mn" if token.isdigit() else "mi" if token.isalpha() else "mo"
        # A bracket would grow with what stands in its row, and its fellow in another row would not.
        still = ' stretchy="false"' if token in "()" else ""
        found.append(f"<{kind}{still}>{html.escape(token)}</{kind}>")
    return f"<mrow>{''.join(found)}</mrow>"


def _words(text: str) -> str:
    return f"<mtext>{html.escape(text)}</mtext>"


def _sup(base: str, power: str) -> str:
    return f"<msup>{base}<mrow>{power}</mrow></msup>"


def _sub(base: str, index: str) -> str:
    return f"<msub>{_row(base)}{_row(index)}</msub>"


def _fraction(above: str, below: str) -> str:
    return f"<mfrac>{above}{below}</mfrac>"


def _slope(state: str) -> str:
    """d state / dt =."""
    return _fraction(_row(f"d {state}"), _row("d t")) + _row("=")


def _symbol(name: str) -> str:
    """'mu1' as 'μ₁ (mu1)', others as they are."""
    match = re.fullmatch(r"(mu|gamma|delta|alpha|beta)(\d?)", name)
    if not match:
        return name
    small = match[2].translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
    return f"{GREEK[match[1]]}{small} ({name})"
