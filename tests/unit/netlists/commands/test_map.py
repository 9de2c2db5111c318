"""roa-spice map: its numbers are those of the circuit, and its page and figures are there."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from netlists.commands import cli
from roa_circuit.circuit.crossbar import Crossbar


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, make_layer):
    monkeypatch.chdir(tmp_path)
    make_layer(rows=7, columns=4, reads=5).save(Path("layer.npz"))


def read_csv():
    return list(csv.DictReader(Path("out/map/map.csv").read_text().splitlines()))


def grid(rows, name, shape=(7, 4)):
    found = np.empty(shape)
    for row in rows:
        found[int(row["row"]), int(row["column"])] = float(row[name])
    return found


@pytest.mark.long
def test_kirchhoff_and_joule_hold_in_the_numbers(command):
    code, out, error = command(cli.main, "map", "--layer", "layer.npz", "--read-index", "3")
    assert (code, error) == (0, "")
    assert "energy of a read" in out
    rows, found = read_csv(), json.loads(Path("out/map/map.json").read_text())
    cells, words = grid(rows, "cell_current [A]"), grid(rows, "word_current [A]")
    bits, drops = grid(rows, "bit_current [A]"), grid(rows, "ir_drop [V]")
    np.testing.assert_allclose(np.cumsum(cells, axis=0), bits, rtol=1e-6)
    np.testing.assert_allclose(np.cumsum(cells[:, ::-1], axis=1)[:, ::-1], words, rtol=1e-6)
    across = grid(rows, "cell_voltage [V]")
    np.testing.assert_allclose(drops + across, grid(rows, "drive [V]"), atol=1e-9)
    # 1 Ohm a segment and 10 Ohm at the ends: the drop of the farthest cell, summed by hand
    on_the_way = 10 * words[0, 0] + words[0].sum() + bits[:, 3].sum() + 10 * bits[-1, 3]
    assert drops[0, 3] == pytest.approx(on_the_way, rel=1e-6)
    (array,) = found["arrays"]
    np.testing.assert_allclose(array["sensed [A]"], bits[-1], rtol=1e-6)
    watts = array["power [W]"]
    assert watts["cells"] == pytest.approx((cells * across).sum(), rel=1e-6)
    delivered = (grid(rows, "drive [V]")[:, 0] * words[:, 0]).sum()
    assert sum(watts.values()) == pytest.approx(delivered, rel=1e-6)
    assert found["energy"]["joules_a_read"] == pytest.approx(1.1e-6 * delivered, rel=1e-6)


@pytest.mark.long
def test_a_tiled_layer_is_laid_out_as_its_tiles_lie_and_drawn(command, make_layer):
    make_layer(rows=7, columns=6, reads=2).save(Path("wide.npz"))
    asked = ("--layer", "wide.npz", "--tile", "3x3", "--read-index", "1", "--drive", "both")
    assert command(cli.main, "map", *asked)[0] == 0
    found = json.loads(Path("out/map/map.json").read_text())
    places = [(one["tile"]["row"], one["tile"]["column"]) for one in found["arrays"]]
    assert places == [(row, column) for row in (0, 3) for column in (0, 3)]
    assert [np.shape(one["omega"]) for one in found["arrays"]] == [(3, 4), (3, 3), (4, 4), (4, 3)]
    names = {path.name for path in Path("out/map/figures").iterdir()}
    assert names == {f"synthetic--{what}-of-read-1.{kind}" for what in ("maps", "array")
                     for kind in ("png", "svg")}  # fmt: skip
    page = Path("out/map/report.html").read_text()
    assert page.count("<svg") == 2
    assert page.count("<script") == 3  # numbers, plotly, and the program that draws them


@pytest.mark.long
def test_a_driven_array_behind_amplifiers_and_transistors_loses_more(command):
    parts = '[amplifier]\n"r_feedback [Ohm]" = 1e4\n"gain [-]" = 100\n[transistor]\n'
    parts += '"width_over_length [-]" = 10\n'
    Path("circuit.toml").write_text(parts)
    energies = []
    for more in ((), ("--circuit", "circuit.toml")):
        assert command(cli.main, "map", "--layer", "layer.npz", *more)[0] == 0
        energies.append(json.loads(Path("out/map/map.json").read_text())["energy"]["joules_by_part"])
    bare, whole = energies
    assert set(whole) - set(bare) == {"transistors", "feedback"}
    assert whole["cells"] < bare["cells"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--read-index", "5"), "--read-index 5: layer 'synthetic' has 5 reads, counted from 0"),
        (("--compensation", "placd"), "did you mean 'placed'?"),
        (("--imperfections", "adc.toml"), "adc_bits would change nothing"),
    ],
)
def test_mistakes_are_one_line(command, options, says):
    Path("adc.toml").write_text('"adc_bits [-]" = 8\n"adc_range [A]" = 1e-4\n')
    code, _, error = command(cli.main, "map", "--layer", "layer.npz", *options)
    assert code == 2
    assert says in error
    assert error.count("\n") == 1
    assert not Path("out/map/map.json").exists()


def test_the_design_point_is_what_the_sums_by_hand_assume(make_layer):
    lines = make_layer(rows=7, columns=4).crossbar
    assert lines == Crossbar(rows=7, columns=4, r_source=10, r_word=1, r_bit=1, r_sense=10)
