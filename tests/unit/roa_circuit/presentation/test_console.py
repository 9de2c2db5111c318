"""Tables in a terminal: what they are read by stays whole."""

import io

from rich.console import Console

from roa_circuit.presentation import console


def test_names_of_rows_are_not_broken_where_columns_are_many():
    head = ["", "from best to worst", "allowed alone", "mean there", "worst chip there", "all together"]
    rows = [
        ("temperature", "250 K … 400 K", "400 K (all)", "97.3 %", "97.3 %", "373 K"),
        ("wires", *"abcde"),
    ]
    text = io.StringIO()
    Console(file=text, width=80).print(console.table("Budget", head, rows))
    assert "│ temperature " in text.getvalue()
    assert max(map(len, text.getvalue().splitlines())) <= 80


def test_a_table_may_be_empty():
    assert console.table("Nothing", ["", "value"], []).row_count == 0
