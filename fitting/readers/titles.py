"""Titles: the name and the unit in what heads a column, and what the name is known to mean."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import pairwise

from roa_circuit.basics.units import PREFIXES

LABEL, DEVICE, NUMBER, TIME = "train", "device", "pulse number", "time"
COUNT, LIMITED, WAY = "pulses", "compliance", "direction"
UNITS = {
    "voltage": "V", "width": "s", "read_voltage": "V", "conductance": "S", "resistance": "Ohm",
    "read_current": "A", "current": "A", "conductance_before": "S", "resistance_before": "Ohm",
    "read_current_before": "A",
}  # fmt: skip
READINGS = ("conductance", "resistance", "read_current")
WAYS = {1: "potentiation", -1: "depression"}
"""What `way` finds, in words."""

NORMALISED = "1"
"""The unit of readings over some reference."""

# Titles as they are met, without units, lower case; what is no letter or digit does not count.
SPELLINGS = {
    LABEL: "train trace train_id cycle run loop sweep",
    DEVICE: "device device_id cell cell_id address dut sample",
    NUMBER: "pulse_number pulse_no pulse_nr pulse_num pulse_index pulse_id n_pulse pulse "
    "puls pulsnummer",
    COUNT: "num_applied n_applied applied pulses_applied num_pulses_applied applied_pulses "
    "number_of_applied_pulses pulses_per_read",
    TIME: "time timestamp elapsed elapsed_time time_stamp x_value test_time relative_time rel_time zeit "
    "messzeit zeitstempel tiempo seconds elapsed_seconds sec secs sekunden time_seconds",
    LIMITED: "compliance in_compliance compliance_flag limited status source_limit",
    WAY: "phase direction operation process",
    "voltage": "voltage v v_pulse pulse_voltage pulse_v v_write v_prog v_program volts "
    "amplitude pulse_amplitude v_amp v_bitline v_bl v_te v_set v_reset v_p bias write_voltage "
    "program_voltage programming_voltage applied_voltage v_applied v_app bias_voltage source_voltage "
    "v_pgm pgm_voltage pulse_height v_stim stimulus_voltage pulse_amp spannung pulsspannung",
    "width": "width pulse_width t_pulse pw duration pulse_duration t_width t_p pulse_length t_prog "
    "t_pgm t_program program_time programming_time pulse_time t_write write_time breite pulsbreite "
    "pulsdauer",
    "read_voltage": "read_voltage v_read read_v v_r reading_voltage lesespannung",
    "conductance": "conductance g g_read conductance_after g_after g_final cond read_conductance "
    "g_meas g_measurement measured_conductance leitwert g_post post_g conductance_post post_conductance "
    "after_g final_g final_conductance",
    "resistance": "resistance r r_read resistance_after r_after r_final res read_resistance "
    "memristance r_meas measured_resistance widerstand r_post post_r resistance_post post_resistance "
    "after_r final_r final_resistance",
    "read_current": "read_current i_read read_i i_r current_after i_after read_current_after",
    "current": "current i i_sweep amps measured_current i_meas",
    "conductance_before": "conductance_before g_before g_initial g_init g0 g_pre pre_g "
    "conductance_pre pre_conductance before_g initial_g initial_conductance",
    "resistance_before": "resistance_before r_before r_initial r_init r0 r_pre pre_r "
    "resistance_pre pre_resistance before_r initial_r initial_resistance",
    "read_current_before": "read_current_before current_before i_before i_initial i0 i_pre pre_i "
    "current_pre pre_current before_i initial_i initial_current",
}
MEANING = {text.replace("_", ""): name for name, texts in SPELLINGS.items() for text in texts.split()}


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COUNTERS = _set(
    "pulse pulses n no nr num number index idx step iteration iter point points cycle cycles count "
    "unnamed attempt attempts trial"
)
_DERIVED = _set(
    "log log10 ln std sd stdev stddev sigma error err sem ratio variance slope derivative delta dg dr di"
    " change iqr model modelled fit fitted target simulated simulation residual temperature temp"
    " expected desired intended wanted goal setpoint nominal ideal theory theoretical predicted"
    " prediction percentile quantile quartile"
)
_ORDINALS = _set("index idx")
_WAYS = {
    +1: _set("ltp pot potentiation potentiate potentiating set up increase inc"),
    -1: _set("ltd dep depression depress depressing reset down decrease dec"),
}
_ENDS = {+1: _set("lrs on low ron gon ion"), -1: _set("hrs off high roff goff ioff")}
_TITLE = re.compile(
    r"(?P<name>[^\[\]()]*?)\s*(?:\[(?P<unit>[^\[\]]*)\]|\((?P<round>(?:[^()]|\([^()]*\))*)\))?"
)
_ABSOLUTE = re.compile(
    r"\|(?P<bars>[^|]+)\|(?P<rest>.*)|abs(?:olute)?[ _]*\((?P<round>[^()]+)\)(?P<tail>.+)"
    r"|abs(?:olute)?[ _(]*(?P<word>[^()]+?(?: \([^()]+\))?)\)?",
    re.IGNORECASE,
)
_TAIL = re.compile(r"(?P<name>.+?)[_ ](?P<unit>[fpnuµμmkKMG]?(?:V|A|S|s|Ohm|ohm|Ω))")
_READ_AT = re.compile(
    r"(?P<name>.*?[A-Za-z\])])[\s_]*(?:(?:@|(?<![A-Za-z])at(?![A-Za-z]))[\s_=]*(?:V[a-z_]*\s*=\s*)?"
    r"|[,;]?\s*\(?\s*V_?read\s*=\s*)"
    r"(?P<volts>-?\d+(?:\.\d+)?)[\s_]*(?P<prefix>m?)V(?![A-Za-z])(?P<rest>.*)",
    re.IGNORECASE,
)
_SECONDS = re.compile(r".*(seconds|secs?|sekunden)")
_NORMALISED = re.compile(r"1|-|a\.? ?u\.?|arb\.? ?units?|norm(\.|ali[sz]ed)?|rel\.?|%?", re.IGNORECASE)
_WORDS = (
    (re.compile("(\u2126|Ω|ohms?)$", re.IGNORECASE), "Ohm"),
    (re.compile("(seconds?|secs?)$", re.IGNORECASE), "s"),
    (re.compile("volts?$", re.IGNORECASE), "V"),
    (re.compile("(amperes?|amps?)$", re.IGNORECASE), "A"),
    (re.compile("siemens$", re.IGNORECASE), "S"),
)
_INSIDE = re.compile(r"(?P<name>[^\[\]()]+)[\[(](?P<unit>[^\[\]()]{1,12})[\])](?P<rest>[^\[\]()]+)")
_OVER = re.compile(
    r"(?P<quantity>[GRI])(?:_?\w{1,6})?\s*/\s*(?P=quantity)_?(?:max|min|0|o|init\w*|on|off|ref)\b(?P<rest>.*)",
    re.IGNORECASE,
)
_RELATIVE = re.compile(r"\s*norm(ali[sz]ed)?[ _.]|(^|[ _])weights?([ _]|$)", re.IGNORECASE)
_POWER = re.compile(
    r"[x×*·]?\s*(?:10\s*\^?\s*\(?|1?(?<![A-Za-z])[eE])(?P<power>[-+]?\d{1,2})\)?\s*[·*]?\s*(?P<unit>\D+)"
)
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺−–", "0123456789-+--")
_CELL_WAYS = {"p": 1, "d": -1, "lrs": 1, "hrs": -1}
_SPELT = {"kilo": "k", "mega": "M", "milli": "m", "micro": "u", "nano": "n", "pico": "p"}


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column that was understood: its meaning, its place, its factor to SI (None if unstated)."""

    name: str
    place: int
    title: str
    factor: float | None
    normalised: bool = False


def title(name: str) -> str:
    """A column's title as it should be written: 'voltage [V]'."""
    return f"{name} [{UNITS[name]}]" if name in UNITS else name


def plain(text: str) -> str:
    """A title's name without its unit: letters and digits alone, lower case."""
    return re.sub(r"[^a-z0-9]+", "", parts(text)[0].lower())


def unit_of(text: str) -> str | None:
    """The unit written in a title's brackets or behind a stroke, None without one."""
    return parts(text)[1] or None


@functools.lru_cache(maxsize=1 << 14)  # a table is read again without each option that it may not need
def parts(text: str) -> tuple[str, str]:
    """(name, unit or '') of a title such as 'V_pulse [mV]', 'R (kOhm)', 'I / A' or 'voltage_mV'."""
    text = without_bars(text)
    match = _TITLE.fullmatch(text)
    if match is None or (match["unit"] or "").strip().isdigit():  # an index, as in Smu1.V[1]
        return _parts_inside(text)
    name, in_round = match["name"], match["round"]
    if in_round is not None and name.strip().upper() in ("V", "I") and not is_unit(in_round):
        return text, ""  # V(te) is the voltage of a node
    unit = (match["unit"] or in_round or "").strip()
    if unit:
        return name, unit
    head, _, tail = name.rpartition("/")
    if head and is_unit(tail):
        return head, tail.strip()
    ends = _TAIL.fullmatch(name.strip())
    if ends is not None and _letters(name) not in MEANING:
        meaning = "time" if ends["name"].lower() == "t" else MEANING.get(_letters(ends["name"]))
        expected = "s" if meaning == TIME else UNITS.get(meaning or "")
        if expected is not None and factor(ends["unit"], expected) is not None:
            return ends["name"], ends["unit"]
    return _parts_relative(name)


def _parts_inside(text: str) -> tuple[str, str]:
    """(name, unit) of 'G (uS) cycle 2', whose unit is not at the end."""
    match = _INSIDE.fullmatch(text)
    if match is None or not is_unit(match["unit"]):
        return text, ""
    return f"{match['name'].rstrip()} {match['rest'].strip()}", match["unit"].strip()


def _parts_relative(name: str) -> tuple[str, str]:
    """(name, '1') of 'G/Gmax', 'Normalized G' and 'weight'."""
    over = _OVER.fullmatch(name.strip())
    if over is not None:
        return over["quantity"] + over["rest"], NORMALISED
    return name, NORMALISED if _RELATIVE.search(name) else ""


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", text.lower())


def without_bars(text: str) -> str:
    """'|I| [A]' and 'abs(I) [A]' as 'I [A]'; any other title as it is."""
    match = _ABSOLUTE.fullmatch(text.strip())
    if match is None:
        return text
    whole = match["word"] or (match["bars"] or match["round"]) + (match["rest"] or match["tail"] or "")
    return str(whole)


def read_at(text: str) -> tuple[str, float] | None:
    """('I (A)', 0.1) of 'I @ 100 mV (A)': a title without the read voltage [V] in it, and that."""
    match = _READ_AT.fullmatch(text.strip())
    if match is None:
        return None
    volts = float(match["volts"]) * (1e-3 if match["prefix"] else 1.0)
    return match["name"] + match["rest"], volts


def is_absolute(text: str) -> bool:
    """Whether a title is that of a size without a sign, such as |I| or absIrow."""
    return _ABSOLUTE.fullmatch(text.strip()) is not None


def factor(unit: str, expected: str) -> float | None:
    """The factor from `unit`, such as 'mV' or 'millisecond', to `expected` in SI; None if none is."""
    unit = unit.strip()
    power = _POWER.fullmatch(unit.translate(_RAISED))
    if power is not None:
        scale = factor(power["unit"], expected)
        return None if scale is None else scale * float(f"1e{power['power']}")
    for words, symbol in _WORDS:
        spelt = words.sub(symbol, unit)
        if spelt != unit:
            prefix = spelt.removesuffix(symbol).strip().lower()
            unit = _SPELT.get(prefix, spelt.removesuffix(symbol)) + symbol
    if not unit.endswith(expected):
        return None
    return PREFIXES.get(unit.removesuffix(expected).strip())


def names_seconds(text: str) -> bool:
    """Whether the title of a time says its unit as a word: 'Seconds', 'Elapsed seconds'."""
    return MEANING.get(plain(text)) == TIME and _SECONDS.fullmatch(plain(text)) is not None


def is_unit(text: str) -> bool:
    """Whether a text is a unit of something that is measured here."""
    return any(factor(text, unit) is not None for unit in set(UNITS.values()))


def is_normalised(unit: str | None) -> bool:
    """Whether a written unit says that readings are over some reference: 'a.u.', 'norm.', '1'."""
    return bool(unit) and _NORMALISED.fullmatch(unit or "") is not None


def meaningful(given: Collection[str]) -> Callable[[str], bool]:
    """Whether a title is a known spelling, a channel's, or one of those `given`."""
    known = {*MEANING, *map(plain, given)}
    return lambda text: (
        bool(text[:1].isalpha() or text[:1] == "|")
        and (plain(text) in known or bool(unit_of(text) and is_unit(unit_of(text) or "")))
    )


def words(text: str) -> list[str]:
    """The words of a title: 'LTP_Pulse Number' and 'ltpPulse1' are ltp, pulse, number or 1."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)", " ", parts(text)[0])
    return [word.lower() for word in re.split(r"[^A-Za-z0-9]+", spaced) if word]


@functools.lru_cache(maxsize=4096)
def way(text: str) -> int:
    """1 if a title's words say that the conductance rises, -1 if it falls, 0 if they do not say."""
    said = {sign for sign, known in _WAYS.items() if known & set(words(text))}
    return said.pop() if len(said) == 1 else 0


def cell_way(cell: str) -> int:
    """What a cell says of its pulse: as titles do, with a lone P or D, or with the state it left."""
    return way(cell) or _CELL_WAYS.get(cell.strip().lower(), 0)


def end(text: str) -> int:
    """1 for a title of the low-resistive state (LRS, R_on), -1 for that of the high-resistive one."""
    named = words(text)
    near = {a + b for a, b in pairwise(named)}
    said = {sign for sign, known in _ENDS.items() if known & ({*named} | near)}
    return said.pop() if len(said) == 1 else 0


def is_derived(text: str) -> bool:
    """Whether a title is of something worked out from readings: a logarithm, a spread, a ratio."""
    if re.match(r"\s*([ΔδΔ∆]|d[GRI](?![A-Za-z]))", text):
        return True
    return bool(_DERIVED & set(words(text))) or bool(re.match(r"(log|ln)(10)?[_ (|]*[IGR]\b", text))


def is_ordinal(text: str) -> bool:
    """Whether a count's title names the pulse itself, so that number 0 is one: 'index', 'idx'."""
    return bool(_ORDINALS & set(words(text)))


@functools.lru_cache(maxsize=1 << 14)
def is_counter(text: str) -> bool:
    """Whether a title is that of a count: 'Pulse #', 'n', 'index', 'LTP_Pulse Number', '#', ''."""
    others = [word for word in words(text) if word not in _WAYS[1] | _WAYS[-1] | {"of"}]
    bare = not words(text)  # '' or '#'
    return not unit_of(text) and bool(others or bare) and all(word in _COUNTERS for word in others)
