"""Whatever bytes a file holds, the reader gives measurements or an InputError of one line."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fitting import fit_device, read_measurements
from fitting.conventions import Conventions
from roa_circuit.errors import InputError
from roa_circuit.parameters import load_device

GOOD = (
    b"# comment\ntrain,voltage [V],width [us],read_voltage [V],conductance [S],current [A]\n"
    b"a,0,,0.05,1e-3,\na,-1.1,3,0.05,1.2e-3,\na,1.4,30,0.05,1.1e-3,\nb,0.4,,,,5e-4\n"
)

WIDE = b"one,two\n1.5,2\n1.6,2.1\n1.7,\n1.9,2.4\n"
PAIRS = (
    b"cell\twidth [ns]\tV [mV]\tR_before [kOhm]\tR_after\n"
    b"1\t20\t500\t100\t80k\n2\t40us\t1V\t50\t20kOhm\n"
)
FILES = {
    GOOD: Conventions(),
    WIDE: Conventions(pulse=(-1.1, 3e-6), read_voltage=0.1, unit="uA"),
    PAIRS: Conventions(read_voltage=0.1, positive_sets=True),
}

pieces = st.one_of(
    st.binary(max_size=6),
    st.sampled_from([b",", b"\n", b'"', b"nan", b"-", b"1e999", b"[", b"]", b"\0", b"\r", b"\xc2\xb5"]),
)
edit = st.tuples(st.integers(0, 200), st.integers(0, 12), pieces)
edits = st.lists(edit, min_size=1, max_size=4)


def _check(path, content, how=Conventions()):
    path.write_bytes(content)
    try:
        m = read_measurements(path, how)
    except InputError as error:
        return str(path) in str(error)
    finite = np.isfinite([m.voltage, m.width, m.read_voltage, m.current]).all()
    return len(m) > 0 and finite and (np.diff(m.train) >= 0).all()


_settings = settings(
    max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@_settings
@given(file=st.sampled_from(list(FILES)), edits=edits)
def test_a_damaged_table(tmp_path, file, edits):
    content = file
    for place, length, piece in edits:
        content = content[:place] + piece + content[place + length :]
    assert _check(tmp_path / "t.csv", content, FILES[file])


@settings(_settings, max_examples=8)
@given(logs=st.lists(st.tuples(*[st.floats(-1, 1)] * 3), min_size=12, max_size=30))
def test_wild_numbers_still_end_in_a_fit(tmp_path, logs):
    """No overflow (warnings are errors) whatever sizes the reader lets through."""
    rows = [
        f"a,{V * 99 or 1:.3g},{10 ** (11 * T - 7):.3g},0.05,{10 ** (12 * G - 6):.3g},"
        if V
        else "a,1,,,,1e-9"
        for V, T, G in logs
    ]
    path = tmp_path / "t.csv"
    header = "train,voltage [V],width [s],read_voltage [V],conductance [S],current [A]"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    f = fit_device(read_measurements(path), load_device("zhang2021"))
    assert np.isfinite(f.residual).all()
    assert all(e.value > 0 for e in f.estimates.values())


@_settings
@given(content=st.binary(max_size=200), how=st.sampled_from(list(FILES.values())))
def test_any_bytes(tmp_path, content, how):
    assert _check(tmp_path / "t.csv", content, how)
