"""Left open: what a fit could not tell of its device, as the notes that its file keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fitting.readers.measurements import Measurements
from fitting.search.estimates import AT_PRIOR, AT_SEARCH, Estimate
from roa_circuit.device.laws import Law
from roa_circuit.device.notes import Measured, Notes

NORMALISED = "readings were normalised, their scale is unknown unless current_scale sets it"

_LISTED = 7  # names in a line, as many as Eq. 1-2 have constants


def notes_of(
    m: Measurements, law: Law, weak: Mapping[str, Sequence[str]], given: Sequence[str] = ()
) -> Notes:
    """The notes of a device with these constants.

    weak : the names of constants that the readings do not tell, by what is to be said of them
    given : the options that said what the pulses are, where no column did
    """
    conducting = set(law.conducting)
    currents, writes = (
        [f"{_listed(own)} {text}" for text, names in weak.items()
         if (own := [name for name in names if (name in conducting) is wanted])]
        for wanted in (True, False)
    )  # fmt: skip
    if m.normalised:
        currents.append(NORMALISED)
    if given:
        writes.append(f"the measured pulses are as {', '.join(given)} says")
    return Notes(currents=tuple(currents), writes=tuple(writes), measured=measured(m))


def weak_constants(estimates: Mapping[str, Estimate], source: str) -> dict[str, list[str]]:
    """The names of constants that a fit held or knows in a product alone, by what is to be said of them.

    source : whose values the held ones have
    """
    said = {
        AT_PRIOR: f"from {source}, not measured",
        AT_SEARCH: "held where the search began, not measured",
        "with prior": "measured only in a product or a rate",
    }
    return {
        text: [name for name, e in estimates.items() if e.basis == basis] for basis, text in said.items()
    }


def measured(m: Measurements) -> Measured:
    """The smallest and the largest amplitude and width of each kind of pulse."""
    count = np.ones(len(m)) if m.pulses is None else np.nan_to_num(m.pulses, nan=1.0)
    width = m.width / np.where(count > 0, count, 1.0)
    spans = {}
    for sign, kind in ((-1, "potentiation"), (1, "depression")):
        rows = np.sign(m.voltage) == sign
        if rows.any():
            for what, values in (("voltage", m.voltage[rows]), ("width", width[rows])):
                low, high = (float(f"{end:.9g}") for end in (values.min(), values.max()))
                spans[f"{kind}_{what}"] = (low, high)
    return Measured(**spans)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_LISTED])
    return shown if len(names) <= _LISTED else f"{shown} and {len(names) - _LISTED} more"
