"""Imperfections that change nothing beside the others, as a range does without its converter."""

from __future__ import annotations

from collections.abc import Collection

from roa_circuit.chips.imperfections import Imperfections

NEEDS = {
    "adc_range": ("adc_bits",), "adc_percentile": ("adc_bits",), "adc_offset": ("adc_bits",),
    "adc_inl": ("adc_bits",), "adc_dnl": ("adc_bits",), "dac_range": ("dac_bits",),
    "stuck_on_resistance": ("stuck_on",), "temperature": ("bandwidth",),
    "drift_start": ("drift_exponent", "drift_spread"),
    "drift_exponent": ("age",), "drift_spread": ("age",), "retention_time": ("age",),
    "retention_energy": ("retention_time",),
}  # fmt: skip
"""What each of them needs: any of the others, without which it plays no part."""


def idle(x: Imperfections, varied: Collection[str] = ()) -> dict[str, str]:
    """Those that are given and change nothing, each with what it needs.

    varied : the fields that a sweep varies, which count as given
    """
    given = {key.split(" ")[0] for key in x.to_dict()}.union(varied)
    return {
        name: " or ".join(needs)
        for name, needs in NEEDS.items()
        if name in given and not any(need in varied or getattr(x, need) for need in needs)
    }
