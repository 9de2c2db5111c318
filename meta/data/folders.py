"""Data sets of picture files: a class for each folder, or mini-ImageNet with its lists.

Pixels keep the values of their files, 0 to 255; 16 bits are brought to 8, what is transparent is
white, and sizes are made equal.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from meta.data.fewshot import SIZE, FewShotDataset, shuffled_split
from meta.data.pictures import opened
from roa_circuit.basics import files
from roa_circuit.basics.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm", ".pbm"}
COLOUR_SIZE = 84  # [pixels], as the paper scales mini-ImageNet
SMALLEST = 16  # [pixels] that four blocks can halve
SHARES = {"train": 0.64, "validation": 0.16, "test": 0.2}
"""Of the classes, where the folder itself has no `train`, `validation` and `test`."""
PAPER = 128  # what is lighter, at the edges of most pictures, is paper and not ink
GREY = {"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L"}
SPLIT_FILES = {"train": "train.csv", "validation": "val.csv", "test": "test.csv"}

DARK_ON_LIGHT = (
    "dark drawings on light paper; a network that learned light ink on black, as those of Omniglot"
    " did, loses some 27 points here: invert the pictures (ImageMagick: mogrify -negate), or use one"
    " that was trained on them as they are"
)
DARK = 64  # of 255: no pixel of pictures that use the range of their format stays below
DARKER = (
    "the largest pixel is {share:.2g} % of what the format holds, as of 12 bits saved in 16, and"
    " networks know pictures that use all of it: stretch them alike (ImageMagick: mogrify -level"
    " 0,{share:.2g}%)"
)
UNUSED = (
    "{count} pictures unused; each class gives {drawings}, as many as the smallest, {label} of {split}:"
    " leave it out, or give it more"
)

SCALED = (
    "pictures of {least} to {most} pixels are scaled to {size} x {size}, and a network trained on them"
    " takes that; pictures of one square size below it keep theirs (ImageMagick, for 32 x 32: mogrify"
    " -resize 32x32!)"
)
EMPTY = "{names}: no pictures there, and so no class"

Classes = Mapping[str, Sequence[Path]]


def load_folder(data: Path) -> FewShotDataset:
    """A class per folder of pictures. Grey ones are scaled to 28 x 28 pixels, colour to 84 x 84, unless
    all are square and of one smaller size.

    Folders may lie in `train`, `validation` and `test`; otherwise their classes are shuffled once
    into 64 / 16 / 20 %. Every class gives as many pictures as the smallest one, in order of name.

    Raises
    ------
    InputError : no such folder, too few classes or pictures, or a file that is no picture.
    """
    if not data.is_dir():
        raise InputError(f"{data}: no such folder; --data must name one that holds a folder per class")
    splits = {name: _class_folders(data / name) for name in SHARES if (data / name).is_dir()}
    empty = _empty([data / name for name in splits] or [data])
    if not splits:
        classes = _class_folders(data)
        if len(classes) < len(SHARES):
            raise InputError(f"{data}: has {len(classes)} folders with pictures, a class each; needs 3")
        order = shuffled_split(_sizes(len(classes)))
        names = list(classes)
        splits = {split: {names[i]: classes[names[i]] for i in which} for split, which in order.items()}
    if splits.keys() != SHARES.keys() or not all(splits.values()):
        raise InputError(
            f"{data}: needs folders of classes in each of train, validation and test, or in none"
        )
    found = _dataset("folder", data, splits, turns=True)
    return replace(found, remarks=(*empty, *found.remarks))


def load_miniimagenet(data: Path) -> FewShotDataset:
    """mini-ImageNet from its pictures and Ravi and Larochelle's lists, 84 x 84 in colour.

    The folder holds `train.csv`, `val.csv` and `test.csv` (filename,label) and the pictures, beside
    the lists or in `images`.

    Raises
    ------
    InputError : a list or a picture is missing.
    """
    folder = data / "images" if (data / "images").is_dir() else data
    splits = {split: _listed(data / name, folder) for split, name in SPLIT_FILES.items()}
    return _dataset("miniimagenet", data, splits, turns=False, colour=True)


def _listed(path: Path, pictures: Path) -> Classes:
    """The pictures of each label in one list."""
    classes: dict[str, list[Path]] = {}
    try:
        for row in csv.DictReader(io.StringIO(files.text(path, expected="a list of filename,label"))):
            classes.setdefault(row["label"], []).append(pictures / row["filename"])
    except (KeyError, TypeError, csv.Error) as error:
        raise InputError(f"{path}: not a readable list of filename,label: {error}") from None
    return classes


def _class_folders(folder: Path) -> Classes:
    return {inside.name: pictures for inside, pictures in _inside(folder) if pictures}


def _empty(folders: Sequence[Path]) -> list[str]:
    """A line on folders of classes without any picture; none if there is none."""
    every = [item for folder in folders for item in _inside(folder)]
    found = [str(one) for one, pictures in every if not (pictures or one.name.startswith("."))]
    if not found:
        return []
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return [EMPTY.format(names=", ".join(found[:_NAMED]) + more)]


_NAMED = 3


def _inside(folder: Path) -> Iterator[tuple[Path, list[Path]]]:
    """(folder, its pictures) of every folder in a folder, by name."""
    for inside in sorted(path for path in folder.iterdir() if path.is_dir()):
        yield inside, sorted(path for path in inside.iterdir() if path.suffix.lower() in PICTURES)


def _sizes(count: int) -> dict[str, int]:
    """The number of classes of each split: at least one, and the rest for training."""
    small = {name: max(1, round(SHARES[name] * count)) for name in ("validation", "test")}
    return {"train": max(0, count - sum(small.values())), **small}


def _dataset(
    name: str, data: Path, splits: Mapping[str, Classes], *, turns: bool, colour: bool | None = None
) -> FewShotDataset:
    named = {(split, label): files for split, own in splits.items() for label, files in own.items()}
    lists, fewest = list(named.values()), min(named, key=lambda key: len(named[key]))
    drawings = len(named[fewest])
    if drawings < 2:
        raise InputError(
            f"{data}: class {fewest[1]} has {drawings} picture; a support and a query image need two"
        )
    chosen = [picture for pictures in lists for picture in pictures[:drawings]]
    size, scaled = COLOUR_SIZE, ""
    if colour is None:
        coloured = [_is_colour(path) for path in chosen]
        colour = any(coloured)
        size, scaled = _own_size(chosen) if colour else (SIZE, "")
    with ThreadPoolExecutor() as threads:
        pixels = list(threads.map(lambda path: _picture(path, colour, size), chosen))
    images = np.stack(pixels).reshape(len(lists), drawings, *pixels[0].shape)
    ends = np.cumsum([len(classes) for classes in splits.values()])
    starts = ends - [len(classes) for classes in splits.values()]
    remarks = [DARK_ON_LIGHT] if not colour and _edges(images) > PAPER else []
    remarks += [DARKER.format(share=images.max() / 2.55)] if 0 < images.max() < DARK else []
    remarks += [scaled] if scaled else []
    unused = sum(map(len, lists)) - len(chosen)
    if unused:
        remarks.append(UNUSED.format(count=unused, drawings=drawings, split=fewest[0], label=fewest[1]))
    return FewShotDataset(
        name=name,
        remarks=(*(f"{data}: {text}" for text in remarks), *_shared(data, images, splits)),
        images=images,
        classes={s: np.arange(a, b) for s, a, b in zip(splits, starts, ends, strict=True)},
        turns=turns and not colour,
    )


def _shared(data: Path, images: NDArray[np.uint8], splits: Mapping[str, Classes]) -> list[str]:
    """A line on test classes with a picture that another split has, too; none if there is none."""
    names = [(split, name) for split, classes in splits.items() for name in classes]
    seen = {
        picture.tobytes()
        for (split, _), pictures in zip(names, images, strict=True)
        for picture in pictures
        if split != "test"
    }
    met = [
        name
        for (split, name), pictures in zip(names, images, strict=True)
        if split == "test" and any(picture.tobytes() in seen for picture in pictures)
    ]
    if not met:
        return []
    return [
        f"{data}: {len(met)} of the test classes, {met[0]} first, have pictures that train or validation"
        " have, too: test accuracies are then not those of new classes"
    ]


def _is_colour(path: Path) -> bool:
    with opened(path) as image:
        return image.mode not in GREY and not (image.mode == "P" and _is_grey(image))


def _is_grey(image: Image.Image) -> bool:
    """Whether every colour of a palette is grey, as GIF has drawings in ink."""
    seen = np.asarray(image.convert("RGB"))
    return bool((seen == seen[..., :1]).all())


def _edges(images: NDArray[np.uint8]) -> float:
    """The median brightness of the outermost pixels of grey pictures (classes, drawings, size, size)."""
    sides = (images[..., 0, :], images[..., -1, :], images[..., :, 0], images[..., :, -1])
    return float(np.median(np.stack(sides)))


def _own_size(pictures: Sequence[Path]) -> tuple[int, str]:
    """(the one size of small square pictures, which scaling would make nothing better of, or the usual
    one; a line on it where pictures are made larger)."""
    sizes = set()
    for path in pictures:
        with opened(path) as image:
            sizes.add(image.size)
        width, height = image.size
        if max(width, height) >= COLOUR_SIZE:
            return COLOUR_SIZE, ""
    if len(sizes) == 1 and width == height and width >= SMALLEST:
        return width, ""
    least, most = (f"{one[0]} x {one[1]}" for one in (min(sizes), max(sizes)))
    return COLOUR_SIZE, SCALED.format(least=least, most=most, size=COLOUR_SIZE)


def _picture(path: Path, colour: bool, size: int) -> NDArray[np.uint8]:
    """(size, size) grey or (size, size, 3) uint8."""
    from PIL import Image

    with opened(path) as image:
        if image.mode == "F":
            raise InputError(
                f"{path}: pixels are real numbers of an unknown range; save it in 8 or 16 bits"
            )
        plain = _opaque(_in_8_bits(image)).convert("RGB" if colour else "L")
        return np.asarray(plain.resize((size, size), Image.Resampling.BOX), dtype=np.uint8)


def _in_8_bits(image: Image.Image) -> Image.Image:
    """The picture with a byte a pixel and channel; 16 bits keep their upper half."""
    from PIL import Image

    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image, dtype=np.int64)
    values = values // 257 if values.max(initial=0) > 255 or image.mode != "I" else values
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def _opaque(image: Image.Image) -> Image.Image:
    """The picture on white paper, where it is transparent."""
    from PIL import Image

    if not (image.mode in {"LA", "La", "PA", "RGBA", "RGBa"} or "transparency" in image.info):
        return image
    over = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", over.size, "white"), over)
