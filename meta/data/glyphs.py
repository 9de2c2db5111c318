"""Glyphs: a few-shot data set drawn on the fly from the fonts that matplotlib ships.

A class is a letter of any script in DejaVu Sans; its drawings are that letter in several faces
under random affine and elastic distortion. Nothing is downloaded, and the same seed gives the same
pixels for the same fonts. Easier than Omniglot: for tests and demos.
"""

from __future__ import annotations

import functools
import hashlib
import unicodedata
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from meta.data.fewshot import SIZE, FewShotDataset, shuffled_split
from roa_circuit.basics import files
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.results import write_file

DRAWINGS = 20  # per class, as Omniglot
FACES = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSerif", "DejaVuSansMono")
CANVAS = 2 * SIZE  # [pixels] glyphs are distorted at twice the size
MARGIN = 8  # [pixels] of paper round an undistorted glyph
LEAST_DISTANCE = 6.0  # [pixels of ink] between two classes: Latin A and Greek Alpha are one
SHARES = {"train": 0.7, "validation": 0.05, "test": 0.25}

Images = NDArray[np.float32]
Drawings = NDArray[np.uint8]  # (classes, DRAWINGS, SIZE, SIZE), ink = 255


@functools.cache
def render_glyphs(seed: int = 0) -> FewShotDataset:
    """More than 500 classes x 20 drawings, split by class.

    Drawing takes some ten seconds; the result is kept in the user's cache if that can be written.
    """
    kept = _place(seed)
    images = _kept(kept)
    if images is None:
        images = _rendered(seed)
        with suppress(InputError):  # a folder that cannot be written costs time, no more
            write_file(kept, lambda file: np.savez_compressed(file, images=images))
    sizes = {split: round(share * len(images)) for split, share in SHARES.items()}
    sizes["train"] += len(images) - sum(sizes.values())
    return FewShotDataset(name="glyphs", images=images, classes=shuffled_split(sizes))


def _place(seed: int) -> Path:
    """The file that keeps the drawings; its name depends on this code, the fonts and the libraries."""
    import pooch

    versions = [metadata.version(name) for name in ("matplotlib", "numpy", "scipy")]
    drawn_by = "\n".join([Path(__file__).read_text(encoding="utf-8"), *versions, str(seed)])
    digest = hashlib.sha256(drawn_by.encode()).hexdigest()[:16]
    return Path(pooch.os_cache("roa-circuit"), f"glyphs-{digest}.npz")


def _kept(path: Path) -> Drawings | None:
    """The drawings of an earlier run; None if there are none, or the file is something else."""
    try:
        images: Drawings = files.arrays(path, expected="drawings", names=["images"])["images"]
    except InputError:
        return None
    return images if images.dtype == np.uint8 and images.shape[1:] == (DRAWINGS, SIZE, SIZE) else None


def _rendered(seed: int) -> Drawings:
    rng = np.random.default_rng([seed, 28])
    fonts = [_Face(name) for name in FACES]
    return np.stack([_drawings(letter, fonts, rng) for letter in _distinct_letters(fonts[0])])


class _Face:
    """A font file, rasterised one letter at a time."""

    def __init__(self, name: str) -> None:
        from matplotlib import get_data_path
        from matplotlib.ft2font import FT2Font

        self._font = FT2Font(str(Path(get_data_path(), "fonts", "ttf", f"{name}.ttf")))
        self._font.set_size(4.0 * CANVAS, 18)
        self.codes = frozenset(self._font.get_charmap())

    def raster(self, letter: str) -> Images:
        """(CANVAS, CANVAS) ink in [0, 1], scaled to fill all but the margin."""
        self._font.set_text(letter)
        self._font.draw_glyphs_to_bitmap(antialiased=True)
        image = np.asarray(self._font.get_image(), dtype=np.float32) / 255
        rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
        if not len(rows) or max(len(rows), len(columns)) < CANVAS / 3:  # blank, or a mere dot
            return np.zeros((CANVAS, CANVAS), dtype=np.float32)
        image = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        scale = (CANVAS - 2 * MARGIN) / max(image.shape)
        image = np.clip(ndimage.zoom(image, scale, order=1), 0, 1)[:CANVAS, :CANVAS]
        top, left = ((CANVAS - n) // 2 for n in image.shape)
        canvas = np.zeros((CANVAS, CANVAS), dtype=np.float32)
        canvas[top : top + image.shape[0], left : left + image.shape[1]] = image
        return canvas


def _distinct_letters(face: _Face) -> list[str]:
    """The letters of the face, without accents, each looking unlike all before it."""
    kept: list[str] = []
    seen = np.empty((0, SIZE * SIZE), dtype=np.float32)
    for code in sorted(face.codes):
        letter = chr(code)
        if unicodedata.category(letter) not in {"Lu", "Ll", "Lo"} or unicodedata.decomposition(letter):
            continue
        picture = _halve(face.raster(letter)).ravel()
        if picture.any() and (((seen - picture) ** 2).sum(1) > LEAST_DISTANCE**2).all():
            kept.append(letter)
            seen = np.vstack([seen, picture])
    return kept


def _drawings(letter: str, faces: list[_Face], rng: np.random.Generator) -> NDArray[np.uint8]:
    """(DRAWINGS, SIZE, SIZE) uint8: the letter in the faces that have it, distorted."""
    rasters = [face.raster(letter) for face in faces if ord(letter) in face.codes]
    chosen = rng.integers(len(rasters), size=DRAWINGS)
    drawings = [_halve(_distort(rasters[index], rng)) for index in chosen]
    return np.rint(255 * np.stack(drawings)).astype(np.uint8)


def _distort(image: Images, rng: np.random.Generator) -> Images:
    """Random rotation, shear, scale and shift, then smooth elastic displacement."""
    angle, shear = rng.uniform(-0.3, 0.3), rng.uniform(-0.3, 0.3)
    scale = rng.uniform(0.9, 1.25, size=2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.array([[1.0, shear], [0.0, 1.0]]) @ np.diag(scale)
    grid = np.stack(np.meshgrid(*(2 * [np.arange(CANVAS) - (CANVAS - 1) / 2]), indexing="ij"))
    source = np.tensordot(matrix, grid, axes=1) + rng.uniform(-3, 3, size=(2, 1, 1))
    bend = ndimage.gaussian_filter(rng.standard_normal((2, CANVAS, CANVAS)), (0, 5, 5))
    source = source + 1.6 * bend / bend.std() + (CANVAS - 1) / 2
    distorted: Images = ndimage.map_coordinates(image, source, order=1, mode="constant")
    return distorted


def _halve(image: Images) -> Images:
    return np.asarray(image.reshape(SIZE, 2, SIZE, 2).mean(axis=(1, 3)))
