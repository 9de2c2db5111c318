"""Potentiation and depression: the file's own labels stay, and say which train is which."""

import numpy as np
import pytest

from fitting import read_measurements
from fitting.commands import cli
from fitting.judgement.hints import hints
from fitting.judgement.inspection import inspect_trains, listed, understood
from fitting.readers.conventions import Conventions
from fitting.readers.measurements import describe, few, ways

UP, DOWN = np.linspace(10, 40, 12), np.linspace(40, 10, 12)
BOTH = Conventions(pulses=((-1.0, 1e-6), (1.0, 1e-6)), read_voltage=0.1)


def beside(head, row=None):
    lines = row or (lambda n, up, down: f"{n},{up:.3f},{down:.3f}")
    pairs = enumerate(zip(UP, DOWN, strict=True), start=1)
    return "\n".join([head, *(lines(n, *pair) for n, pair in pairs)]) + "\n"


def parted(n, up, down):
    return f"{n},{up:.3f},,{n},{down:.3f}"


FORMS = {
    "columns": (beside("pulse,LTP (uS),LTD (uS)"), ("LTP (uS)", "LTD (uS)")),
    "words": (beside("pulse,Depression (uS),Potentiation (uS)", lambda n, up, down: f"{n},{down},{up}"),
              ("Potentiation (uS)", "Depression (uS)")),
    "blocks": (beside("LTP,,,LTD,\nPulse,G (uS),,Pulse,G (uS)", parted), ("LTP", "LTD")),
    "a line of units": (beside("Pulse,LTP,,Pulse,LTD\n#,uS,,#,uS", parted), ("LTP [uS]", "LTD [uS]")),
    "cells": (
        "pulse,mode,G (uS)\n" + "".join(f"{n},LTP,{G}\n" for n, G in enumerate(UP, 1))
        + "".join(f"{n},LTD,{G}\n" for n, G in enumerate(DOWN, 1)), ("LTP", "LTD"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_the_labels_of_a_file_say_which_train_is_which(tmp_path, form):
    text, (up, down) = FORMS[form]
    path = tmp_path / "both.csv"
    path.write_text(text, encoding="utf-8")
    m = read_measurements(path, BOTH)
    assert ways(m) == f"potentiation (V < 0): {up}; depression (V > 0): {down}"
    columns, rows = listed(inspect_trains(m), 20)
    assert columns == ["train", "readings", "pulses", "conductance"]
    found = {row[0]: row[2] for row in rows}
    assert found == {up: "12 × -1 V 1 µs, potentiation", down: "12 × 1 V 1 µs, depression"}
    assert describe(m).endswith("2 trains, pulses of -1 V and 1 V, 1 µs")


@pytest.mark.long
def test_inspect_and_fit_show_them(tmp_path, command):
    path = tmp_path / "both.csv"
    path.write_text(FORMS["columns"][0], encoding="utf-8")
    how = ["--pulse=-1V,1us", "--pulse", "1V,1us", "--read", "0.1V"]
    for words in (["inspect", path, *how], [path, *how, "--output-dir", tmp_path / "o"]):
        said = command(cli.main, *words)[1]
        assert "potentiation (V < 0): LTP (uS); depression (V > 0): LTD (uS)" in said


def test_a_column_of_labels_within_one_train_is_explained(tmp_path):
    """The number goes on, and with it the state: one train, whose labels are in no row of the table."""
    rows = [f"{n},{'LTP' if n < 13 else 'LTD'},{G}" for n, G in enumerate([*UP, *DOWN], start=1)]
    path = tmp_path / "one.csv"
    path.write_text("\n".join(["pulse,phase,G (uS)", *rows]), encoding="utf-8")
    m = read_measurements(path, BOTH)
    assert (m.labels, ways(m)) == (("one",), "")
    assert "'phase' is direction: potentiation (LTP), depression (LTD)" in understood(m)[0]
    pulses = listed(inspect_trains(m), 20)[1][0][2]
    assert pulses == "12 × -1 V 1 µs, potentiation; 12 × 1 V 1 µs, depression"


def test_pulses_in_another_order_than_the_files_are_a_question(tmp_path):
    """potentiation.csv had the pulses of depression, and only the terminals were suspected."""
    for name, G in (("potentiation", UP), ("depression", DOWN)):
        rows = [f"{n},{one}" for n, one in enumerate(G)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["pulse,G (uS)", *rows]), encoding="utf-8")
    files = [tmp_path / "potentiation.csv", tmp_path / "depression.csv"]

    def asked(*volts):
        each = [Conventions(pulse=(V, 1e-6), read_voltage=0.1) for V in volts]
        return " ".join(hints(read_measurements(files, each)))

    assert asked(-1.0, 1.0) == ""
    assert "('potentiation' has 1 V)? Give --pulse in the order of the files" in asked(1.0, -1.0)


def test_a_column_that_tells_no_trains_apart_is_left_out(tmp_path):
    path = tmp_path / "a.csv"
    text = "train,voltage [V],width [s],read_voltage [V],conductance [S]\n"
    for train, V_r in (("a", 0.1), ("b", 0.2)):
        text += "".join(f"{train},-1,1e-6,{V_r},{1e-5 * n}\n" for n in range(1, 5))
    path.write_text(text, encoding="utf-8")
    trains = inspect_trains(read_measurements(path))
    assert listed(trains, 20)[0] == ["train", "readings", "pulses", "read at", "conductance"]
    assert listed(trains[:1], 20)[0] == ["train", "readings", "pulses", "conductance"]


def test_normalised_readings_are_no_siemens(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("pulse,G/Gmax\n" + "".join(f"{n},{0.1 * n}\n" for n in range(1, 9)))
    m = read_measurements(path, Conventions(pulse=(-1.0, 1e-6), read_voltage=0.1))
    columns, (row,) = listed(inspect_trains(m), 20)
    assert (columns[-1], row[-1]) == ("normalised", "0.1 → 0.8")


def test_exchanged_terminals_are_said(tmp_path):
    path = tmp_path / "both.csv"
    path.write_text(FORMS["columns"][0], encoding="utf-8")
    how = Conventions(pulses=((1.0, 1e-6), (-1.5, 1e-6)), read_voltage=0.1, positive_sets=True)
    m = read_measurements(path, how)
    assert np.unique(m.voltage).tolist() == [-1.0, 1.5]
    assert any("voltages have the other sign here" in text for text in m.assumed)


def test_of_many_names_the_first_are_shown():
    assert few([*"abcde"]) == "a, b, c, d and 1 more"
    assert few([*"abcd"], 4) == "a, b, c, d"
