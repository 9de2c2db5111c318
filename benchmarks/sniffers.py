"""Which guesser takes tables apart: ours, csv.Sniffer for separators, charset-normalizer for encodings.

python benchmarks/sniffers.py FOLDER ...

Every CSV, TSV and text file of the folders is read as it is, and again as spreadsheets of other
countries and programs save it. Right is a guess that parts the last row where its separator stands,
or gives every character back.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Callable
from pathlib import Path

from charset_normalizer import from_bytes

from fitting.readers.conventions import Conventions
from fitting.readers.files.easyexpert import is_export
from fitting.readers.files.text import decoded, plain_lines, table_lines
from fitting.readers.tables import titles_known

SAMPLE = 8192  # characters for csv.Sniffer, more than its own documentation takes
means = titles_known(Conventions())
CODES = ("utf-8", "utf-8-sig", "utf-16", "cp1252")
REMARK = "# conductance in µS, read at 25 °C ± 1 K\n"

Guess = Callable[[str, str], list[str]]


def own(text: str, last: str) -> list[str]:
    """The cells that our reader finds in the last row."""
    keys = [line.split(",", 1)[0].strip().strip('"') for line in text.splitlines()]
    lines = plain_lines(text, "table") if is_export(keys) else table_lines(text, "table", means)[0]
    return [cell.replace(",", ".") for cell in lines[-1][1]]


def sniffed(text: str, last: str) -> list[str]:
    """Those that csv finds, with the dialect that its sniffer guesses among our separators."""
    dialect = csv.Sniffer().sniff(text[:SAMPLE], delimiters=",;\t ")
    return [cell.strip().replace(",", ".") for cell in next(csv.reader([last], dialect))]


def last_row(text: str, marks: str) -> str:
    """The last line that holds more than separators."""
    return [line for line in text.splitlines() if line.strip(f"{marks} ")][-1]


def separator_of(text: str) -> str:
    """What really parts the cells: what the last row has most of."""
    return max(",\t;", key=last_row(text, ",\t;").count)


def written(text: str, mark: str) -> dict[str, tuple[str, str]]:
    """(text, separator) of the table as it is, and as others save it."""
    if mark != ",":
        return {"as handed": (text, mark)}
    comma = re.sub(r"(?<=\d)\.(?=\d)", "\0", text)
    return {
        "as handed": (text, mark),
        "tabs": (text.replace(",", "\t"), "\t"),
        "semicolons, decimal commas": (comma.replace(",", ";").replace("\0", ","), ";"),
        "tabs, decimal commas": (comma.replace(",", "\t").replace("\0", ","), "\t"),
    }


def is_right(guess: Guess, text: str, mark: str) -> bool:
    """Whether the last row comes apart at its separators."""
    last = last_row(text, mark)
    expected = [cell.strip().strip('"').replace(",", ".") for cell in last.split(mark)]
    try:
        return guess(text, last) == expected
    except Exception:  # a refusal is no right guess, whatever it is called
        return False


def main(folders: list[Path]) -> None:
    """Count what each guesser gets right."""
    paths = sorted(p for f in folders for p in f.rglob("*") if p.suffix in (".csv", ".tsv", ".txt"))
    counts: dict[str, list[int]] = {}
    for path in paths:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
        for name, (saved, mark) in written(text, separator_of(text)).items():
            row = counts.setdefault(name, [0, 0, 0])
            ours, theirs = is_right(own, saved, mark), is_right(sniffed, saved, mark)
            row[:] = [row[0] + ours, row[1] + theirs, row[2] + 1]
            if not ours:
                print(f"ours wrong: {path.name}, {name}")
        for code in CODES:
            row = counts.setdefault(code, [0, 0, 0])
            content = (REMARK + text).encode(code)
            best = from_bytes(content).best()
            row[0] += decoded(content, path) == REMARK + text
            row[1] += best is not None and str(best).lstrip("\ufeff") == REMARK + text
            row[2] += 1
    print(f"{'':28} ours  theirs  files")
    for name, (ours, theirs, files) in counts.items():
        print(f"{name:28} {ours:4} {theirs:7} {files:6}")


if __name__ == "__main__":
    main([Path(word) for word in sys.argv[1:]])
