"""The default circuit: a working design point, and why these numbers.

Table 1 as printed describes 0.78-1.51 mS cells. 64 of them on one bit line of 1 Ohm segments
lose more than the signal they carry, and a V/2 write through such a line collapses: one per
cent of write voltage is twenty per cent of dose (mu1 V = 21). So the default array keeps
the switching of Table 1 and scales its currents:

* current_scale 0.01: 7.8-15 uS cells (66-128 kOhm), as a device of a hundredth of the area;
* r_word = r_bit = 1 Ohm: a copper segment of 45 nm half pitch and aspect ratio 2, R = rho / w
  with rho = 4.5 uOhm cm; 128 x 64 arrays with wires "low" against their cells are what
  Li C. et al., Nat. Electron. 1, 52 (2018) compute with;
* r_source = r_sense = 10 Ohm: drivers and transimpedance inputs well below a line's load;
* V/2 select: the only passive scheme that leaves unselected cells at rest.

`roa-spice verify --wire-resistance R` shows where this stops working.
"""

from __future__ import annotations

from pathlib import Path

from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.device.parameters import Device, load_device

CURRENT_SCALE = 0.01
WIRE_RESISTANCE = 1.0  # [Ohm] per segment
TERMINAL_RESISTANCE = 10.0  # [Ohm] source and sense


def default_device() -> Device:
    """Table 1 with its currents scaled to the design point.

    Examples
    --------
    >>> default_device().pulses.potentiation_voltage
    -1.1
    """
    return load_device("zhang2021").scaled(CURRENT_SCALE)


def chosen_device(name: str | Path | None, current_scale: float | None = None) -> Device:
    """A parameter set at its own current scale, or the design point's device where none is named.

    current_scale : multiplies the currents of the set as its file gives them; where neither it nor a
        name is given, those of Table 1 are multiplied by CURRENT_SCALE

    Raises
    ------
    InputError : no such set or file, or its content is unusable.
    """
    if name is None:
        return (
            default_device() if current_scale is None else load_device("zhang2021").scaled(current_scale)
        )
    device = load_device(name)
    if current_scale is None:
        return device
    return device.scaled(current_scale * device.memristor.current_scale)


def default_crossbar(rows: int, columns: int) -> Crossbar:
    """An array of the design point's wires, drivers and sense resistors.

    Examples
    --------
    >>> array = default_crossbar(64, 6)
    >>> array.shape, array.r_word, array.r_source
    ((64, 6), 1.0, 10.0)
    """
    return Crossbar(
        rows=rows,
        columns=columns,
        r_source=TERMINAL_RESISTANCE,
        r_word=WIRE_RESISTANCE,
        r_bit=WIRE_RESISTANCE,
        r_sense=TERMINAL_RESISTANCE,
    )
