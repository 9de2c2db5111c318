"""MAT 5.0 files: whether their elements are ones that the format has, before scipy reads them.

scipy looks up the type of an element in a table without asking how long that is, and ends the process
where a damaged file names another. The format: MathWorks, *MAT-File Format*, chapter 1.
"""

from __future__ import annotations

import struct
import zlib

_HEADER, _TAG = 128, 8  # bytes
_INT32, _UINT32, _MATRIX, _COMPRESSED = 5, 6, 14, 15
_NUMERIC = {*range(1, 8), 9, 12, 13}
_KNOWN = {*_NUMERIC, *range(14, 19)}
_CELL, _STRUCTURE, _OBJECT, _TEXT, _SPARSE, _FUNCTION, _OPAQUE = 1, 2, 3, 4, 5, 16, 17
_COMPLEX = 0x800
_DEEPEST = 64  # cells within structures
_MOST = 1 << 30  # bytes of a variable


def check(content: bytes) -> None:
    """Raise ValueError where an element has a type that cannot stand there, or ends behind the file."""
    order = "<" if content[126:128] == b"IM" else ">"
    _check_elements(content, _HEADER, len(content), order, 0)


def _check_elements(content: bytes, at: int, end: int, order: str, depth: int) -> list[int]:
    """The types of the elements from one byte to another, and a check of those within them."""
    if depth > _DEEPEST:
        raise ValueError("cells lie too deep within one another")
    kinds = []
    while at < end:
        if end - at < _TAG:
            raise ValueError("ends within an element")
        kind, size = struct.unpack_from(order + "II", content, at)
        small = kind >> 16  # of an element whose content lies in its tag
        if small:
            kind, size = kind & 0xFFFF, 0
        if kind not in _KNOWN or small > _TAG // 2:
            raise ValueError(f"an element of unknown type {kind}")
        begin = at + _TAG
        if begin + size > end:
            raise ValueError("ends within an element")
        if kind == _MATRIX and size:
            _check_matrix(content, begin, begin + size, order, depth + 1)
        elif kind == _COMPRESSED:
            inside = zlib.decompressobj().decompress(content[begin : begin + size], _MOST)
            _check_elements(inside, 0, len(inside), order, depth + 1)
        kinds.append(kind)
        at = begin + (size if kind == _COMPRESSED else -(-size // _TAG) * _TAG)
    return kinds


def _check_matrix(content: bytes, at: int, end: int, order: str, depth: int) -> None:
    """A variable: its flags, dimensions and name, and then what its class asks for."""
    kinds = _check_elements(content, at, end, order, depth)
    flags = struct.unpack_from(order + "I", content, at + _TAG)[0] if end - at >= 2 * _TAG else 0
    kind, parts = flags & 0xFF, 1 + bool(flags & _COMPLEX)
    if kind in (_FUNCTION, _OPAQUE):
        return
    data = kinds[3:]
    if kinds[:1] != [_UINT32] or not set(kinds[1:2]) <= {_INT32, _UINT32} or kind not in range(1, 16):
        raise ValueError(f"a variable of unknown class {kind}")
    if kind in (_CELL, _STRUCTURE, _OBJECT):
        first = {_CELL: 0, _STRUCTURE: 2, _OBJECT: 3}[kind]
        fits = set(data[first:]) <= {_MATRIX} and set(data[:first]) <= _NUMERIC
    elif kind == _TEXT:
        fits = data[:1] != [_MATRIX] and _COMPRESSED not in data
    else:
        parts += 2 if kind == _SPARSE else 0
        fits = len(data) >= parts and set(data) <= _NUMERIC
    if not fits:
        raise ValueError(f"a variable of class {kind} without its content")
