"""Omniglot (Lake et al. 2011): 1623 handwritten characters, downloaded or from a local copy."""

from __future__ import annotations

import hashlib
import io
import math
import zipfile
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from meta.data import pictures
from meta.data.fewshot import SIZE, FewShotDataset, shuffled_split
from roa_circuit.basics import files
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.results import write_bytes

if TYPE_CHECKING:
    from PIL import Image

OMNIGLOT_URL = "https://raw.githubusercontent.com/brendenlake/omniglot/master/python/"
OMNIGLOT_ARCHIVES = {
    "images_background.zip": "68d2efa1b9178cc56df9314c21c6e718",
    "images_evaluation.zip": "6b91aef0f799c5bb55b94e3f2daec811",
}
_SIZE = 105  # [pixels] of the original drawings
_LARGEST_DRAWING = 1 << 20  # bytes
OMNIGLOT_CLASSES = {"train": 1150, "validation": 50, "test": 423}


class DownloadProgress(Protocol):
    """The protocol of what a download reports to."""

    total: int

    def update(self, count: int) -> None:
        """`count` more bytes have arrived."""

    def reset(self) -> None:
        """Start over."""

    def close(self) -> None:
        """The download is complete."""


def load_omniglot(
    data: Path | None = None, *, progress: DownloadProgress | None = None
) -> FewShotDataset:
    """Omniglot (Lake et al. 2011), 1623 characters x 20 drawings, at 28 x 28.

    `data` is a folder with the two official archives or their unpacked folders, or a packed
    .npz of all drawings; without it the archives are downloaded and cached, checksums tested.
    Classes are shuffled once, with a fixed seed, into 1150 / 50 / 423 (the paper's sizes).
    """
    drawings = _packed_omniglot(data) if data is not None else _downloaded_omniglot(progress)
    expected = sum(OMNIGLOT_CLASSES.values())
    if len(drawings) != expected:
        raise InputError(f"{data}: {len(drawings)} characters found, Omniglot has {expected}")
    images = _shrink(drawings)
    return FewShotDataset(name="omniglot", images=images, classes=shuffled_split(OMNIGLOT_CLASSES))


def _packed_omniglot(data: Path) -> NDArray[np.uint8]:
    """(classes, 20, 105, 105) uint8 of 0 and 1 from a local copy."""
    if data.is_dir():
        packed = sorted(data.glob("omniglot*.npz"))
        return _unpack_npz(packed[0]) if packed else _read_folder(data)
    if not data.exists():
        raise InputError(f"{data}: no such file or folder; leave --data out to download Omniglot")
    if data.suffix == ".zip":
        return _read_folder(data.parent)
    return _unpack_npz(data)


def _unpack_npz(path: Path) -> NDArray[np.uint8]:
    found = files.arrays(path, expected="a packed Omniglot file (.npz)", names=("packed", "names"))
    packed, names = found["packed"], found["names"]
    wanted = (len(names) if names.ndim else 0, 20, -(-_SIZE * _SIZE // 8))
    if packed.dtype != np.uint8 or packed.size != math.prod(wanted) or names.dtype.kind not in "US":
        raise InputError(
            f"{path}: damaged: packed must be {wanted} bytes for {wanted[0]} names, and is"
            f" {packed.dtype} {packed.shape}"
        )
    bits = np.unpackbits(packed.reshape(wanted), axis=-1, count=_SIZE * _SIZE)
    return bits.reshape(-1, 20, _SIZE, _SIZE)[np.argsort(names)]


def _downloaded_omniglot(progress: DownloadProgress | None) -> NDArray[np.uint8]:
    import pooch

    folder = Path(pooch.os_cache("roa-circuit")) / "omniglot"
    fetch = pooch.HTTPDownloader(progressbar=progress or False)
    for archive, checksum in OMNIGLOT_ARCHIVES.items():
        path, content = folder / archive, io.BytesIO()
        try:
            if path.is_file() and _md5(path.read_bytes()) == checksum:
                continue
            fetch(OMNIGLOT_URL + archive, content, None)
            if (found := _md5(content.getvalue())) != checksum:
                raise ValueError(f"{archive} has the MD5 sum {found}, and should have {checksum}")
            write_bytes(path, content.getvalue())  # nothing of it is there before, however this ends
        except (OSError, ValueError) as error:
            raise InputError(
                f"Omniglot could not be downloaded to {folder}: {error}; pass a local copy with --data"
            ) from None
    return _read_folder(folder)


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _read_folder(folder: Path) -> NDArray[np.uint8]:
    """The official archives, zipped or unpacked, as (classes, 20, 105, 105), sorted by name."""
    names = [(name, name.removesuffix(".zip")) for name in OMNIGLOT_ARCHIVES]
    if not any((folder / name).exists() for pair in names for name in pair):
        raise InputError(
            f"{folder}: Omniglot's archives are not there ({' and '.join(OMNIGLOT_ARCHIVES)}, or what"
            " they unpack to); for pictures of your own add --dataset folder"
        )
    characters: dict[str, list[NDArray[np.uint8]]] = {}
    for archive in OMNIGLOT_ARCHIVES:
        for name, drawing in _drawings(folder, archive):
            characters.setdefault(name, []).append(drawing)
    damaged = [name for name, drawings in characters.items() if len(drawings) != 20]
    if damaged:
        raise InputError(f"{folder}: {damaged[0]} has {len(characters[damaged[0]])} drawings, not 20")
    if not characters:
        raise InputError(f"{folder}: the archives of Omniglot are there, but without drawings")
    return np.stack([np.stack(characters[name]) for name in sorted(characters)])


def _drawings(folder: Path, archive: str) -> list[tuple[str, NDArray[np.uint8]]]:
    unpacked = folder / archive.removesuffix(".zip")
    if unpacked.is_dir():
        found = sorted(unpacked.glob("*/*/*.png"))
        return [("/".join(f.parts[-3:-1]), _ink(f, pictures.opened(f))) for f in found]
    try:
        with files.opened(folder / archive) as file, zipfile.ZipFile(file) as content:
            return [_member(content, one) for one in _pictures(content)]
    except InputError:
        raise
    except Exception as error:  # zipfile and zlib raise whatever they meet in damaged files
        raise InputError(f"{folder / archive}: not a readable archive ({error})") from None


def _pictures(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The drawings in an archive, by name; one unpacks to a few hundred bytes.

    Raises
    ------
    InputError : one is too large to be a drawing.
    """
    named = {one.filename: one for one in archive.infolist()}
    found = [one for n, one in sorted(named.items()) if n.endswith(".png") and "__MACOSX" not in n]
    for one in found:
        if one.file_size > _LARGEST_DRAWING:
            raise InputError(f"{archive.filename}: {one.filename} has {one.file_size} bytes")
    return found


def _member(archive: zipfile.ZipFile, one: zipfile.ZipInfo) -> tuple[str, NDArray[np.uint8]]:
    name = one.filename
    opened = pictures.decoded(io.BytesIO(archive.read(one)), name)
    return "/".join(name.split("/")[-3:-1]), _ink(name, opened)


def _ink(name: object, opened: AbstractContextManager[Image.Image]) -> NDArray[np.uint8]:
    """(105, 105) of 0 and 1: where the drawing is dark."""
    with opened as image:
        if image.size != (_SIZE, _SIZE):
            raise InputError(f"{name}: {image.size} pixels; drawings of Omniglot have {_SIZE} x {_SIZE}")
        return (np.asarray(image.convert("L")) < 128).astype(np.uint8)


def _shrink(drawings: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Area average of (classes, drawings, 105, 105) ink to 28 x 28, 0 to 255."""
    weights = _area_weights(drawings.shape[-1], SIZE)
    shrunk = np.empty((*drawings.shape[:2], SIZE, SIZE), dtype=np.uint8)
    for index, character in enumerate(drawings):
        shrunk[index] = np.rint(255 * (weights @ character.astype(np.float32) @ weights.T))
    return shrunk


def _area_weights(size: int, smaller: int) -> NDArray[np.float32]:
    """(smaller, size): the share of each old pixel in each new one, rows summing to 1."""
    edges = np.linspace(0, size, smaller + 1)
    pixel = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    share: NDArray[np.float64] = np.clip(overlap, 0, None) * smaller / size
    return share.astype(np.float32)
