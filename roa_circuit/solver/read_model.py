"""Read models: the two ways in which the surrogate takes the cells of an array that it reads."""

from __future__ import annotations

from enum import StrEnum

from roa_circuit.basics.errors import InputError, nearest


class ReadModel(StrEnum):
    """What a cell carries in a read.

    `cells` is Eq. 2 at every cell. `weights` takes each cell for its conductance at the read voltage
    (Eq. 3): the whole array is then one matrix, wires included, and an output differs by some 1 %.
    """

    cells = "cells"
    weights = "weights"

    @property
    def said(self) -> str:
        """In words, for reports."""
        return {
            ReadModel.cells: "every cell by its I-V",
            ReadModel.weights: "effective weights at the read voltage",
        }[self]

    @classmethod
    def parse(cls, text: object) -> ReadModel:
        """'cells' or 'weights'.

        Raises
        ------
        InputError : anything else.
        """
        names = [str(one) for one in cls]
        if text not in names:
            raise InputError(f"read_model = {text!r} is unknown; {nearest(str(text), names)}")
        return cls(str(text))
