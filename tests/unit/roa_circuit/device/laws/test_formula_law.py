"""Laws from files: the published formulas, scipy, derivatives, and files that are no laws."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from law_devices import DEVICES, EQ_1
from scipy.integrate import solve_ivp

from roa_circuit import Device, InputError, load_device
from roa_circuit.basics import toml
from roa_circuit.device.laws import read_law
from roa_circuit.device.laws.formula_law import FormulaLaw
from roa_circuit.device.laws.formulas.definition import Definition
from roa_circuit.device.laws.formulas.grammar import parse
from roa_circuit.device.laws.formulas.typeset import latex, mathml
from roa_circuit.device.laws.formulas.values import value, value_and_slope
from roa_circuit.device.laws.formulas.writing import simulator_text

VTEAM, YAKOPCIC = (load_device(name) for name in ("vteam", "yakopcic"))
TABLE_1 = load_device("zhang2021").memristor


def law(text, **constants):
    definition = Definition.from_document(toml.loads(text, source="test"))
    return FormulaLaw(definition=definition, values=tuple(constants.items()))


BY_TEXT = law(
    EQ_1,
    **{name: getattr(TABLE_1, name) for name in TABLE_1.units if name != "current_scale"},
)
MIXED = DEVICES["a coordinate an amplitude"].memristor


def test_eq_1_and_2_as_text_are_eq_1_and_2():
    rng = np.random.default_rng(0)
    omega, V = rng.uniform(0.02, 0.98, 200), rng.uniform(-1.5, 1.6, 200)
    assert BY_TEXT.one_coordinate
    for name in ("state_derivative", "current", "differential_conductance"):
        np.testing.assert_allclose(
            getattr(BY_TEXT, name)(omega, V), getattr(TABLE_1, name)(omega, V), rtol=1e-11
        )
    own, exact = (p.after_dose(omega, p.dose(V, 1e-6, edge=1e-8)) for p in (BY_TEXT, TABLE_1))
    np.testing.assert_allclose(own, exact, atol=1e-9)


@pytest.mark.long
@pytest.mark.parametrize("device", [VTEAM, YAKOPCIC], ids=lambda device: device.name)
@given(st.floats(0.05, 0.95), st.floats(0.05, 2.0), st.booleans())
@settings(max_examples=20)
def test_a_dose_is_the_solution_of_the_law(device, omega, size, up):
    p, pulses = device.memristor, device.pulses
    V = pulses.potentiation_voltage if up else pulses.depression_voltage
    width = size / abs(float(p.rate(V)))
    exact = float(p.after_dose(omega, p.dose(V, width), V))
    if not 1e-3 < exact < 1 - 1e-3:
        return

    def slope(t, w):
        return p.state_derivative(w, V)

    solution = solve_ivp(slope, (0, width), [omega], method="LSODA", rtol=1e-10, atol=1e-12)
    assert exact == pytest.approx(solution.y[0, -1], abs=2e-7)


def test_vteam_is_the_published_formula():
    c = VTEAM.memristor.constants
    for omega in (0.1, 0.5, 0.9):
        G = 1 / c["R_off"] + omega * (1 / c["R_on"] - 1 / c["R_off"])
        x = (1 / G - c["R_on"]) / (c["R_off"] - c["R_on"])
        for v in (-1.0, -0.5, 0.3, 1.2):
            if v > c["v_off"]:
                moved = c["k_off"] * (v / c["v_off"] - 1) ** c["a_off"] * (1 - x)
            else:
                moved = -c["k_on"] * (v / -c["v_on"] - 1) ** c["a_on"] * x if v < -c["v_on"] else 0.0
            # G = 1 / R and R is linear in x
            by_omega = -moved * (c["R_off"] - c["R_on"]) * G**2 / (1 / c["R_on"] - 1 / c["R_off"])
            assert float(VTEAM.memristor.state_derivative(omega, v)) == pytest.approx(
                by_omega, rel=1e-10
            )
            assert float(VTEAM.memristor.current(omega, v)) == pytest.approx(G * v, rel=1e-12)


def test_yakopcic_is_the_published_formula():
    p, c = YAKOPCIC.memristor, YAKOPCIC.memristor.constants
    span = c["x_max"] - c["x_min"]
    for omega in (0.1, 0.5, 0.9):
        x = c["x_min"] + omega * span
        for model_v in (-0.3, -0.1, 0.1, 0.4):
            if model_v > c["V_p"]:
                g = c["A_p"] * (math.exp(model_v) - math.exp(c["V_p"]))
            else:
                g = -c["A_n"] * (math.exp(-model_v) - math.exp(c["V_n"])) if model_v < -c["V_n"] else 0.0
            if model_v > 0:
                w = (c["x_p"] - x) / (1 - c["x_p"]) + 1
                f = math.exp(-c["alpha_p"] * (x - c["x_p"])) * w if x > c["x_p"] else 1.0
            else:
                f = (
                    math.exp(c["alpha_n"] * (x + c["x_n"] - 1)) * x / (1 - c["x_n"])
                    if x < 1 - c["x_n"]
                    else 1.0
                )
            assert float(p.state_derivative(omega, -model_v)) == pytest.approx(g * f / span, rel=1e-10)
            i = (c["a_1"] if model_v > 0 else c["a_2"]) * x * math.sinh(c["b"] * model_v)
            assert float(p.current(omega, -model_v)) == pytest.approx(-i, rel=1e-11)


def test_a_law_whose_state_and_voltage_do_not_part_has_a_coordinate_for_each_amplitude():
    assert not MIXED.one_coordinate
    for V, width in ((-1.0, 2e-4), (1.2, 1e-4)):
        after = float(MIXED.after_dose(0.4, MIXED.dose(V, width), V))

        def slope(t, w, V=V):
            return MIXED.state_derivative(w, V)

        solution = solve_ivp(slope, (0, width), [0.4], method="LSODA", rtol=1e-10, atol=1e-12)
        assert after == pytest.approx(solution.y[0, -1], abs=1e-8)
    with pytest.raises(InputError, match="wants the voltage of a dose"):
        MIXED.after_dose(0.4, 1e-5)


GRADUAL = """
[law]
name = "gradual"
citation = "ours"
motion = "-k*v*max(omega - w_end, 0) if v > v_t else (-k*v*(1 - omega) if v < -v_t else 0*omega)"
current = "(g_off + (g_on - g_off)*omega)*v"
[law.define]
w_end = "max(1 - s*(v - v_t), 0)"
[law.constants]
"k [1/s]" = "> 0; rate"
"v_t [V]" = "> 0; threshold"
"s [1/V]" = "> 0; how the end falls with the voltage"
"g_on [S]" = "> 0; on"
"g_off [S]" = "> 0; off"
"""


@pytest.mark.parametrize("V", [0.6, 0.9, 0.99, 1.01, 1.6])
def test_a_law_that_stands_still_in_the_middle_moves_from_where_it_moves(V):
    """Each voltage has an end of its own; above omega = 1/2, nothing moved at all."""
    reset = law(GRADUAL, k=2e4, v_t=0.5, s=1.0, g_on=1e-5, g_off=2e-6)
    start, width = np.array([0.3, 0.55, 0.8, 0.97]), 2e-5
    end = max(1.0 - (V - 0.5), 0.0)
    left = end + (start - end) * np.exp(-2e4 * V * width)
    reached = reset.after_dose(start, reset.dose(np.full(4, V), width), np.full(4, V))
    np.testing.assert_allclose(reached, np.where(start > end, left, start), atol=1e-6)


def test_a_ramp_that_moves_no_cell_in_the_middle_counts_where_it_moves():
    reset = law(GRADUAL, k=2e4, v_t=0.5, s=1.0, g_on=1e-5, g_off=2e-6)
    whole, flat = (float(reset.dose(np.array(0.9), 2e-5, edge=edge)) for edge in (2e-6, 0.0))
    seen = (0.4**3 / 3 + 0.5 * 0.4**2 / 2) / 0.9 / (0.9 * 0.4)  # from omega = 1, the ramp over its top
    assert flat - whole == pytest.approx(seen * 4e-6, rel=1e-3)
    assert float(reset.dose(np.array(0.4), 2e-5, edge=2e-6)) == 0.0


def test_a_law_that_moves_in_one_half_alone_is_not_still():
    text = GRADUAL.replace("max(1 - s*(v - v_t), 0)", "0.6").replace("if v < -v_t", "if v < -s")
    reset = law(text, k=2e4, v_t=0.5, s=1.0, g_on=1e-5, g_off=2e-6)
    reached = float(reset.after_dose(0.9, reset.dose(np.array(0.8), 2e-5), np.array(0.8)))
    assert reached == pytest.approx(0.6 + 0.3 * math.exp(-2e4 * 0.8 * 2e-5), abs=1e-6)


def test_cells_that_all_see_another_voltage_move_as_each_would_alone():
    """Behind wires; shapes of the motion between tabulated voltages are interpolated."""
    V = np.concatenate([np.linspace(-1.2, -0.3, 20), np.linspace(0.3, 1.3, 20)])
    omega = np.linspace(0.1, 0.9, 40)[::-1]
    dose = -np.sign(V) * 0.3 / np.abs(MIXED.state_derivative(np.full(40, 0.5), V))
    alone = [float(MIXED.after_dose(w, d, v)) for w, d, v in zip(omega, dose, V, strict=True)]
    together = MIXED.after_dose(omega, dose, V)
    np.testing.assert_allclose(together, alone, atol=3e-4)
    assert np.abs(together - omega).min() > 0.01
    back = MIXED.coordinate(together, V) - MIXED.coordinate(omega, V)
    np.testing.assert_allclose(np.where(V < 0, 1, -1) * back, dose, rtol=1e-5)


def test_the_ends_have_coordinates_as_well():
    for V in (-1.0, 1.0):
        ends = MIXED.coordinate(np.array([0.0, 0.5, 1.0]), np.full(3, V))
        assert np.isfinite(ends).all()
        assert (np.diff(ends) * -V > 0).all()


def test_gradients_of_a_law_from_a_file():
    p = VTEAM.memristor
    state = torch.tensor([0.2, 0.5, 0.8], dtype=torch.float64, requires_grad=True)
    dose = torch.tensor([0.1, -0.2, 0.3], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(p.after_dose, (state, dose))
    V = torch.tensor([-0.1, 0.05, 0.2], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(YAKOPCIC.memristor.current, (state, V))


def test_a_device_a_cell():
    rates = 1e5 * np.array([[1.0, 2.0], [0.0, 3.0]])
    windows = np.array([[1.0, 0.5], [2.0, 1.5]])
    many = VTEAM.memristor.changed(speed=rates / 1e5, p_on=windows)
    omega, dose = np.full((2, 2), 0.4), many.dose(-1.0, 5e-6)
    after = many.after_dose(omega, dose)
    for cell in np.ndindex(2, 2):
        alone = VTEAM.memristor.changed(
            speed=max(float(rates[cell]) / 1e5, 1e-12), p_on=float(windows[cell])
        )
        expected = float(alone.after_dose(0.4, alone.dose(-1.0, 5e-6)))
        assert after[cell] == pytest.approx(expected, abs=1e-7)


def test_slopes_are_those_of_finite_differences():
    names = {"x": 0.7, "y": -0.4}
    for text in (
        "exp(x*y)/(1 + x**2)",
        "pow(x, y)",
        "tanh(x)*log(x + 2) - sqrt(x)",
        "abs(y*x)",
        "max(x, y)*min(x, 3)",
        "cosh(x)*sinh(y*x) if x > y else x",
        "x**3 - -x",
        "+x/y",
    ):
        tree = parse(text, {"x", "y"}, where="f")
        _, slope = value_and_slope(tree, names, "x")
        up, down = (float(value(tree, names | {"x": 0.7 + h})) for h in (1e-6, -1e-6))
        assert float(slope) == pytest.approx((up - down) / 2e-6, rel=1e-7)


def test_formulas_are_written_for_people():
    tree = parse("A*exp(-b*v)/(1 + x**2) if v < 0 else -x", {"A", "b", "v", "x"}, where="f")
    assert "\\begin{cases}" in latex(tree)
    assert mathml(tree).startswith("<m")
    assert simulator_text(tree).startswith("(v < 0.0 ? ")


@pytest.mark.parametrize("device", [VTEAM, YAKOPCIC], ids=lambda device: device.name)
def test_a_parameter_set_carries_its_formulas(device, tmp_path):
    assert Device.from_toml(device.to_toml()) == device
    (tmp_path / "law.toml").write_text(EQ_1)
    section = BY_TEXT.to_document()["memristor"] | {"law": "law.toml"}
    whole = device.to_dict() | {"memristor": section}
    del whole["law"]
    (tmp_path / "device.toml").write_text(toml.dumps(whole))
    assert load_device(tmp_path / "device.toml").memristor == BY_TEXT


HOSTILE = [
    "__import__('os').system('x')", "(1).real", "x.__class__", "[x for x in (1,)]", "lambda: 0", "x[0]",
    "f'{x}'", "exp", "exp(x, x)", "exp(v=1)", "x if x else v", "x < v", "x if x < v < 1 else 0", "1e999",
    "x @ v",
    "x; v", "x := 1", "9" * 1200, "(" * 300 + "x" + ")" * 300, "-" * 300 + "x", "x" + "+x" * 450,
    "True*x", "1j*x",
    "x if not x < v else v", "'x'", "", "  ", "exp(x))", "*x", "x\x00", "ℯ", "open(x)", "pow(x, v, 2)",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_no_formula_is_refused(text):
    with pytest.raises(InputError) as caught:
        parse(text, {"x", "v"}, where="motion")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


@given(st.text(alphabet="xv0123456789.+-*/()<>=, eifls[]'_@:\n", max_size=60))
@settings(max_examples=300)
def test_any_text_is_a_formula_or_refused(text):
    try:
        tree = parse(text, {"x", "v"}, where="f")
    except InputError:
        return
    with np.errstate(all="ignore"):
        try:
            value(tree, {"x": np.array([0.5]), "v": np.array([0.1])})
        except ZeroDivisionError:
            assert "/" in text


def test_a_tower_of_powers_costs_nothing():
    tree = parse("9**9**9**9**9*x", {"x"}, where="f")
    with np.errstate(all="ignore"):
        value(tree, {"x": np.array([0.5])})
    assert latex(tree)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('name = "eq1"', 'name = "eq 1\\n.include x"', "characters that no name has"),
        ("citation = ", "quote = ", "unknown key 'quote'"),
        ('"Zhang et al. 2021, Eq. 1 and 2"', '""', "must say where the law comes from"),
        ("k*(exp(", "kk*(exp(", "'kk' is not defined; did you mean 'k'"),
        ("k*(exp(", "-k*(exp(", "toolkit's polarity"),
        ("omega*gamma", "omega*omega*gamma", "affine in omega"),
        ('"k [1/s]" = "> 0; rate"', '"k [1/s]" = "positive"', "is no bound"),
        ('"k [1/s]"', '"K [1/s]" = "> 0; x"\n"k [1/s]"', "are one to simulators"),
        ('"k [1/s]"', '"real [1/s]"', "has a meaning to simulators"),
        ('"k [1/s]"', '"q [1/s]" = "> 0; x"\n"k [1/s]"', "no formula has them"),
        ('"k [1/s]"', '"k"', 'must read "name'),
        ("(1 - exp(-beta*v))", "(exp(-beta*v) - 1)", "must rise with v"),
        ("(1 - exp(-beta*v))", "(1.1 - exp(-beta*v))", "current must be 0 at v = 0"),
        ("k*(exp(", "k*(0.001 + exp(", "motion must be 0 at v = 0"),
    ],
)
def test_complaints_say_what_is_wrong(old, new, complaint):
    document = toml.loads(EQ_1.replace(old, new, 1), source="test") | {
        "memristor": dict(BY_TEXT.to_document()["memristor"])
    }
    with pytest.raises(InputError, match=complaint):
        read_law(document)


def test_constants_keep_their_bounds():
    with pytest.raises(InputError, match="k = 0 1/s must be greater than 0"):
        BY_TEXT.changed(k=0.0)
    with pytest.raises(InputError, match="no constant 'kk'"):
        BY_TEXT.changed(kk=1.0)
    document = BY_TEXT.to_document()
    del document["memristor"]["k [1/s]"]
    with pytest.raises(InputError, match=r"lacks 'k \[1/s\]'"):
        read_law(document)
    with pytest.raises(InputError, match="did you mean 'vteam'"):
        Device.from_dict(dataclasses.asdict(TABLE_1) | {"memristor": {"law": "vteem"}})


@pytest.mark.parametrize(
    ("old", "new", "volts", "complaint"),
    [
        ("k*(exp(", "k*sqrt(v)*(exp(", 1.0, "motion: sqrt is taken of -1"),
        ("", "", 50.0, "exponent of .* beyond ± 80"),
        ("k*(exp(", "k*pow(0.5 + v, 0.5)*(exp(", 1.0, "pow is taken of -0.5"),
        ("", "", 1.0, None),
    ],
)
def test_a_law_holds_wherever_pulses_reach(old, new, volts, complaint):
    document = toml.loads(EQ_1.replace(old, new, 1), source="test")
    document["memristor"] = BY_TEXT.to_document()["memristor"]
    reach = load_device("zhang2021").to_dict()["pulses"]
    reach |= {"potentiation_voltage [V]": -volts, "depression_voltage [V]": volts}
    document["pulses"] = reach
    if complaint is None:
        assert Device.from_dict(document).pulses.depression_voltage == volts
        return
    with pytest.raises(InputError, match=complaint):
        Device.from_dict(document)


def test_a_polarity_that_nothing_reaches_is_not_asked_for():
    one_way = law(EQ_1.replace("k*(exp(", "k*sqrt(0.5 - v)*(exp(", 1), **dict(BY_TEXT.values))
    one_way.require_reach(-1.0, 0.0, "the readings")
    one_way.require_reach(0.0, 0.0, "the readings")
    with pytest.raises(
        InputError, match="below 0, between -1 and 1 V, which the readings reach; change co"
    ):
        one_way.require_reach(-1.0, 1.0, "the readings")


def test_a_guarded_root_is_no_root_of_what_is_below_zero():
    formula = "k*(exp("
    guarded = EQ_1.replace(formula, "(sqrt(v) if v > 0 else sqrt(-v))*k*(exp(", 1)
    document = toml.loads(guarded, source="test")
    document["memristor"] = BY_TEXT.to_document()["memristor"]
    law = read_law(document)
    law.require_reach(-1.0, 1.0)
    assert law.state_derivative(0.5, -1.0) > 0


@pytest.mark.parametrize(("omega", "V"), [(1.0, -1.0), (0.0, 1.0)])
def test_slopes_at_an_end_are_those_just_inside(omega, V):
    """They were 0 at the end that a pulse leads to."""
    p, slopes = VTEAM.memristor, []
    for state in (omega, omega + 1e-7 * V):
        w = torch.tensor([state], dtype=torch.float64, requires_grad=True)
        dose = torch.tensor([-0.3 * V], dtype=torch.float64)
        p.after_dose(w, dose).sum().backward()
        slopes.append(float(w.grad))
    assert 0.1 < slopes[1] < 0.9
    assert slopes[0] == pytest.approx(slopes[1], rel=2e-3)
