"""Tables with a known truth, in the layouts of labs: read right or refused, never wrong in silence."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fitting import read_measurements
from fitting.readers.conventions import Conventions
from roa_circuit.basics.errors import InputError

UNITS = {"S": 1.0, "uS": 1e-6, "mS": 1e-3, "Ohm": -1.0, "kOhm": -1e3}
UNIT_STYLES = ("{} [{}]", "{} ({})", "{} / {}")
COUNTERS = ("pulse", "Pulse #", "Pulse Number", "pulse_number", "n", "index", "", "No.")
NAMES = ("Device{}", "d{}", "cycle {}", "A{}", "G_{}", "sample {}")
PREAMBLES = ("", "Probe station 4, May\n", "Operator;me\nDate;2020-01-01\n\n", "# saved by a script\n")
SWEEPS = (
    ("V [V]", "I [A]"), ("Voltage (V)", "Current (A)"), ("AV", "AI"), ("Smu1.V[1][1]", "Smu1.I[1][1]"),
    ("V(te)", "I(te)"), ("Vtop (V)", "Itop (A)"), ("Drain Voltage (V)", "Drain Current (A)"),
    ("voltage_V", "current_A"), ("V1 [V]", "I1 [A]"), ("U / V", "I / A"), ("V", "I"),
    ("Forced Voltage [V]", "Measured Current [A]"),
)  # fmt: skip
settled = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
HOW = Conventions(pulse=(-1.0, 1e-6), read_voltage=0.1)


def written(rows, separator, comma):
    text = "\n".join(separator.join(str(cell) for cell in row) for row in rows) + "\n"
    return text.replace(".", ",") if comma else text


def cell(conductance, unit):
    """A conductance [S] as written in that unit: as it is, or as a resistance."""
    scale = UNITS[unit]
    return f"{1 / (conductance * -scale) if scale < 0 else conductance / scale:.9g}"


@st.composite
def wide_tables(draw):
    """(text, conductances by train, pulses of each train) of one train a column, or a row."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    trains, readings = draw(st.integers(1, 4)), draw(st.integers(3, 12))
    G = np.sort(rng.uniform(1e-6, 9e-5, (trains, readings)), axis=1)
    unit = draw(st.sampled_from(list(UNITS)))
    style, name = draw(st.sampled_from(UNIT_STYLES)), draw(st.sampled_from(NAMES))
    titles = [style.format(name.format(n), unit) for n in range(1, trains + 1)]
    separator = draw(st.sampled_from([",", ";", "\t"]))
    comma = separator != "," and draw(st.booleans())
    cells = [[cell(g, unit) for g in row] for row in G]
    counter, first = draw(st.sampled_from([None, *COUNTERS])), draw(st.integers(0, 1))
    step = draw(st.sampled_from([1, 1, 2, 5])) if counter in ("pulse", "pulse_number", "n") else 1
    layout = draw(st.sampled_from(["columns", "unit line", "blocks", "rows"]))
    if counter is None:
        counts, pulses = None, [1.0] * readings
    else:
        counts = [first + step * n for n in range(readings)]
        ordinal = counter == "index"
        start = 1.0 if ordinal else min(float(first), float(step))
        pulses = [start] + [float(step)] * (readings - 1)
    body = [list(row) for row in zip(*cells, strict=True)]
    if layout == "rows":
        rows = [["cycle", *range(1, readings + 1)]]
        rows += [[n, *row] for n, row in enumerate(cells, start=1)]
        return written(rows, separator, comma), G, [1.0] * readings, unit
    if layout == "blocks" and counter:
        rows = [[x for title in titles for x in (counter, title)]]
        rows += [[x for value in row for x in (n, value)] for n, row in zip(counts, body, strict=True)]
        return written(rows, separator, comma), G, pulses, None
    if layout == "unit line":
        names = [name.format(n) for n in range(1, trains + 1)]
        head, units = ([] if counter is None else [counter]), ([] if counter is None else [""])
        rows = [head + names, units + [unit] * trains]
    else:
        rows = [([] if counter is None else [counter]) + titles]
    rows += [([] if counts is None else [counts[n]]) + row for n, row in enumerate(body)]
    return written(rows, separator, comma), G, pulses, None


@st.composite
def sweep_tables(draw):
    """(text, voltages, currents) of a sweep, with what instruments write beside it."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    half = draw(st.integers(6, 20))
    top = draw(st.sampled_from([1.0, -1.5, 3.0]))
    V = np.concatenate([np.linspace(0, top, half), np.linspace(top, 0, half)[1:]])
    current = V * rng.uniform(1e-6, 1e-4) * np.exp(0.1 * rng.standard_normal(len(V)))
    titles = draw(st.sampled_from(SWEEPS))
    columns = {titles[0]: V, titles[1]: current}
    with np.errstate(divide="ignore", invalid="ignore"):
        R = np.where(current == 0, 0.0, V / current)
    beside = {
        "Index": np.arange(1, len(V) + 1), "Time (s)": 0.1 * np.arange(len(V)), "Resistance (Ohm)": R,
        "|I| (A)": np.abs(current), "Temperature": np.full(len(V), 300.0), "V2": np.zeros(len(V)),
    }  # fmt: skip
    for name in draw(st.permutations(list(beside)))[: draw(st.integers(0, 3))]:
        columns[name] = beside[name]
    order = draw(st.permutations(list(columns))) if draw(st.booleans()) else list(columns)
    separator = draw(st.sampled_from([",", ";", "\t"]))
    rows = [list(order), *zip(*([f"{x:.9g}" for x in columns[name]] for name in order), strict=True)]
    comma = separator != "," and draw(st.booleans())
    head, body = written(rows[:1], separator, False), written(rows[1:], separator, comma)
    preamble = draw(st.sampled_from(PREAMBLES))
    return preamble + head + body, V, current


def read(path, text, how):
    """The measurements, or None if they were refused."""
    path.write_text(text, encoding="utf-8")
    try:
        return read_measurements(path, how)
    except InputError:
        return None


@settled
@given(file=wide_tables())
def test_trains_side_by_side_are_read_right_or_refused(tmp_path, file):
    text, G, pulses, unit = file
    how = HOW if unit is None else Conventions(pulse=(-1.0, 1e-6), read_voltage=0.1, unit=unit)
    m = read(tmp_path / "t.csv", text, how)
    if m is None:
        return
    assert len(m.labels) == len(G), text
    np.testing.assert_allclose(m.conductance, G.ravel(), rtol=1e-6, err_msg=text)
    np.testing.assert_allclose(m.pulses, np.tile(pulses, len(G)), err_msg=text)


@settled
@given(file=sweep_tables(), si=st.booleans())
def test_sweeps_are_read_right_or_refused(tmp_path, file, si):
    text, V, current = file
    m = read(tmp_path / "t.csv", text, Conventions(si=si))
    if m is None:
        return
    assert m.sweep.all(), text
    np.testing.assert_allclose(m.read_voltage, V, rtol=1e-6, atol=1e-12, err_msg=text)
    np.testing.assert_allclose(m.current, current, rtol=1e-6, err_msg=text)


@pytest.mark.parametrize("make", [wide_tables, sweep_tables])
def test_most_of_them_are_read(tmp_path, make):
    """A reader that refuses everything would pass the tests above."""
    taken = []

    @settings(settled, max_examples=60, derandomize=True)
    @given(file=make())
    def count(file):
        how = HOW if len(file) < 4 or file[3] is None else Conventions(
            pulse=(-1.0, 1e-6), read_voltage=0.1, unit=file[3]
        )  # fmt: skip
        how = Conventions(si=True) if make is sweep_tables else how
        taken.append(read(tmp_path / "t.csv", file[0], how) is not None)

    count()
    assert np.mean(taken) > 0.8
