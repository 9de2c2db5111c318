"""The definition of a law by formulas: what a law file says, checked word by word.

[law]
name = "linear_drift"
citation = "who measured or published it"
state = "x"                              # what the formulas call the state; by default omega
"state of omega" = "D * omega"           # left out where the state is omega itself
"omega of state" = "x / D"
motion = "mu * v / D * (1 - abs(2*x/D - 1)**2)"     # d state / dt
current = "v * (g_off + (g_on - g_off) * x / D)"    # [A], affine in omega

[law.define]                             # names for parts, each of those before
[law.constants]
"mu [1/s]" = "> 0; mobility"             # bound: > 0, >= 0 or any; then a few words
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.device.laws.formulas.grammar import FUNCTIONS, Tree, names_in, parse, substituted
from roa_circuit.device.laws.law import LAW

BOUNDS = ("> 0", ">= 0", "any")
IMPLICIT = {"speed": "multiplies the motion", "current_scale": "multiplies the current alone"}
"""Constants that every law by formulas has, 1 by default."""

_TEXTS = {
    "name": "name", "citation": "citation", "state": "state", "state of omega": "state_of_omega",
    "omega of state": "omega_of_state", "motion": "motion", "current": "current",
}  # fmt: skip
_MOST_NAMES = 60
_SIMULATORS = """
    v omega w0 te be moved largest closest raised lowered rate room across ln time temper hertz pi e i u
    if else begin end real module endmodule parameter analog inout electrical ddt ground and or not
    lambda
    in is for def class input output case while function branch from exclude inf string integer memristor
"""  # words that mean something there, or to Python
_RESERVED = {*FUNCTIONS, *IMPLICIT, *_SIMULATORS.split()}


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A law by formulas, as text; `trees` are the same checked and with definitions put in.

    constants : (name, unit, bound, meaning) of each
    define : (name, formula) of each part that has a name
    """

    name: str
    citation: str
    motion: str
    current: str
    constants: tuple[tuple[str, str, str, str], ...]
    define: tuple[tuple[str, str], ...] = ()
    state: str = "omega"
    state_of_omega: str = "omega"
    omega_of_state: str = ""

    def __post_init__(self) -> None:
        self.trees()

    def trees(self) -> dict[str, Tree]:
        """motion and current in the state and v, state_of_omega, omega_of_state: checked trees.

        Raises
        ------
        InputError : a name that is taken or missing, or a formula outside the grammar.
        """
        _check_text("name", self.name, r"[A-Za-z][\w.-]{0,40}")
        if not isinstance(self.citation, str) or not self.citation.strip():
            raise InputError(f"[{LAW}] citation must say where the law comes from")
        names = self._checked_names()
        known = {*names, "v", self.state}
        parts: dict[str, Tree] = {}
        for name, text in self.define:
            tree = parse(text, known, where=f"[{LAW}.define] {name}")
            parts[name] = substituted(tree, parts)
            known.add(name)
        found = {
            "motion": substituted(parse(self.motion, known, where=f"[{LAW}] motion"), parts),
            "current": substituted(parse(self.current, known, where=f"[{LAW}] current"), parts),
        }
        into = parse(self.state_of_omega, {*names, "omega"}, where=f"[{LAW}] state of omega")
        if self.state == "omega" and into != ("name", "omega"):
            raise InputError(f"[{LAW}] state: give the state a name of its own, which is not omega")
        back = self.omega_of_state or self.state
        found["state_of_omega"] = into
        found["omega_of_state"] = parse(back, {*names, self.state}, where=f"[{LAW}] omega of state")
        for tree in found.values():
            if _size(tree) > _LARGEST:
                raise InputError(
                    f"[{LAW}] has formulas of more than {_LARGEST} parts, definitions put in"
                )
        unused = {name for name, *_ in self.constants}.difference(*map(names_in, found.values()))
        if unused:
            raise InputError(f"[{LAW}.constants] {', '.join(sorted(unused))}: no formula has them")
        return found

    def _checked_names(self) -> set[str]:
        """The names of constants, after a look at all names."""
        constants = [name for name, *_ in self.constants]
        every = [*constants, *(name for name, _ in self.define)]
        if self.state != "omega":
            every.append(self.state)
        if len(every) > _MOST_NAMES:
            raise InputError(f"[{LAW}] has {len(every)} names; at most {_MOST_NAMES}")
        lower: dict[str, str] = {}
        for name in every:
            _check_text(f"the name {name!r}", name, r"[A-Za-z]\w{0,30}")
            if name.lower() in _RESERVED:
                raise InputError(f"[{LAW}] {name!r} has a meaning to simulators: rename it")
            if name.lower() in lower:
                raise InputError(
                    f"[{LAW}] {lower[name.lower()]!r} and {name!r} are one to simulators: rename one"
                )
            lower[name.lower()] = name
        for name, unit, bound, _ in self.constants:
            _check_text(f"unit of {name}", unit, r"[\w/^*. -]{1,20}")
            if bound not in BOUNDS:
                raise InputError(
                    f"[{LAW}.constants] {name}: {bound!r} is no bound; one of {', '.join(BOUNDS)}"
                )
        return set(constants)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Definition:
        """The definition in the section [law] of a parsed file.

        Raises
        ------
        InputError : an unknown or missing key, or what `trees` refuses.
        """
        section = document.get(LAW)
        if not isinstance(section, dict):
            raise InputError(f"section [{LAW}] is missing")
        keys = (*_TEXTS, "define", "constants")
        for key in section:
            if key not in keys:
                raise InputError(f"[{LAW}] has an unknown key {key!r}; {nearest(key, keys)}")
        for key in ("name", "citation", "motion", "current", "constants"):
            if key not in section:
                raise InputError(f"[{LAW}] lacks {key!r}")
        texts = {name: section[key] for key, name in _TEXTS.items() if key in section}
        for name, text in texts.items():
            if not isinstance(text, str):
                raise InputError(f"[{LAW}] {name} = {text!r} must be text in quotes")
        constants = tuple(_constant(key, said) for key, said in _section(section, "constants").items())
        define = tuple(_section(section, "define").items())
        return cls(**texts, constants=constants, define=define)

    def to_document(self) -> dict[str, Any]:
        """The section [law]; `from_document` reads it back."""
        texts = {
            key: getattr(self, name)
            for key, name in _TEXTS.items()
            if getattr(self, name)
            and not (name in ("state", "state_of_omega") and self.state == "omega")
        }
        constants = {f"{n} [{unit}]": f"{bound}; {words}" for n, unit, bound, words in self.constants}
        defined = {"define": dict(self.define)} if self.define else {}
        return {LAW: {**texts, **defined, "constants": constants}}


_LARGEST = 3000  # parts of a formula with its definitions put in


def _size(tree: Any) -> int:
    return 1 + sum(map(_size, tree)) if isinstance(tree, tuple) else 0


def _section(section: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = section.get(name, {})
    if not isinstance(found, dict):
        raise InputError(f"{name} = {found!r} must be a section [{LAW}.{name}]")
    return found


def _constant(key: str, said: object) -> tuple[str, str, str, str]:
    """(name, unit, bound, meaning) of '"k [1/s]" = "> 0; rate"'."""
    match = re.fullmatch(r"(\S+) \[(.+)\]", key)
    if not match or not isinstance(said, str):
        raise InputError(f'[{LAW}.constants] {key!r} must read "name [unit]" = "> 0; a few words"')
    bound, _, words = said.partition(";")
    words = " ".join("".join(c if c.isalnum() or c in " .,()/^*+-=" else " " for c in words).split())
    return match[1], match[2], bound.strip(), words


def _check_text(what: str, text: object, pattern: str) -> None:
    if not isinstance(text, str) or not re.fullmatch(pattern, text, re.ASCII):
        raise InputError(f"[{LAW}] {what} = {text!r} has characters that no name has, or too many")
