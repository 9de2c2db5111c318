"""Decks in languages of simulators that are not here: card by card by the rules of their manuals.

The cell itself is run: ngspice reads the behavioural sources of LTspice, given a function `if`, and
those of HSPICE in its mode of compatibility. The deck of LTspice is parsed by spicelib.
"""

import dataclasses
import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from netlists.decks.deck import read_deck, sweep_deck, write_deck
from netlists.decks.languages import Language, exported
from netlists.decks.spice_family import rewritten
from netlists.simulation._raw import read_raw
from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.device.compact_model import ngspice_library
from roa_circuit.device.laws.windows import Windows
from roa_circuit.device.parameters import load_device

DEVICE = default_device()
LAW = Windows(**DEVICE.memristor.constants, p=0.5, q=2.0, ratio=9.0, threshold_up=0.5)
CURVED = dataclasses.replace(DEVICE, name="windows", memristor=LAW)
GOLDEN = Path(__file__).parents[3] / "golden"
NAME, NODE = r"[A-Za-z]\w*", r"(?:0|[A-Za-z]\w*)"
NUMBER = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
SIGNAL = r"(?:V\([\w:.]+\)|I\(\w+\))"
FAMILY = [
    rf"V\w+ {NODE} 0 (?:{NUMBER}|PWL\((?: {NUMBER} {NUMBER})+ \))",
    rf"[RC]\w+ {NODE} {NODE} {NUMBER}(?: IC=\S+)?",
    rf"[EG]\w+ {NODE} {NODE} {NODE} {NODE} {NUMBER}",
    rf"H\w+ {NODE} {NODE} V\w+ {NUMBER}",
    rf"X\w+ {NODE} {NODE} memristor w0={NUMBER}",
    rf"M\w+ {NODE} {NODE} {NODE} {NODE} access w={NUMBER} l={NUMBER}",
    rf"\.model access nmos\(level=1 vto={NUMBER} kp={NUMBER} is={NUMBER}\)",
    rf"\.param {NAME}={NUMBER}",
    rf"\.meas TRAN \w+ FIND {SIGNAL} AT={NUMBER}",
    r"\.ends memristor", r"\.end",
]  # fmt: skip
OWN = {
    # LTspice: `**` is a power (`^` an exclusive or), `if` a function, `:` leads into an instance.
    Language.ltspice: [
        rf"B\w+ {NODE} {NODE} [IV]=[^;?^]+",
        r"\.subckt memristor te be params: w0=0\.5",
        rf"\.tran 0 {NUMBER} {NUMBER} {NUMBER} uic",
        rf"\.save(?: {SIGNAL})+",
        r"\.options(?: \w+=\S+)+",
        rf"\.temp {NUMBER}",
    ],
    # Xyce: expressions stand in one pair of braces; .options name their package.
    Language.xyce: [
        rf"B\w+ {NODE} {NODE} [IV]=\{{[^{{}};?^]+\}}",
        r"\.subckt memristor te be PARAMS: w0=0\.5",
        rf"\.tran {NUMBER} {NUMBER} {NUMBER} {NUMBER} UIC",
        rf"\.print TRAN FORMAT=CSV PRECISION=15(?: {SIGNAL})+",
        r"\.options (?:TIMEINT|NONLIN-TRAN|DEVICE)(?: \w+=\S+)+",
    ],
    # HSPICE: expressions stand in single quotes, of G and E elements; S elements are no switches.
    Language.hspice: [
        rf"G\w+ {NODE} {NODE} CUR='[^'{{}};^]+'",
        rf"E\w+ {NODE} {NODE} VOL='[^'{{}};^]+'",
        r"\.subckt memristor te be w0=0\.5",
        rf"\.tran {NUMBER} {NUMBER} START={NUMBER} UIC",
        rf"\.probe TRAN(?: {SIGNAL})+",
        r"\.option(?: \w+(?:=\S+)?)+",
        rf"\.temp {NUMBER}",
    ],
}
SPECTRE = [
    r"simulator lang=spectre", r"global 0", r'ahdl_include "memristor\.va"',
    rf"V\w+ \({NODE} 0\) vsource (?:type=dc dc={NUMBER}|type=pwl wave=\[(?: {NUMBER} {NUMBER})+ \])",
    rf"R\w+ \({NODE} {NODE}\) resistor r={NUMBER}", rf"C\w+ \({NODE} {NODE}\) capacitor c={NUMBER}",
    rf"E\w+ \({NODE} {NODE} {NODE} {NODE}\) vcvs gain={NUMBER}",
    rf"G\w+ \({NODE} {NODE} {NODE} {NODE}\) vccs gm={NUMBER}",
    rf"H\w+ \({NODE} {NODE}\) ccvs probe=V\w+ rm={NUMBER}",
    rf"X\w+ \({NODE} {NODE}\) memristor w0={NUMBER}",
    rf"M\w+ \({NODE} {NODE} {NODE} {NODE}\) access w={NUMBER} l={NUMBER}",
    rf"S\w+ \({NODE} {NODE} {NODE} 0\) access",
    rf"model access (?:mos1 type=n vto={NUMBER} kp={NUMBER} is={NUMBER}|relay(?: \w+={NUMBER})+)",
    rf"tolerances options reltol={NUMBER} vabstol={NUMBER} iabstol={NUMBER} temp={NUMBER}"
    r" saveahdlvars=selected",
    rf"transient tran stop={NUMBER} maxstep={NUMBER} skipdc=yes errpreset=conservative"
    rf" strobetimes=\[(?: {NUMBER})+ \]",
    r"save(?: \w+(?::\w+)?)+",
]  # fmt: skip


def cards(text, mark):
    """The cards of a deck without title and comments, each on one line."""
    whole = re.sub(r"\n\+ ?", " ", text)
    return [line for line in whole.splitlines() if line and not line.startswith(mark)]


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("name", ["write", "write_transistors", "read_amplified"])
def test_every_card_follows_the_rules_of_its_language(language, name):
    text = (GOLDEN / language / f"{name}.net").read_text()
    spectre = language is Language.spectre
    rules = SPECTRE if spectre else FAMILY + OWN[language]
    for card in cards(text, "//" if spectre else "*"):
        assert any(re.fullmatch(rule, card) for rule in rules), card
    assert max(map(len, text.splitlines())) <= 200
    elements = [c.split()[0] for c in cards(text, "//" if spectre else "*") if c[0] in "VRCEGHXMS"]
    within = {"Cstate", "Eacross", "Gstate", "Gcell"}
    assert len({e for e in elements if e not in within}) == len([e for e in elements if e not in within])


@pytest.mark.parametrize("language", list(Language))
def test_the_circuit_is_that_of_ngspices_deck(language):
    """The same elements between the same nodes, with the same values, whatever the words."""
    theirs = (GOLDEN / language / "write.net").read_text()
    ours = (GOLDEN / "write.cir").read_text()
    found = [_elements(text) for text in (ours, theirs)]
    assert found[0] == found[1]
    assert len(found[0]) > 20


def _elements(text):
    """Resistors and cells: name, nodes and value."""
    plain = re.sub(r"[()]", "", text)
    plain = re.sub(r" (?:resistor r=|memristor w0=)", " ", plain)
    return set(re.findall(r"^([RX]\w+ \w+ \w+ [-\d.e]+)$", plain, re.M))


@pytest.mark.ngspice
@pytest.mark.parametrize(("language", "mode"), [(Language.ltspice, "spice3"), (Language.hspice, "hsa")])
@pytest.mark.parametrize("volts", [-1.05, 1.6])
def test_the_cell_moves_as_ngspices_own(language, mode, volts, tmp_path):
    device = default_device()
    text = (GOLDEN / language / "write.net").read_text()
    cell = _subcircuit(text)
    own = _subcircuit(ngspice_library(device))
    ends = [_state_after(*pair, volts, tmp_path) for pair in ((own, "spice3"), (cell, mode))]
    assert abs(ends[0] - 0.4) > 0.01
    assert ends[1] == pytest.approx(ends[0], abs=1e-7)


@pytest.mark.ngspice
@pytest.mark.parametrize("volts", [-1.05, 1.6])
@pytest.mark.parametrize("device", [CURVED, load_device("vteam")], ids=["windows", "vteam"])
def test_another_law_moves_as_in_ngspice(device, volts, tmp_path):
    """In the words of LTspice: its thresholds, powers, and the variable that it integrates."""
    deck = write_deck(default_crossbar(3, 2), np.full((3, 2), 0.5), np.eye(3, 2, dtype=int), device)
    cells = [ngspice_library(device), exported(deck.circuit, Language.ltspice)[""]]
    ends = [_state_after(_subcircuit(cell), "spice3", volts, tmp_path) for cell in cells]
    assert abs(ends[0] - 0.4) > 0.01
    assert ends[1] == pytest.approx(ends[0], abs=1e-7)


def test_a_law_that_a_language_has_no_words_for_is_refused():
    state, counts = np.full((3, 2), 0.5), np.eye(3, 2, dtype=int)
    for device, missing in ((CURVED, "'windows' needs ln, pow"), (load_device("vteam"), "needs pow")):
        circuit = write_deck(default_crossbar(3, 2), state, counts, device).circuit
        with pytest.raises(InputError, match=f"{missing}, which this language lacks.* take --language"):
            exported(circuit, Language.hspice)
        assert "B" in exported(circuit, Language.xyce)[""]
        assert device.memristor.name in exported(circuit, Language.spectre)["memristor.va"]


def _subcircuit(text):
    return re.search(r"^\.subckt memristor .*?^\.ends memristor\n", text, re.M | re.S)[0]


def _state_after(cell, mode, volts, folder):
    deck = [
        "* one cell", ".func if(a,b,c) {(a ? b : c)}", cell,
        f"V1 a 0 PWL(0 0 1u {volts} 2u {volts} 3u 0)", "X1 a 0 memristor w0=0.4",
        ".options reltol=1e-7 abstol=1e-15 vntol=1e-10", ".save v(x1.omega)", ".tran 10n 4u 0 10n uic",
        ".end",
    ]  # fmt: skip
    (folder / "deck.cir").write_text("\n".join(deck) + "\n")
    (folder / ".spiceinit").write_text(f"set ngbehavior={mode}\n")
    command = ["ngspice", "-b", "-r", "out.raw", "deck.cir"]
    environment = {**os.environ, "HOME": str(folder)}
    subprocess.run(command, cwd=folder, capture_output=True, check=True, env=environment)
    return read_raw(folder / "out.raw")["v(x1.omega)"][-1]


def test_spicelib_reads_the_deck_of_ltspice(tmp_path):
    """An independent reader finds every element, its nodes and its value."""
    editor_of = pytest.importorskip("spicelib", reason="spicelib, of the dev extra, is missing")
    path = tmp_path / "write.net"
    path.write_text((GOLDEN / "ltspice" / "write.net").read_text())
    editor = editor_of.SpiceEditor(path)
    names = set(editor.get_components())
    wanted = re.findall(r"^([VRCBX]\w+) ", _flat(path.read_text()), re.M)
    assert {name.upper() for name in wanted} <= {name.upper() for name in names}
    assert editor.get_component_value("Rword0_col0") == "1"
    assert editor.get_component_nodes("Xword2_col1")[:2] == ["word2_col1", "bit1_row2"]
    assert editor.get_component_value("Xword2_col1").split()[0] == "memristor"
    assert editor.get_component_parameters("Xword2_col1")["w0"] in (0.0, "0.0")


def _flat(text):
    """Without the subcircuit, whose elements are the library's."""
    return re.sub(r"^\.subckt.*?^\.ends \w+\n", "", text, flags=re.M | re.S)


def test_powers_and_conditionals_are_rewritten():
    text = "I={k}*(a<0 ? max(1-b,0) : max(b,0))^2+(c>1 ? (d<2 ? 1 : 2) : 3)"
    told = rewritten(text, lambda c, a, b: f"if({c},{a},{b})")
    assert told == "I={k}*if(a<0,max(1-b,0),max(b,0))**2+if(c>1,if(d<2,1,2),3)"
    kept = rewritten(text, lambda c, a, b: f"({c} ? {a} : {b})")
    assert kept == text.replace("^", "**")


def test_what_a_language_has_no_word_for_is_refused():
    crossbar, device = default_crossbar(3, 2), default_device()
    state = np.full((3, 2), 0.5)
    sweep = sweep_deck(crossbar, state, np.zeros((1, 3)), device)
    for language in Language:
        with pytest.raises(InputError, match="transients alone"):
            exported(sweep.circuit, language)
    ideal = write_deck(
        Crossbar(rows=3, columns=2, scheme="ideal"), state, np.eye(3, 2, dtype=int), device
    )
    assert ".model access SW(" in exported(ideal.circuit, Language.ltspice)[""]
    assert "VSWITCH" in exported(ideal.circuit, Language.xyce)[""]
    assert "relay" in exported(ideal.circuit, Language.spectre)[""]
    with pytest.raises(InputError, match="HSPICE has no ideal switch"):
        exported(ideal.circuit, Language.hspice)
    read = read_deck(crossbar, state, np.zeros((1, 3)), device)
    assert set(exported(read.circuit, Language.spectre)) == {"", "memristor.va"}
