"""SI prefixes at the boundary: '4.7k', '30us', '50 mV' become plain SI floats."""

from __future__ import annotations

import math
import re
from decimal import Decimal

from roa_circuit.basics.errors import InputError

PREFIXES = {
    "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "m": 1e-3,
    "": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "meg": 1e6, "G": 1e9,
}  # fmt: skip

_QUANTITY = re.compile(
    r"\s*(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
    r"\s*(?P<prefix>meg|[fpnuµμmkKMG]?)(?P<unit>Ohm|ohm|Ω|V|A|S|s|F|Hz|eV|%)?\s*"
)


def parse_quantity(text: str, *, what: str = "value", unit: str = "") -> float:
    """The SI value of `text`; `unit` is what a written unit must be, if one is written.

    >>> parse_quantity("4.7k")
    4700.0
    >>> parse_quantity("30 us", unit="s")
    3e-05
    >>> parse_quantity("5%")
    0.05

    Raises
    ------
    InputError : not a number with an optional SI prefix and unit, or another unit.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise InputError(f"{what}: {text!r} is not a number with an SI prefix, such as 4.7k or 30u")
    written = (match["unit"] or "").replace("ohm", "Ohm").replace("Ω", "Ohm")
    if written not in ("", "%") and unit and written != unit:
        raise InputError(f"{what}: {text!r} is in {written}, expected {unit}")
    prefix = match["prefix"]
    if written == "%":
        if prefix or unit not in _SHARES:
            raise InputError(f"{what}: {text!r} is a share, expected {unit or 'a number'}")
        return float(match["number"]) / 100.0
    if unit == "K" and prefix == "K" and not written:  # 300 K is no 300,000
        prefix = ""
    value = float(match["number"])
    if prefix and value and math.isfinite(value):  # in decimals: 30u is 3e-05, as it reads
        value = float(Decimal(match["number"]) * Decimal(repr(PREFIXES[prefix])))
    if not math.isfinite(value):
        raise InputError(f"{what}: {text!r} is too large")
    return value


_SHARES = ("", "-", "1")  # how units of what has none are written

_DURATIONS = {"min": 60.0, "h": 3600.0, "d": 86400.0, "y": 31557600.0}


def parse_duration(text: str, *, what: str = "duration") -> float:
    """Seconds of '1d', '12h', '30min', '10y', or of a number with an SI prefix, '1us'.

    Raises
    ------
    InputError : neither of them, or less than nothing.
    """
    found = re.fullmatch(r"\s*([0-9.eE+-]+)\s*(min|h|d|y)\s*", text)
    if re.fullmatch(r"[\s0-9.eE+-]+[mM]\s*", text):
        raise InputError(f"{what}: {text!r} may be minutes or a prefix; write min for minutes, ms or Ms")
    scale = _DURATIONS[found[2]] if found else 1.0
    seconds = scale * parse_quantity(found[1] if found else text, what=what, unit="s")
    if seconds < 0:
        raise InputError(f"{what}: {text!r} must be 0 s or more")
    return seconds


def engineering(value: float, unit: str = "", digits: int = 3) -> str:
    """`value` with an SI prefix: engineering(3e-6, 's') is '3 µs'."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}".rstrip()
    size, prefix = prefix_for(float(f"{value:.{digits}g}"))  # 999.6 is shown as 1 k
    return f"{value / size:.{digits}g} {prefix}{unit}".rstrip()


def prefix_for(value: float) -> tuple[float, str]:
    """The SI prefix that shows `value` best: prefix_for(3e-6) is (1e-6, 'µ')."""
    if value == 0 or not math.isfinite(value):
        return 1.0, ""
    prefixes = ["f", "p", "n", "µ", "m", "", "k", "M", "G"]
    exponent = min(max(math.floor(math.log10(abs(value)) / 3), -5), 3)
    return 1000.0**exponent, prefixes[exponent + 5]


def percent(share: float, digits: int = 1, *, significant: bool = False) -> str:
    """percent(0.96) is '96.0 %', with so many digits behind the point, or so many significant ones."""
    text = f"{100 * share:.{digits}{'g' if significant else 'f'}}"
    return f"{100 * share:.0f} %" if "e+" in text else f"{text} %"


def share(part: float, least: float = 1e-7) -> str:
    """A part as '0.97 %': two decimals, or two digits below a tenth of a percent; 'below …' rounding."""
    if 0 < part < least:
        return f"below {percent(least, 1, significant=True)}"
    return percent(part, 2, significant=0 < part < 1e-3)


def counted(count: int, noun: str) -> str:
    """A number with its noun: '1 point', '2,000 points'."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
