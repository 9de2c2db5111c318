"""The paper's numbers, against what its text says of them."""

import pytest

from meta.evaluation.paper import TABLE_2, reported
from meta.network.methods import METHODS, NOISE_LEVELS


def test_the_table_is_read_by_data_set_method_ways_and_noise():
    assert reported("omniglot", "roa", 5, 1, 4.0) == pytest.approx(0.7957)
    assert reported("miniimagenet", "roa-wc-flr", 5, 1, 0.0) == pytest.approx(0.4264)
    for missing in (("glyphs", "roa", 5, 1, 0.0), ("omniglot", "roa-robust", 5, 1, 0.0),
                    ("omniglot", "roa", 5, 5, 0.0), ("omniglot", "roa", 5, 1, 0.3)):  # fmt: skip
        assert reported(*missing) is None


def test_noise_only_ever_costs_accuracy_and_methods_have_names():
    for tables in TABLE_2.values():
        for rows in tables.values():
            for method, accuracies in rows.items():
                assert method in METHODS
                assert len(accuracies) == len(NOISE_LEVELS)
                assert list(accuracies) == sorted(accuracies, reverse=True)


def test_the_constraint_gains_over_three_points_at_five_and_ten_ways():
    """The paper, section 'Impact of Constraint': by more than 3 % when sigma_WN is 4."""
    for ways in (5, 10):
        rows = TABLE_2["omniglot"][ways]
        assert rows["roa"][-1] - rows["roa-wc"][-1] > 3
