"""Tables that would be read wrong without a word: refused by name, with the option that reads them."""

import re

import numpy as np
import pytest

from fitting import read_measurements
from fitting.readers.conventions import Conventions
from roa_circuit.basics.errors import InputError

BOTH = {"pulses": ((-1.0, 1e-6), (1.0, 1e-6)), "read_voltage": 0.1}


@pytest.fixture
def read(tmp_path):
    """Read a text as a file."""

    def get(text, name="t.csv", **how):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return read_measurements(path, Conventions(**how))

    return get


def two_terminals(first, second):
    """Five SET pulses on one terminal, then five RESET pulses on the other."""
    rows = [f"{k},SET,1.5,1.2,0,100,{2 + k}\n" for k in range(1, 6)]
    rows += [f"{k},RESET,1.5,0,1.6,100,{12 - k}\n" for k in range(6, 11)]
    return f"Pulse,Type,Vg (V),{first},{second},width (ns),I (uA)\n" + "".join(rows)


@pytest.mark.parametrize(("first", "second"), [
    ("VBL (V)", "VSL (V)"), ("V_BL [V]", "V_SL [V]"), ("VTE (V)", "VBE (V)"), ("V_TE", "V_BE"),
    ("Voltage (V)", "Erase voltage (V)"), ("V_set (V)", "V_reset (V)"), ("V_p (V)", "Source V (V)"),
    ("V (V)", "Vout (V)"),
])  # fmt: skip
def test_pulses_in_two_columns_are_refused_by_name(read, first, second):
    text = two_terminals(first, second)
    with pytest.raises(InputError, match=re.escape(f"--ignore {first!r} --ignore {second!r}")):
        read(text, read_voltage=0.2, si=True)
    m = read(text, ignore=(first, second, "width (ns)"), **BOTH)
    assert m.voltage.tolist() == [-1.0] * 5 + [1.0] * 5


@pytest.mark.parametrize("beside", ["Vg (V)", "V_WL (V)", "V_meas (V)", "V_th (V)"])
def test_a_gate_or_what_was_measured_has_no_pulses(read, beside):
    rows = "".join(f"{k},{-(k % 2)},1,{1.5 + 0.1 * k},{k + 2}\n" for k in range(10))
    m = read(f"Pulse,V (V),width (us),{beside},G (uS)\n{rows}", read_voltage=0.1)
    assert (m.voltage != 0).sum() == 5
    assert beside in m.ignored


LOOP = np.concatenate([np.linspace(a, b, 12) for a, b in ((0, 1), (1, 0), (0, -1), (-1, 0))])


@pytest.mark.parametrize("sign", [1, -1])
def test_a_current_of_one_sign_at_voltages_of_both_is_a_size(read, sign):
    rows = "".join(f"{v:.4f},{sign * abs(v) * 1e-5:.4e}\n" for v in LOOP)
    m = read(f"Voltage (V),Current (A)\n{rows}")
    np.testing.assert_allclose(m.current, LOOP * 1e-5, atol=1e-9)
    assert any("has one sign, while the voltage has two" in said for said in m.assumed)


def test_an_offset_keeps_the_sign_of_a_rectifying_current(read):
    rows = "".join(f"{v:.4f},{max(v, 0) * 1e-5 + 1e-9:.4e}\n" for v in LOOP)
    m = read(f"Voltage (V),Current (A)\n{rows}")
    assert m.current[LOOP < 0] == pytest.approx(1e-9)


TIMES = {
    "Keithley 4200": ("AV,AI,BV,BI,Time", ",0,0", {}),
    "seconds as a word": ("Volts,Amps,Seconds", "", {"si": True}),
    "units by option": ("V,I,Time", "", {"si": True}),
    "in German": ("Spannung [V],Strom [A],Zeit [s]", "", {}),
    "in milliseconds": ("V (V),I (A),Zeit (ms)", "", {}),
    "a unit by option": ("V (V),I (A),Time", "", {"columns": {"time": "Time [s]"}}),
}


@pytest.mark.parametrize("name", TIMES)
def test_a_time_column_tells_the_dwell(read, name):
    head, beside, how = TIMES[name]
    rows = "".join(f"{v:.3f},{v * 1e-5:.4e}{beside},{0.02 * n:.2f}\n" for n, v in enumerate(LOOP))
    m = read(f"{head}\n{rows}", dwell=np.inf, **how)
    width = 0.02e-3 if "ms" in head else 0.02
    np.testing.assert_allclose(m.width[m.width > 0], width, rtol=1e-6)


def test_a_time_without_a_unit_is_refused_with_the_option_that_gives_it(read):
    rows = "".join(f"{v:.3f},{v * 1e-5:.4e},{0.02 * n:.2f}\n" for n, v in enumerate(LOOP))
    with pytest.raises(InputError, match=re.escape("--column 'time=Time [s]' gives it")):
        read(f"V (V),I (A),Time\n{rows}", dwell=np.inf)


@pytest.mark.parametrize("down", [1.2, -1.0])
def test_rows_that_write_and_rows_that_read_by_turns(read, down):
    """What flows during a pulse is no reading at the read voltage."""
    G = [20.0 + k for k in range(10)]
    volts = [1.2 if k < 5 else down for k in range(10)]
    rows = "".join(f"{v},{50 * v}e-6\n0.1,{g / 10}e-6\n" for v, g in zip(volts, G, strict=True))
    with pytest.raises(InputError, match=r"--read 0.1V --width T if rows at 0.1 V read"):
        read(f"V (V),I (A)\n{rows}")
    m = read(f"V (V),I (A)\n{rows}", read_voltage=0.1, width=1e-6)
    np.testing.assert_allclose(m.conductance * 1e6, G)
    assert m.voltage.tolist() == volts
    assert m.width.tolist() == [1e-6] * 10
    assert any("10 rows with 'V (V)' at 100 mV are reads" in said for said in m.assumed)


def test_a_voltage_above_a_table_is_that_of_the_pulses_whose_widths_have_a_column(read):
    rows = "".join(f"{k},{100 * k},{2 + k}\n" for k in range(8))
    head = "Pulse amplitude (V), -1.2\nVread (V), 0.1\n"
    m = read(f"{head}Pulse,tp (ns),Iread (uA)\n{rows}")
    assert m.voltage.tolist() == [0.0] + [-1.2] * 7
    np.testing.assert_allclose(m.width, [100e-9 * k for k in range(8)])
    assert any("every pulse has -1.2 V" in said for said in m.assumed)
    with pytest.raises(InputError, match="a line above the table, such as 'Pulse amplitude"):
        read(f"Pulse,tp (ns),Iread (uA)\n{rows}", pulse=(-1.2, 1e-7), read_voltage=0.1)


def test_a_width_above_a_table_is_that_of_the_pulses_whose_voltages_have_a_column(read):
    rows = "".join(f"{k},{-0.1 * k:.1f},{2 + k}\n" for k in range(8))
    head = "Pulse width (us), 0.1\nVread (V), 0.1\n"
    m = read(f"{head}Pulse,Vwrite (V),Iread (uA)\n{rows}")
    np.testing.assert_allclose(m.width, [0.0] + [1e-7] * 7)
    assert any("every pulse lasts 100 ns" in said for said in m.assumed)
    other = read(f"{head}Pulse,Vwrite (V),Iread (uA)\n{rows}", width=1e-6)
    np.testing.assert_allclose(other.width[1:], 1e-6)
    assert any("every pulse lasts 100 ns; --width counts" in said for said in other.assumed)


def test_the_current_during_pulses_is_no_reading(read):
    rows = "".join(f"{k},-1,1,{-(k + 1)}e-5\n" for k in range(1, 8))
    with pytest.raises(InputError, match=r"'Ipulse \(A\)' flows during the pulses"):
        read(f"Pulse,Vpulse (V),width (us),Ipulse (A)\n{rows}", read_voltage=0.1)
    after = {"read_current": "Ipulse (A)"}
    text = f"Pulse,Vpulse (V),width (us),Ipulse (A)\n{rows}"
    assert len(read(text, read_voltage=0.1, scale=-1.0, columns=after)) == 7


REFUSED = [
    ("Pulse,log10(G/S)", "1,-4.5", {}, "'log10.G/S.' is worked out from readings"),
    ("Pulse,ΔG (uS)", "1,4.5", {}, "is worked out from readings: give these"),
    ("SourceValue,Reading", "0.1,1e-6", {}, "--column 'voltage=SourceValue .V.' --column 'current=Rea"),
    ("Pulse,R (kOhm),G (uS),I (uA)", "1,50,20,3", {}, r"--ignore 'I \(uA\)' reads the first"),
]


@pytest.mark.parametrize(("head", "row", "how", "said"), REFUSED)
def test_refusals_name_the_option_that_helps(read, head, row, how, said):
    rows = "".join(row.replace("1", str(n), 1) + "\n" for n in range(1, 6))
    with pytest.raises(InputError, match=said) as refused:
        read(f"{head}\n{rows}", pulse=(-1.0, 1e-6), read_voltage=0.1, **how)
    assert "--unit" not in str(refused.value)


def test_the_size_of_a_current_in_round_brackets(read):
    rows = "".join(f"{v:.4f},{abs(v) * 1e-5:.4e}\n" for v in LOOP)
    m = read(f"V (V),abs(I) (A)\n{rows}")
    np.testing.assert_allclose(m.current, LOOP * 1e-5, atol=1e-9)


@pytest.mark.parametrize("head", [
    "Pre G (uS),Post G (uS)", "G_pre [uS],G_post [uS]", "Before (uS),After (uS)",
    "G before (uS),G after (uS)", "Ginit (uS),Gfinal (uS)", "Initial G (uS),Final G (uS)",
])  # fmt: skip
def test_readings_before_and_after_each_pulse_however_they_are_headed(read, head):
    rows = "".join(f"{k},{10 + k},{11 + k}\n" for k in range(1, 8))
    m = read(f"Pulse,{head}\n{rows}", pulse=(-1.0, 1e-6), read_voltage=0.1)
    np.testing.assert_allclose(m.conductance[:2] * 1e6, [11, 12])
    assert m.pulses.tolist() == [0.0, 1.0] * 7


def test_wafer_die_and_device_name_a_device_together(read):
    names = [f"W1,{die},{device}" for die in (1, 2) for device in ("D1", "D2")]
    rows = "".join(f"{name},{k},{10 + k}\n" for name in names for k in range(4))
    m = read(f"Wafer,Die,Device,Pulse,G (uS)\n{rows}", pulse=(-1.0, 1e-6), read_voltage=0.1)
    assert m.devices == ("1 D1", "1 D2", "2 D1", "2 D2")
    assert "'Die', 'Device' name a device together" in m.assumed


def test_a_log_that_begins_as_labviews_files_do_is_a_table(read):
    rows = "".join(f"{k}\t{k + 1}e-6\n" for k in range(5))
    text = f"LabVIEW Measurement Log\nPulse amplitude (V):\t-1\n\nPulse No.\tCurrent (A)\n{rows}"
    assert len(read(text, name="log.txt", pulse=(-1.0, 1e-6), read_voltage=0.1)) == 5


def test_cycles_that_are_skipped_are_named(read):
    both = {"pulses": ((-1.0, 1e-6), (1.0, 1e-6)), "read_voltage": 0.1}
    rows = "".join(f"{n},{10 + n},{60 + n}\n" for n in (1, 2, 5, 10))
    m = read(f"Cycle,LRS (kOhm),HRS (kOhm)\n{rows}", **both)
    assert "'Cycle' skips in 2 rows: the cycles between do not count" in m.assumed
    states = "".join(f"{n},LRS,{10 + n}\n{n},HRS,{60 + n}\n" for n in range(1, 5))
    assert read(f"Cycle,State,R (kOhm)\n{states}", **both).voltage.tolist() == [-1.0, 1.0] * 4
