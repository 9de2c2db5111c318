"""What the notes of a fitted device say, and what they leave unsaid."""

import dataclasses

import numpy as np
import pytest

from fitting import fit_device
from fitting.judgement.left_open import measured, notes_of, weak_constants


def test_a_fit_that_tells_all_has_nothing_to_note_but_its_pulses(shipped, shipped_fit):
    notes = notes_of(shipped, shipped_fit.memristor, weak_constants(shipped_fit.estimates, "zhang2021"))
    assert (notes.currents, notes.writes) == ((), ())
    up = shipped.voltage[shipped.voltage < 0]
    assert notes.measured.potentiation_voltage == (up.min(), up.max())
    assert notes.measured.depression_width == pytest.approx((5e-7, 0.02))


def test_constants_are_noted_under_what_rests_on_them(shipped, prior):
    """One amplitude of one polarity: the dose alone is measured."""
    cycles = shipped.of_trains([shipped.labels.index("cycles -1.1/+1.4 V")])
    m = cycles.of_rows(np.arange(np.argmax(cycles.voltage > 0)))
    fit = fit_device(m, prior)
    weak = weak_constants(fit.estimates, "a book")
    held = [name for name, e in fit.estimates.items() if e.held]
    assert {"mu2"} <= set(held)
    assert weak["from a book, not measured"] == held
    notes = notes_of(m, fit.memristor, weak, ["--pulse -1V,1us"])
    assert set(held) == {
        name
        for line in (*notes.currents, *notes.writes) if line.endswith("from a book, not measured")
        for name in line.split(" from ")[0].split(", ")
    }  # fmt: skip
    assert not any(name in " ".join(notes.currents) for name in ("mu1", "mu2"))
    assert notes.writes[-1] == "the measured pulses are as --pulse -1V,1us says"
    assert notes.measured.depression_voltage is None


def test_a_pulse_is_as_wide_as_one_where_a_row_has_several(shipped):
    one = dataclasses.replace(shipped, pulses=np.where(shipped.voltage != 0, 4.0, 0.0))
    four, single = measured(one), measured(shipped)
    assert four.depression_width == pytest.approx(np.array(single.depression_width) / 4.0)
    assert four.depression_voltage == single.depression_voltage
