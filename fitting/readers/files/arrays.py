"""Arrays: MATLAB (.mat), HDF5 and numpy (.npy, .npz) files as lines of cells, a variable a column."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitting.readers.files import mat5
from fitting.readers.files.preamble import Line
from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.basics.units import counted

_HDF5 = b"\x89HDF\r\n\x1a\n"
_MATLAB = b"MATLAB 5.0 MAT-file"
_MATLAB_HDF5 = b"MATLAB 7.3 MAT-file"
_NUMPY, _ZIP = b"\x93NUMPY", b"PK"
_MOST_CELLS = 10_000_000
_DEEPEST = 8  # structures within structures

Array = NDArray[Any]


def is_arrays(content: bytes) -> bool:
    """Whether a file's bytes are those of arrays."""
    starts = (_HDF5, _MATLAB, _MATLAB_HDF5, _NUMPY)
    return content.startswith(starts) or (content[:2] == _ZIP and b".npy" in content[:300])


def array_lines(content: bytes, source: str, chosen: str | None) -> tuple[list[Line], tuple[str, ...]]:
    """(the lines of the variables that are as long as each other, the names of the others).

    `chosen` names one variable, or the group that holds those to read. A matrix alone has no titles.

    Raises
    ------
    InputError : damaged, nothing numeric, variables that make no one table, or h5py is missing.
    """
    try:
        found = dict(_variables(content, source))
    except InputError:
        raise
    except ImportError:
        raise InputError(f"{source}: is an HDF5 file, which needs h5py: pip install "
                         "'roa-circuit[hdf5]', or save the table as CSV") from None  # fmt: skip
    except Exception as error:  # their parsers raise whatever they meet in a damaged file
        said = " ".join(str(error).split())[:80] or type(error).__name__
        raise InputError(f"{source}: is not a readable file of arrays ({said}); "
                         "save the table as CSV") from None  # fmt: skip
    if chosen is not None:
        inside = {
            n: a for n, a in found.items() if n == chosen or n.startswith((chosen + "/", chosen + "."))
        }
        if not inside:
            groups = {n.rpartition(s)[0] for n in found for s in "/." if s in n}
            raise InputError(
                f"{source}: has no variable {chosen!r}; {nearest(chosen, {*found, *groups})}"
            )
        left = [name for name in found if name not in inside]
        found = {name[len(chosen) :].lstrip("/.") or name: array for name, array in inside.items()}
    else:
        left = []
    return _table(found, source, left)


def _table(
    found: Mapping[str, Array], source: str, left: list[str]
) -> tuple[list[Line], tuple[str, ...]]:
    arrays = {name: np.atleast_1d(np.squeeze(array)) for name, array in found.items()}
    scalars = [name for name, array in arrays.items() if array.size == 1]
    arrays = {name: array for name, array in arrays.items() if array.size > 1}
    if not arrays:
        raise InputError(f"{source}: holds no array of numbers; save the table as CSV")
    names = ", ".join(f"{name} {'x'.join(map(str, array.shape))}" for name, array in arrays.items())
    if (
        any(array.ndim > 2 for array in arrays.values())
        or len({a.shape[0] for a in arrays.values()}) > 1
    ):
        raise InputError(f"{source}: its variables make no one table ({names[:300]}); "
                         "--sheet NAME reads one of them, or one group")  # fmt: skip
    columns = [
        (name if array.ndim == 1 else f"{name} {place + 1}", column)
        for name, array in arrays.items()
        for place, column in enumerate(np.atleast_2d(array.T))
    ]
    if sum(column.size for _, column in columns) > _MOST_CELLS:
        raise InputError(f"{source}: holds more than {_MOST_CELLS} numbers; save the table as CSV")
    groups = {name.rpartition("/")[0] or name.rpartition(".")[0] for name in arrays}
    if len(groups) == 1:
        prefix = len(groups.pop())
        columns = [(name[prefix:].lstrip("/."), column) for name, column in columns]
    bare = len(arrays) == 1 and next(iter(arrays.values())).ndim == 2
    titles: list[Line] = [] if bare else [(1, [name for name, _ in columns])]
    rows = zip(*(map(_cell, column.tolist()) for _, column in columns), strict=True)
    lines = [(number, list(row)) for number, row in enumerate(rows, start=1 + len(titles))]
    said = [f"variable {name!r}" for name in (*left, *scalars)]
    if len(said) > 8:
        said = [*said[:7], counted(len(said) - 7, "more variable")]
    return titles + lines, tuple(said)


def _cell(value: Any) -> str:
    return str(value).strip() if isinstance(value, str) else format(value, ".17g")


def _variables(content: bytes, source: str) -> Iterator[tuple[str, Array]]:
    """(name, array) of everything numeric; the name carries the unit that an attribute has."""
    if content.startswith(_NUMPY):
        yield "array", _numeric(np.load(io.BytesIO(content), allow_pickle=False))
    elif content[:2] == _ZIP:
        with np.load(io.BytesIO(content), allow_pickle=False) as members:
            yield from ((name, members[name]) for name in members.files if _is_numeric(members[name]))
    elif content.startswith(_MATLAB):
        import scipy.io

        mat5.check(content)
        held = scipy.io.loadmat(io.BytesIO(content), struct_as_record=True, squeeze_me=True)
        for name, value in held.items():
            if not name.startswith("__"):
                yield from _fields(name, value, 0)
    else:
        import h5py

        with h5py.File(io.BytesIO(content), "r") as file:
            yield from _datasets(file, source, matlab=content.startswith(_MATLAB_HDF5))


def _datasets(file: Any, source: str, *, matlab: bool) -> list[tuple[str, Array]]:
    found: list[tuple[str, Array]] = []

    def visit(name: str, item: Any) -> None:
        hidden = name.startswith("#") or "/#" in name  # MATLAB's own
        if hidden or not hasattr(item, "shape") or item.dtype.kind not in "biufV":
            return
        if item.size > _MOST_CELLS:
            raise InputError(f"{source}: {name!r} holds more than {_MOST_CELLS} numbers; --sheet NAME")
        value = item[()]
        if item.dtype.names:
            found.extend(
                (f"{name}/{part}", value[part]) for part in item.dtype.names if _is_numeric(value[part])
            )
            return
        unit = next(
            (item.attrs[key] for key in ("units", "unit", "Units", "Unit") if key in item.attrs), ""
        )
        unit = unit.decode() if isinstance(unit, bytes) else unit
        titled = f"{name} [{unit}]" if isinstance(unit, str) and unit.strip() else name
        found.append((titled, value.T if matlab else value))

    file.visititems(visit)
    return found


def _fields(name: str, value: Any, depth: int) -> Iterator[tuple[str, Array]]:
    """A MATLAB variable, or the fields of a structure."""
    if depth > _DEEPEST:
        return
    array = np.asarray(value)
    if array.dtype.names:
        for part in array.dtype.names:
            yield from _fields(
                f"{name}.{part}", array[part].item() if array.ndim == 0 else array[part], depth + 1
            )
    elif _is_numeric(array):
        yield name, array


def _numeric(array: Array) -> Array:
    if not _is_numeric(array):
        raise InputError("holds no numbers")
    return array


def _is_numeric(array: Any) -> bool:
    return np.asarray(array).dtype.kind in "biuf"
