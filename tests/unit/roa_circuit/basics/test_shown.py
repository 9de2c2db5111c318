"""What people see at a prompt: short, with units, and safe in a page."""

import dataclasses

import numpy as np
import pytest

from fitting import fit_device, read_measurements
from meta.data.fewshot import FewShotDataset
from netlists import load_layer
from roa_circuit import (
    Crossbar,
    Imperfections,
    Programming,
    default_device,
    load_device,
    write_in_situ,
    write_verify,
)
from roa_circuit.basics.shown import Facts
from roa_circuit.chips.programmable import FreeCells


def objects():
    """One of each, made as users make them."""
    layer = load_layer("fc")
    rng = np.random.default_rng(0)
    array = Crossbar(rows=3, columns=2, r_word=1.0)
    ones = np.ones(array.shape, dtype=np.int64)
    table = np.zeros((4, 2, 28, 28), dtype=np.uint8)
    cells = FreeCells(np.full((3, 2), 0.5), default_device(), Programming())
    return {
        "layer": layer,
        "device": layer.device,
        "imperfections": Imperfections(stuck_on=0.01, sense_offset=1e-9),
        "none": Imperfections(),
        "write": write_in_situ(array, np.full(array.shape, 0.5), ones, default_device()),
        "verified": write_verify(
            cells, rng.uniform(0.3, 0.7, (3, 2)), default_device(), Programming()
        ),
        "data": FewShotDataset(name="mine", images=table, classes={"train": np.arange(4)}),
    }  # fmt: skip


@pytest.mark.parametrize(("name", "thing"), objects().items())
def test_a_screenful_at_most(name, thing):
    text, page = repr(thing), thing._repr_html_()
    assert 1 <= len(text.splitlines()) <= 20
    assert max(map(len, text.splitlines())) <= 100
    assert "array(" not in text
    assert page.startswith("<table>")
    assert page.count("<tr>") == len(text.splitlines()) - 1


def test_a_layer_shows_lines_that_differ():
    layer = load_layer("fc")
    uneven = dataclasses.replace(layer.crossbar, r_sense=(5.0, 0.0, 1.0, 2.0, 3.0, 20.0))
    shown = repr(dataclasses.replace(layer, crossbar=uneven))
    assert "word 1, bit 1, source 10, sense 0 to 20 Ohm" in shown


def test_a_fit_shows_its_constants():
    measured = read_measurements("data/pulses.csv")
    assert "cycles -1.1/+1.4 V       301     300           0" in repr(measured)
    shown = repr(fit_device(measured, load_device("zhang2021")))
    assert "Fit: 7 of 7 constants known to 5 %" in shown
    assert "mu1 [1/V]" in shown


def test_a_device_a_cell_is_shown_by_its_ends():
    nominal = default_device()
    constants = {**vars(nominal.memristor), "k": np.array([[1e-4, 3e-4]])}
    device = type(nominal)(
        name="two", citation="", memristor=type(nominal.memristor)(**constants), pulses=nominal.pulses
    )
    assert "0.0001 ... 0.0003, a device a cell" in repr(device)


def test_names_are_text_in_a_page():
    page = Facts(title="<b>", rows=[("<script>", "&")]).html()
    assert "<b>" not in page
    assert "<script>" not in page
    assert Facts(title="nothing", rows=[]).text() == "nothing"
