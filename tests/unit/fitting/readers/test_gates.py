"""Devices with three terminals: a gate's current is no reading, nor is what a gated channel conducts."""

import numpy as np
import pytest

from fitting import read_measurements
from fitting.readers.conventions import Conventions
from roa_circuit.basics.errors import InputError

G = np.concatenate([np.linspace(100e-6, 155e-6, 12), np.linspace(150e-6, 95e-6, 12)])
GATE = np.repeat([2.0, -2.0], 12)
PULSES = {"pulse": (-1.0, 1.0), "read_voltage": 0.1}


@pytest.fixture
def read(tmp_path):
    """The measurements of a text."""

    def from_text(text, **how):
        path = tmp_path / "table.csv"
        path.write_text(text, encoding="utf-8")
        return read_measurements(path, Conventions(**how))

    return from_text


def rows(*columns):
    return "".join(",".join(f"{x:.6g}" for x in row) + "\n" for row in zip(*columns, strict=True))


NUMBER = np.arange(1, 25)


@pytest.mark.parametrize(
    "head",
    [
        "pulse,Vg (V),tg (s),Ig (A),Vds (V),Ids (A)",
        "pulse,V_GS (V),pulse width (s),I_GS (A),V_DS (V),I_DS (A)",
        "Pulse #,Gate Voltage (V),gate time (s),Gate Current (A),Drain Voltage (V),Drain Current (A)",
    ],
)
def test_a_gates_current_beside_the_channels_is_not_used(read, head):
    m = read(head + "\n" + rows(NUMBER, GATE, 0 * G + 1, 1e-9 * GATE, 0 * G + 0.1, 0.1 * G))
    np.testing.assert_allclose(m.conductance, G, rtol=1e-5)
    assert np.unique(m.voltage).tolist() == [-2.0, 2.0]
    assert any(head.split(",")[3] in text for text in m.ignored)


@pytest.mark.parametrize("gate", ["Ig (nA)", "Gate current (nA)", "I_leak (nA)", "I_GS [nA]"])
@pytest.mark.parametrize("channel", ["Id (uA)", "Channel current (uA)", "I_DS [uA]"])
def test_where_every_column_is_a_train_a_gates_current_is_none(read, gate, channel):
    """It was a train of 10 nS beside that of 100 uS."""
    for order in (1, -1):
        head = ",".join(["pulse", *[channel, gate][::order]])
        m = read(head + "\n" + rows(NUMBER, *[1e6 * 0.1 * G, 0 * G + 1.0][::order]), **PULSES)
        assert m.labels == (channel,)
        assert f"{gate} (a gate's current, no reading)" in m.ignored


def test_potentiation_and_depression_each_with_a_gates_current(read):
    head = "pulse,LTP Id (uA),LTP Ig (nA),LTD Id (uA),LTD Ig (nA)\n"
    text = head + rows(NUMBER[:12], 1e5 * G[:12], 0 * G[:12] + 1, 1e5 * G[12:], 0 * G[12:] - 1)
    m = read(text, pulses=((-1.0, 1.0), (1.0, 1.0)), read_voltage=0.1)
    assert m.labels == ("LTP Id (uA)", "LTD Id (uA)")


def test_a_gates_current_alone_is_refused(read):
    with pytest.raises(InputError, match="no column is of readings"):
        read("pulse,Ig (nA)\n" + rows(NUMBER, 0 * G + 1.0), **PULSES)


def test_pulses_of_a_gates_current_are_refused_with_what_to_do(read):
    text = "pulse,I_G (nA),width (s),G_SD (uS)\n" + rows(NUMBER, 5 * GATE, 0 * G + 1, 1e6 * G)
    with pytest.raises(InputError) as refused:
        read(text)
    said = str(refused.value)
    assert "'I_G (nA)' is a gate's current: let a voltage stand in its place" in said
    assert "--pulse=-1V,1s,50 --pulse 1V,1s,50, and --ignore the column of widths" in said
    how = {"sequence": ((1.0, 1.0, 12), (-1.0, 1.0, 12)), "read_voltage": 0.1, "ignore": ("width (s)",)}
    m = read(text, **how)
    np.testing.assert_allclose(m.conductance, G, rtol=1e-5)
    assert m.voltage.tolist() == [1.0] * 12 + [-1.0] * 12


def test_a_deviation_beside_a_conductance_stays_one(read):
    m = read("pulse,G (uS),G_sd (uS)\n" + rows(NUMBER, 1e6 * G, 0 * G + 1.0), **PULSES)
    assert m.labels == ("table",)


def test_a_transfer_curve_is_no_sweep_of_the_gates_own_current(read):
    """The gate's leakage passed for the device's current, and the channel's was not used."""
    volts = np.linspace(-1, 1, 41)
    text = "Vg (V),Id (A),Ig (A)\n" + rows(volts, 1e-5 * (2 + volts), 1e-9 * volts)
    with pytest.raises(InputError, match=r"'Id \(A\)' is a transfer curve.* --ignore 'Id \(A\)' reads"):
        read(text)
    assert read(text, ignore=("Id (A)",)).sweep.all()


def over_time(on=5, off=5, step=0.1):
    """(time, gate, gate's current, channel's current), more of that while the gate is on."""
    gate = np.concatenate([np.repeat([V, 0.0], [on, off]) for V in GATE])
    current = 0.1 * np.repeat(G, on + off) * np.where(gate != 0, 1.3, 1.0)
    return step * np.arange(len(gate)), gate, 1e-9 * gate, current


def test_readings_while_the_gate_is_on_do_not_count_but_its_pulses_do(read):
    t, gate, leak, current = over_time()
    text = "Time (s),Vg (V),Ig (A),Vd (V),Id (A)\n" + rows(t, gate, leak, 0 * t + 0.1, current)
    m = read(text, width=0.1)
    np.testing.assert_allclose(np.unique(m.conductance.round(8)), np.unique(G.round(8)))
    assert m.width.sum() == pytest.approx(24 * 0.5)
    assert any("120 rows of 'Id (A)' were read while the gate was on" in text for text in m.assumed)
    with pytest.raises(InputError, match=r"--width 0.5 s, but rows are 100ms apart, .*: --width 100ms$"):
        read(text, width=0.5)


def test_rows_that_are_pulse_and_reading_keep_their_readings(read):
    """Where every row has a pulse, the channel was read after it, whatever its time."""
    text = "Time (s),Vg (V),Vd (V),Id (A)\n" + rows(NUMBER, GATE, 0 * G + 0.1, 0.1 * G)
    np.testing.assert_allclose(read(text, width=0.5).conductance, G, rtol=1e-5)


def test_two_channels_without_names_are_not_guessed(read):
    """A gate's pulses with the gate's current were a hysteresis loop, or trains of its leakage."""
    t, gate, leak, current = over_time()
    first = "SMU-1 Time (s),SMU-1 Voltage (V),SMU-1 Current (A)"
    text = f"Index,{first},SMU-2 Voltage (V),SMU-2 Current (A)\n"
    text += rows(np.arange(1, len(t) + 1), t, gate, leak, 0 * t + 0.1, current)
    for how in ({}, {"width": 0.1, "read_voltage": 0.1}):
        with pytest.raises(InputError) as refused:
            read(text, **how)
    said = str(refused.value)
    told = {"voltage": "SMU-1 Voltage (V)", "read_voltage": "SMU-2 Voltage (V)",
            "read_current": "SMU-2 Current (A)", "time": "SMU-1 Time (s)"}  # fmt: skip
    assert all(f"--column {name}={title!r}" in said for name, title in told.items())
    m = read(text, columns=told, width=0.1)
    np.testing.assert_allclose(np.unique(m.conductance.round(8)), np.unique(G.round(8)))
    assert "if not, --ignore 'SMU-2 Current (A)'" in said
    with pytest.raises(InputError, match="takes 2 values but 0 in 240 rows: --dwell time"):
        read(text, ignore=("SMU-2 Current (A)",))


def test_of_columns_that_may_be_a_voltage_those_in_amperes_are_not_named(read):
    with pytest.raises(InputError) as refused:
        read("pulse,Vgate [V],Igate [A],G_ch [S]\n" + rows(NUMBER, GATE, 1e-9 * GATE, G), width=1.0)
    assert str(refused.value).endswith("column 'read_voltage [V]' is missing (or give --read 0.1V)")
