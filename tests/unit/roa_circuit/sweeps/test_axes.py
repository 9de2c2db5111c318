"""What can be varied, how it is written, and which points a design takes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roa_circuit.basics.errors import InputError
from roa_circuit.basics.toml import loads
from roa_circuit.chips.circuitry import BARE, Circuitry
from roa_circuit.chips.imperfections import UNITS, Imperfections
from roa_circuit.circuit.components import Amplifier, Transistor
from roa_circuit.circuit.crossbar import RESISTANCES, Crossbar
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.device.parameters import load_device
from roa_circuit.sweeps import axes, described
from roa_circuit.sweeps.description import Sweep, vary_options
from roa_circuit.sweeps.fields import COMPONENTS, find_field, shared_fields
from roa_circuit.sweeps.setup import Setup

FIELDS = shared_fields()
WITH_BOTH = Circuitry(
    amplifier=Amplifier(r_feedback=1e4, gain=10.0, gain_bandwidth=1e6), transistor=Transistor()
)


def axis(name, written):
    return axes.parse(FIELDS[name], written)


def setup(circuitry=BARE):
    return Setup(
        crossbar=default_crossbar(4, 3),
        device=default_device(),
        imperfections=Imperfections(),
        circuitry=circuitry,
    )


@pytest.mark.parametrize(
    ("name", "written", "levels"),
    [
        ("wire_resistance", "0:5:6", (0, 1, 2, 3, 4, 5)),
        ("wire_resistance", "0:0.3:4", (0, 0.1, 0.2, 0.3)),
        ("sense_resistance", "10:10k:4log", (10, 100, 1e3, 1e4)),
        ("sense_resistance", "1k,2.2k, 10 Ohm", (1e3, 2.2e3, 10)),
        ("sigma_wn", "2", (2,)),
        ("adc_bits", "4:12:3", (4, 8, 12)),
        ("scheme", "V/2,V/3", ("V/2", "V/3")),
        ("sigma_wn", [0, 0.5], (0, 0.5)),
        ("sigma_wn", 1, (1,)),
    ],
)
def test_levels_are_read_as_written_and_said_back(name, written, levels):
    found = axis(name, written)
    assert found.levels == pytest.approx(levels) if found.numeric else found.levels == levels
    assert axes.parse(found.field, found.said()).levels == pytest.approx(levels) or not found.numeric


def test_an_interval_is_even_or_even_in_its_logarithm():
    even, log = axis("sigma_wn", "0:4"), axis("wire_resistance", "0.1:1k:log")
    assert [even.at(0.0), even.at(0.5), even.between(1.0)] == [0.0, 2.0, 4.0]
    assert log.between(0.5) == pytest.approx(10.0)
    assert axis("adc_bits", "4:12").between(0.4) == 7  # whole, as the field is


@pytest.mark.parametrize(
    ("name", "written", "says"),
    [
        ("wire_resistance", "0:5:11:2", "START:STOP:COUNT"),
        ("wire_resistance", "0:5:x", "START:STOP:COUNT"),
        ("wire_resistance", "0:5:3log", "above 0"),
        ("wire_resistance", "1 V", "expected Ohm"),
        ("wire_resistance", "fast", "not a number"),
        ("sigma_wn", "0,1,0", "twice"),
        ("adc_bits", "2.5", "whole number"),
        ("sigma_wn", "5:5", "to a larger one"),
        ("sigma_wn", "5:5:3", "3 levels from 5 to 5"),
        ("sigma_wn", [], "no values"),
        ("sigma_wn", [True], "not a number"),
    ],
)
def test_what_is_no_axis_is_refused(name, written, says):
    with pytest.raises(InputError, match=says):
        axis(name, written)


def test_every_imperfection_and_every_resistance_can_be_varied():
    assert set(UNITS) <= set(FIELDS)
    targets = {
        target for field in FIELDS.values() if field.part == "circuit" for target in field.targets
    }
    assert set(RESISTANCES) <= targets
    assert {"k", "mu1", "current_scale", "potentiation_voltage", "spread_gamma"} <= set(FIELDS)


@pytest.mark.parametrize("name", [name for name, field in FIELDS.items() if field.kind is not str])
def test_every_number_takes_effect_where_it_says(name):
    field = FIELDS[name]
    start = setup(WITH_BOTH if field.part in COMPONENTS or name.startswith("amplifier") else BARE)
    before = start.value(field)
    changed = 7 if field.kind is int else 0.5 * before if before else 0.01
    keeps, ranged = {"retention_time": 1.0}, {"adc_bits": 6, "adc_range": "layer"}
    both = {
        "adc_bits": {"adc_range": 1e-4},
        "adc_percentile": ranged,
        "age": keeps,
        "dac_slices": {"dac_bits": 14},
        "retention_energy": keeps,
    }.get(name, {})
    after = start.at({name: changed, **both}, FIELDS)
    assert after != start
    if field.factor:
        for line in field.targets:
            assert getattr(after.crossbar, line) == 0.5 * getattr(start.crossbar, line)
    elif field.part != "spread":
        assert after.value(field) == changed


def test_a_misspelt_field_gets_the_nearest_name_and_attributes_count_as_names():
    with pytest.raises(InputError, match="did you mean 'wire_resistance'"):
        find_field("wire_resistence", FIELDS)
    assert find_field("r_sense", FIELDS).name == "sense_resistance"


def test_axes_that_set_the_same_thing_are_refused():
    both = {"wire_resistance": "0,1", "word_resistance": "0,1"}
    with pytest.raises(InputError, match="both set r_word"):
        described({"vary": both}, FIELDS)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({}, "nothing is varied"),
        ({"vary": {"sigma_wn": "0:4"}}, "add a count, as in sigma_wn=0:4:11"),
        ({"vary": {"sigma_wn": "0:4:5"}, "design": "sobool"}, "did you mean 'sobol'"),
        ({"vary": {"sigma_wn": "0:4:5"}, "repeat": 3}, "did you mean 'repeats'"),
        ({"vary": {"sigma_wn": "0:4:5"}, "repeats": 0}, "at least 1"),
        ({"vary": {"sigma_wn": "0:4:9999", "wire_resistance": "0:4:999"}}, "more than the 1,000,000"),
        ({"vary": 3}, "must be a section"),
    ],
)
def test_what_is_no_sweep_is_refused(document, says):
    with pytest.raises(InputError, match=says):
        described(document, FIELDS)


def test_a_description_survives_its_toml():
    asked = {"vary": {"wire_resistance": "0.1:10:5log", "scheme": "V/2,V/3"}, "repeats": 3, "seed": 4}
    once = described(asked, FIELDS)
    assert described(loads(once.to_toml(), source="t"), FIELDS).configurations() == once.configurations()


def test_a_sweep_shows_itself_at_a_prompt_and_in_a_notebook():
    one = described({"vary": {"wire_resistance": "0:2:3", "sigma_wn": [1]}, "repeats": 3}, FIELDS)
    assert repr(one).splitlines()[0] == "Sweep: grid of 3 points, 3 chips each"
    assert "0.0,1.0,2.0" in repr(one)
    assert "<td>wire_resistance</td>" in one._repr_html_()


def test_options_are_names_and_values():
    assert vary_options(["a=1:2:3", " b = 4,5 "]) == {"a": "1:2:3", "b": "4,5"}
    for wrong in (["a"], ["=3"], ["a="], ["a=1", "a=2"]):
        with pytest.raises(InputError, match="--vary"):
            vary_options(wrong)


def test_a_grid_takes_all_combinations_the_last_axis_fastest():
    grid = described({"vary": {"wire_resistance": "0,1", "sigma_wn": "0,2,4"}}, FIELDS)
    points = [tuple(point.values()) for point in grid.configurations()]
    assert points == [(0, 0), (0, 2), (0, 4), (1, 0), (1, 2), (1, 4)]


@given(design=st.sampled_from(["random", "sobol"]), count=st.integers(1, 70), seed=st.integers(0, 9))
def test_drawn_points_lie_on_their_axes_and_come_again(design, count, seed):
    vary = {"wire_resistance": "0.1:100:log", "sigma_wn": [0, 1, 4], "adc_bits": "4:8"}
    one, again = (
        described({"vary": vary, "design": design, "points": count, "seed": seed}, FIELDS)
        for _ in range(2)
    )
    points = one.configurations()
    assert points == again.configurations()
    assert len(points) == count
    for point in points:
        assert 0.1 <= point["wire_resistance"] <= 100
        assert point["sigma_wn"] in (0, 1, 4)
        assert point["adc_bits"] in range(4, 9)


def test_a_sobol_design_is_more_even_than_chance():
    def worst_gap(design):
        made = described(
            {"vary": {"sigma_wn": "0:1", "stuck_on": "0:1"}, "design": design, "points": 256}, FIELDS
        )
        counts, *_ = np.histogram2d(
            *np.array([list(p.values()) for p in made.configurations()]).T, bins=8
        )
        return np.abs(counts - 4).max()

    assert worst_gap("sobol") <= 2 < worst_gap("random")


def test_axes_are_frozen_and_checked_at_construction():
    with pytest.raises(InputError, match="interval goes"):
        axes.Axis(field=FIELDS["sigma_wn"], low=1.0, high=0.0)
    with pytest.raises(InputError, match="varied twice"):
        Sweep(axes=(axis("sigma_wn", "0,1"), axis("sigma_wn", "2,3")))


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_an_array_is_a_list_of_its_values(dtype):
    values = np.arange(1, 4, dtype=dtype)
    assert axes.parse(FIELDS["wire_resistance"], values).levels == (1.0, 2.0, 3.0)
    assert axes.parse(FIELDS["adc_bits"], list(values)).levels == (1, 2, 3)


def test_every_constant_of_every_law_can_be_varied():
    device = load_device("vteam")
    fields = shared_fields(device.memristor)
    assert fields["p_on"].targets == ("p_on",)
    assert "mu1" not in fields
    assert fields["spread_k_on"].targets == ("k_on",)
    setup = Setup(crossbar=Crossbar(rows=2, columns=2), device=device, imperfections=Imperfections())
    assert setup.at({"p_on": 2.5}, fields).device.memristor.constants["p_on"] == 2.5
