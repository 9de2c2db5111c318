"""Settings that change nothing beside the others, as a range does without its converter."""

from __future__ import annotations

from collections.abc import Collection

from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.components import NOMINAL_TEMPERATURE

NEEDS = {
    "adc_range": ("adc_bits",), "adc_percentile": ("adc_bits",), "adc_offset": ("adc_bits",),
    "adc_inl": ("adc_bits",), "adc_dnl": ("adc_bits",), "dac_range": ("dac_bits",),
    "dac_slices": ("dac_bits",),
    "stuck_on_resistance": ("stuck_on",), "temperature": ("bandwidth",),
    "drift_start": ("drift_exponent", "drift_spread"),
    "drift_exponent": ("age",), "drift_spread": ("age",), "retention_time": ("age",),
    "retention_energy": ("retention_time",),
}  # fmt: skip
"""What each of them needs: any of the others, without which it plays no part."""

OF_SUBTRACTORS = ("subtractor_mismatch", "subtractor_offset")
"""What needs a mapping that subtracts before the converter."""


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


OF_HEAT = ("wire_coefficient", "activation_energy")
"""What of a circuit shows at another temperature alone."""

OF_CHARGE = ("c_word", "c_bit", "c_cell", "gain_bandwidth")
"""What of a circuit shows before its reads have settled."""

OF_READS = ("read_edge", "read_hold")
"""When a circuit's reads are taken."""


def idle_in_circuit(
    circuit: Circuitry, unused: Collection[str], varied: Collection[str] = ()
) -> list[str]:
    """Those of `unused` that a circuit has, and those of heat where its temperature is the nominal one.

    varied : the fields that a sweep varies
    """
    at_rest = circuit.temperature == NOMINAL_TEMPERATURE and "temperature" not in varied
    beside, bare = circuit.amplifier, Circuitry()

    def given(name: str) -> bool:
        if name == "gain_bandwidth":
            return beside is not None and beside.gain_bandwidth is not None
        return bool(getattr(circuit, name) != getattr(bare, name))

    names = [*unused, *(OF_HEAT if at_rest else ())]
    return [name for name in names if given(name) and name not in varied]
