"""Cuts through arrays: they part it into small blocks, and save a solver work."""

import dataclasses
import os
import re
import subprocess

import numpy as np
import pytest

from netlists.decks.cuts import LEAST, cuts
from netlists.decks.deck import sweep_deck
from netlists.decks.dialect import Dialect
from netlists.simulation.simulators import Engine
from roa_circuit.circuit.crossbar import bit_node, word_node
from roa_circuit.circuit.design_point import default_crossbar, default_device


def neighbours(rows, columns):
    """The nodes of an array and those that each is joined to by a wire or a cell."""
    joined = {}
    for i in range(rows):
        for j in range(columns):
            word, bit = word_node(i, j), bit_node(i, j)
            pairs = [(word, bit)]
            pairs += [(word, word_node(i, j + 1))] * (j + 1 < columns)
            pairs += [(bit, bit_node(i + 1, j))] * (i + 1 < rows)
            for a, b in pairs:
                joined.setdefault(a, set()).add(b)
                joined.setdefault(b, set()).add(a)
    return joined


def filled(text, folder):
    """The numbers that ngspice's matrix is filled with beyond the circuit's, and what is printed."""
    (folder / "deck.cir").write_text(text.replace("noacct", "acct"), encoding="utf-8")
    done = subprocess.run(
        ["ngspice", "-b", "deck.cir"], cwd=folder, env={**os.environ, "HOME": str(folder)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    table = np.array(re.findall(r"^0\t\S+\t(\S+)", done.stdout, re.M), float)
    return int(re.search(r"fill-in non-zeroes = (\d+)", done.stdout)[1]), table


@pytest.mark.parametrize("shape", [(64, 65), (20, 64), (33, 33)])
def test_no_block_between_the_cuts_is_worth_another(shape):
    joined = neighbours(*shape)
    left = set(joined) - {node for cut in cuts(default_crossbar(*shape)) for node in cut}
    while left:
        block, reached = set(), [left.pop()]
        while reached:
            node = reached.pop()
            block.add(node)
            reached += [other for other in joined[node] if other in left]
            left -= joined[node]
        assert len(block) < 2 * LEAST


@pytest.mark.ngspice
@pytest.mark.long
def test_sparse_fills_less_where_it_is_told_of_cuts(tmp_path):
    """And finds the same currents, as sources without gain are nothing to the circuit."""
    crossbar = default_crossbar(48, 48)
    state, volts = np.full(crossbar.shape, 0.5), np.full((1, 48), 0.1)
    text = sweep_deck(crossbar, state, volts, default_device()).text
    told, currents = filled(text, tmp_path)
    untold, as_before = filled(re.sub("(?m)^Gcut.*\n", "", text), tmp_path)
    assert told < 0.7 * untold
    np.testing.assert_allclose(currents, as_before, rtol=1e-9)
    assert currents.min() > 0.0


def test_every_node_of_a_cut_is_one_of_the_deck_and_in_one_cut_alone():
    crossbar = default_crossbar(16, 12)
    found = cuts(crossbar)
    nodes = [node for cut in found for node in cut]
    assert len(nodes) == len(set(nodes)) > 0
    volts, device = np.full((1, 16), 0.1), default_device()
    state = np.full(crossbar.shape, 0.5)
    text = sweep_deck(crossbar, state, volts, device).text
    cards = [line.split() for line in text.splitlines() if line.startswith("Gcut")]
    assert len(cards) == sum(len(cut) * (len(cut) - 1) // 2 for cut in found)
    assert {card[5] for card in cards} == {"0"}
    wired = " ".join(line for line in text.splitlines() if line.startswith("R")).split()
    assert {node for card in cards for node in card[1:5]} <= set(wired)


def test_only_sparse_is_told_of_cuts():
    crossbar, device = default_crossbar(16, 12), default_device()
    state, volts = np.full((16, 12), 0.5), np.full((1, 16), 0.1)
    for how in ({"dialect": Dialect(klu=True)}, {"engine": Engine.vacask}):
        assert "cut" not in sweep_deck(crossbar, state, volts, device, **how).text
    assert cuts(dataclasses.replace(crossbar, r_word=0.0)) == ()
    assert cuts(default_crossbar(65, 1)) == cuts(default_crossbar(10, 10)) == ()
