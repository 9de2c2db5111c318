"""For any device in a wide range: noiseless trains and sweeps give its constants back."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fitting import Measurements, fit_device
from fitting.model.residuals import predict
from fitting.model.schedule import schedule
from roa_circuit.device.laws.zhang2021 import Memristor, after_dose
from roa_circuit.device.parameters import load_device

devices = st.builds(
    Memristor,
    k=st.floats(-6, -2).map(lambda x: 10.0**x),
    mu1=st.floats(8, 30),
    mu2=st.floats(8, 30),
    gamma=st.floats(2e-3, 8e-3),
    delta=st.floats(0.3, 1.5),
    alpha=st.floats(2e-4, 1e-3),
    beta=st.floats(0.2, 0.8),
)


def _rows(p):
    """(train, V, width, read voltage, is a sweep): three amplitudes per polarity, two sweeps."""
    rows = []
    for train, scale in enumerate((0.6, 1.0, 1.4)):
        up, down = -scale * 20 / p.mu1, scale * 20 / p.mu2
        for V, mu in ((up, p.mu1), (down, p.mu2)):
            width = 0.3 / (p.k * np.exp(mu * abs(V)))
            rows += [(train, V, width, 0.05, False)] * 10
    for train, sign in ((3, -1.0), (4, 1.0)):
        rows.append((train, sign * 60 / min(p.mu1, p.mu2), 1.0, 0.05, False))
        rows += [(train, 0.0, 0.0, float(V), True) for V in sign * np.linspace(-0.2, 2.5, 12)]
    return np.array(rows, dtype=np.float64)


def _measured(p, start):
    train, voltage, width, read_voltage, sweep = _rows(p).T
    blank = Measurements(
        source="made up", labels=tuple("abcde"), train=train.astype(np.int64), voltage=voltage,
        width=width, read_voltage=read_voltage, current=np.ones(len(train)), sweep=sweep > 0,
    )  # fmt: skip
    current = predict(p, start, blank, schedule(blank))
    return Measurements(**{**blank.__dict__, "current": current})


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(p=devices, first=st.floats(0.05, 0.9))
def test_any_device_comes_back_from_its_own_readings(p, first):
    m = _measured(p, np.array([first, 0.5, 0.2, 0.5, 0.5]))
    f = fit_device(m, load_device("zhang2021"))
    assert f.converged
    for name, e in f.estimates.items():
        assert abs(e.value / getattr(p, name) - 1) < 1e-6, (name, e.value, f.relative_rmse)
        assert e.identifiable


@given(start=st.floats(0, 1), doses=st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=30))
def test_runs_are_the_recursion_and_stay_in_range(start, doses):
    from fitting.model.residuals import states

    dose = np.array(doses)
    n = len(dose)
    m = Measurements(
        source="", labels=("a",), train=np.zeros(n, dtype=np.int64), voltage=-np.sign(dose),
        width=np.ones(n), read_voltage=np.ones(n), current=np.ones(n), sweep=np.zeros(n, dtype=bool),
    )  # fmt: skip
    omega = states(np.array([start]), dose, schedule(m))
    expected, state = [], start
    for one in doses:
        state = float(after_dose(state, one))
        expected.append(state)
    assert ((omega >= 0) & (omega <= 1)).all()
    np.testing.assert_allclose(omega, expected, rtol=1e-9, atol=1e-12)
