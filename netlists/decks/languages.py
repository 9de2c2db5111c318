"""The languages of simulators that decks are written for, but not run in here."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import partial

from netlists.decks.circuit import Circuit
from netlists.decks.spectre import spectre_text
from netlists.decks.spice_family import HSPICE, LTSPICE, XYCE, spice_text
from roa_circuit.device.verilog_a import MODULE, verilog_a


class Language(StrEnum):
    """A simulator by whose language a deck can be exported."""

    ltspice = "ltspice"
    xyce = "xyce"
    spectre = "spectre"
    hspice = "hspice"

    @property
    def command(self) -> str:
        """The shell command that runs a deck, to be followed by its file name."""
        return {
            Language.ltspice: "ltspice -b", Language.xyce: "Xyce", Language.spectre: "spectre",
            Language.hspice: "hspice",
        }[self]  # fmt: skip


_WRITERS: dict[Language, Callable[[Circuit], str]] = {
    Language.ltspice: partial(spice_text, spelling=LTSPICE),
    Language.xyce: partial(spice_text, spelling=XYCE),
    Language.hspice: partial(spice_text, spelling=HSPICE),
    Language.spectre: spectre_text,
}


def exported(circuit: Circuit, language: Language) -> dict[str, str]:
    """The deck's text under the name '', and the files that it includes by their names.

    Raises
    ------
    InputError : the language has no deck for such a circuit.
    """
    text = _WRITERS[language](circuit)
    beside = {f"{MODULE}.va": verilog_a(circuit.device)} if language is Language.spectre else {}
    return {"": text, **beside}
