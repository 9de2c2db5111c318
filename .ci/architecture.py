"""The architecture page's picture and table, from the import contracts and the folders' docstrings.

python .ci/architecture.py

Floors are those that `pyproject.toml` holds the imports to; `tests/guide/test_architecture.py` fails
while picture or table are not what this script makes.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs/assets/architecture.svg"
PAGE = ROOT / "docs/architecture.md"

GROUND = "roa_circuit"
TOWERS = ("fitting", "netlists", "meta")
GIVES = {
    "roa_circuit.basics": "InputError",
    "roa_circuit.device": "Device",
    "roa_circuit.circuit": "Crossbar",
    "roa_circuit.solver": "OperatingPoint",
    "roa_circuit.chips": "Chip",
    "roa_circuit.layers": "ProgrammedLayer",
    "roa_circuit.presentation": "Page",
    "roa_circuit.sweeps": "Study",
    "fitting.readers": "Measurements",
    "fitting.model": "Objective",
    "fitting.search": "Fit",
    "fitting.judgement": "Comparison",
    "fitting.population": "Population",
    "fitting.planning": "Design",
    "fitting.presentation": "report.html",
    "fitting.commands": "roa-fit",
    "netlists.simulation": "Simulation",
    "netlists.decks": "Deck",
    "netlists.layers": "fc.npz",
    "netlists.verification": "Verification",
    "netlists.commands": "roa-spice",
    "meta.processes": "Cores",
    "meta.data": "Task",
    "meta.network": "Network",
    "meta.learning": "Adapted",
    "meta.evaluation": "Trial",
    "meta.training": "Training",
    "meta.circuits": "Episode",
    "meta.reproduction": "Entry",
    "meta.commands": "roa-meta",
}
"""What a reader would ask each folder for: a class, a file, or a command."""

_MARGIN, _GAP, _TOWER = 2, 18, 148
_ROW, _FLOOR, _TITLE = 32, 46, 26
_WIDTH = 2 * _MARGIN + 3 * _TOWER + 2 * _GAP
_BEGIN, _END = "<!-- folders: made by .ci/architecture.py -->", "<!-- end of folders -->"

_HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" role="img"
  viewBox="0 0 {width} {height}" aria-labelledby="t d"
  font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif">
<title id="t">The floors of roa-circuit</title>
<desc id="d">{description}</desc>
<style>
  svg {{ --ink: #1c2733; --soft: #586573; --line: #c9d1d9; --card: #f6f8fa; --violet: #7b4fb8; }}
  @media (prefers-color-scheme: dark) {{
    svg {{ --ink: #dae1e8; --soft: #9aa6b2; --line: #3a4652; --card: #171e25; --violet: #b79cf0; }}
  }}
  text {{ fill: var(--soft); }}
  .h {{ fill: var(--ink); font-size: 17px; font-weight: 600; }}
  .f {{ fill: var(--ink); font-size: 15.5px; }}
  .m {{ font-family: ui-monospace, 'SF Mono', 'DejaVu Sans Mono', monospace; font-size: 13.5px; }}
  .cmd {{ fill: var(--violet); font-weight: 600; }} .e {{ text-anchor: end; }}
  .card {{ fill: var(--card); stroke: var(--line); }}
  .door {{ stroke: var(--violet); stroke-width: 2; fill: none; marker-end: url(#tip); }}
</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="6.5" refY="4" markerWidth="7" markerHeight="7"
  orient="auto"><path d="M0 0.6 7.4 4 0 7.4z" fill="var(--violet)"/></marker></defs>
"""


@dataclass(frozen=True, kw_only=True)
class House:
    """The packages and what may import what.

    floors : the folders of each package, from the ground up
    doors : (importing folder, imported folder) of what one tower may take from another
    """

    floors: dict[str, list[str]]
    doors: list[tuple[str, str]]


def house() -> House:
    """The house of the contracts."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    floors = {c["containers"][0]: c["layers"][::-1] for c in contracts if c["type"] == "layers"}
    forbidden = (c.get("ignore_imports", ()) for c in contracts if c["type"] == "forbidden")
    ignored = (arrow for arrows in forbidden for arrow in arrows)
    pairs = [tuple(_folder(end) for end in arrow.split(" -> ")) for arrow in ignored]
    doors = [(a, b) for a, b in pairs if b.split(".")[0] in floors]
    return House(floors={name: floors[name] for name in (GROUND, *TOWERS)}, doors=doors)


def _folder(module: str) -> str:
    return ".".join(module.split(".")[:2])


def table(built: House) -> str:
    """Every folder and what it is for, in the words of its `__init__.py`."""
    lines = []
    for package, folders in built.floors.items():
        lines += [f"**`{package}`**, from the ground up:", ""]
        lines += ["| folder | what it is for |", "|---|---|"]
        lines += [f"| `{package}/{name}` | {_purpose(package, name)} |" for name in folders]
        lines.append("")
    return "\n".join(lines)


def _purpose(package: str, name: str) -> str:
    source = (ROOT / package / name / "__init__.py").read_text(encoding="utf-8")
    said = (ast.get_docstring(ast.parse(source)) or "").split("\n\n")[0].replace("\n", " ")
    known, colon, purpose = said.partition(": ")
    if not colon or known.lower() != name:
        raise SystemExit(
            f"{package}/{name}/__init__.py: the docstring must begin '{name.capitalize()}: '"
        )
    return purpose[0].upper() + purpose[1:]


def picture(built: House) -> str:
    """The packages as towers on their ground floor, as SVG."""
    ground = _TITLE + max(len(built.floors[name]) for name in TOWERS) * _FLOOR
    end = ground + 8 + _TITLE + len(built.floors[GROUND]) * _ROW
    head = _HEAD.format(width=_WIDTH, height=end, description=escape(_description(built)))
    places = _places(built, ground)
    lines = [
        *_towers(built, places),
        *_ground_floors(built, ground + 8 + _TITLE),
        *(_door(places[a], places[b]) for a, b in built.doors),
    ]
    return head + "\n".join(lines) + "\n</svg>\n"


def _places(built: House, ground: int) -> dict[str, tuple[int, int]]:
    """The upper left corner of each folder of a tower."""
    return {
        f"{package}.{name}": (_MARGIN + column * (_TOWER + _GAP), ground - (below + 1) * _FLOOR)
        for column, package in enumerate(TOWERS)
        for below, name in enumerate(built.floors[package])
    }


def _towers(built: House, places: dict[str, tuple[int, int]]) -> Iterator[str]:
    for package in TOWERS:
        x, y = places[f"{package}.{built.floors[package][-1]}"]
        yield _text(x, y - 9, package, "h")
    for folder, (x, y) in places.items():
        yield _card(x, y, _TOWER, _FLOOR - 4)
        yield _text(x + 12, y + 18, folder.split(".")[1], "f")
        yield _text(x + 12, y + 35, _given(folder), "m cmd" if folder.endswith(".commands") else "m")


def _ground_floors(built: House, top: int) -> Iterator[str]:
    yield _text(_MARGIN, top - 9, GROUND, "h")
    for line, name in enumerate(reversed(built.floors[GROUND])):
        y = top + line * _ROW
        yield _card(_MARGIN, y, _WIDTH - 2 * _MARGIN, _ROW - 4)
        yield _text(_MARGIN + 12, y + 19, name, "f")
        yield _text(_WIDTH - _MARGIN - 12, y + 19, _given(f"{GROUND}.{name}"), "m e")


def _description(built: House) -> str:
    stacks = (f"{package}: {', '.join(names)}" for package, names in built.floors.items())
    return f"Folders of each package from the ground up. {'; '.join(stacks)}."


def _card(x: int, y: int, width: int, height: int) -> str:
    return f'<rect class="card" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>'


def _text(x: int, y: int, said: str, style: str) -> str:
    return f'<text class="{style}" x="{x}" y="{y}">{escape(said)}</text>'


def _given(folder: str) -> str:
    """What the folder gives, checked to be there if it is a class."""
    given = GIVES.get(folder)
    if given is None:
        raise SystemExit(f".ci/architecture.py: GIVES lacks {folder}; name what it gives")
    if given.isalnum() and not any(_classes(folder, given)):
        raise SystemExit(f".ci/architecture.py: {folder} has no class {given}; correct GIVES")
    return given


def _classes(folder: str, name: str) -> Iterator[bool]:
    for path in (ROOT / folder.replace(".", "/")).glob("*.py"):
        yield re.search(rf"^class {name}\b", path.read_text(encoding="utf-8"), re.M) is not None


def _door(above: tuple[int, int], below: tuple[int, int]) -> str:
    """From the left edge of one folder to the right edge of another, in the gap between towers."""
    middle = (_FLOOR - 4) // 2
    turn = above[0] - _GAP // 2
    return (
        f'<path class="door" d="M{above[0]} {above[1] + middle}H{turn}'
        f'V{below[1] + middle}H{below[0] + _TOWER}"/>'
    )


def page(text: str, built: House) -> str:
    """The page with its table renewed."""
    before, _, rest = text.partition(_BEGIN)
    _, found, after = rest.partition(_END)
    if not found:
        raise SystemExit(
            f"{PAGE.name}: has no lines {_BEGIN!r} and {_END!r}; the table goes between them"
        )
    return f"{before}{_BEGIN}\n{table(built)}{_END}{after}"


def main() -> None:
    """Write both."""
    built = house()
    PICTURE.write_text(picture(built), encoding="utf-8")
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), built), encoding="utf-8")


if __name__ == "__main__":
    main()
