"""TOML documents: what is written can be read again."""

import tomllib

import numpy as np
import pytest

from roa_circuit.basics import toml


def test_numbers_of_numpy_are_written_as_numbers():
    """A fit's device.toml said np.float64(0.1), which is no TOML."""
    document = {
        "float": np.float64(0.1), "single": np.float32(0.5), "whole": np.int64(3), "yes": np.bool_(True),
        "row": np.array([0.5, 2.0]), "rows": [np.array([1.0]), np.array([2.0])], "pair": (1.0, 2.0),
    }  # fmt: skip
    assert tomllib.loads(toml.dumps(document)) == {
        "float": 0.1, "single": 0.5, "whole": 3, "yes": True,
        "row": [0.5, 2.0], "rows": [[1.0], [2.0]], "pair": [1.0, 2.0],
    }  # fmt: skip


@pytest.mark.parametrize("value", [None, 1j, {1.0}])
def test_what_toml_has_no_word_for_is_not_written(value):
    with pytest.raises(TypeError, match="has no place in a TOML document"):
        toml.dumps({"key": value})
