"""Data sets of picture files: a class for each folder, or mini-ImageNet with its lists.

Pixels keep the values of their files, 0 to 255; 16 bits are brought to 8, what is transparent is
white, and sizes are made equal.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
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
    "{data}: dark drawings on light paper; shipped networks know light ink on black, and lose some 27"
    " points here: invert the pictures (ImageMagick: mogrify -negate), or train on them as they are"
)

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
    return _dataset("folder", data, splits, turns=True)


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
    found = {}
    for inside in sorted(path for path in folder.iterdir() if path.is_dir()):
        pictures = sorted(path for path in inside.iterdir() if path.suffix.lower() in PICTURES)
        if pictures:
            found[inside.name] = pictures
    return found


def _sizes(count: int) -> dict[str, int]:
    """The number of classes of each split: at least one, and the rest for training."""
    small = {name: max(1, round(SHARES[name] * count)) for name in ("validation", "test")}
    return {"train": max(0, count - sum(small.values())), **small}


def _dataset(
    name: str, data: Path, splits: Mapping[str, Classes], *, turns: bool, colour: bool | None = None
) -> FewShotDataset:
    lists = [pictures for classes in splits.values() for pictures in classes.values()]
    drawings = min(len(pictures) for pictures in lists)
    if drawings < 2:
        raise InputError(f"{data}: a class has {drawings} picture; a support and a query image need two")
    chosen = [picture for pictures in lists for picture in pictures[:drawings]]
    size = COLOUR_SIZE
    if colour is None:
        coloured = [_is_colour(path) for path in chosen]
        colour = any(coloured)
        size = _own_size(chosen) if colour else SIZE
    with ThreadPoolExecutor() as threads:
        pixels = list(threads.map(lambda path: _picture(path, colour, size), chosen))
    images = np.stack(pixels).reshape(len(lists), drawings, *pixels[0].shape)
    ends = np.cumsum([len(classes) for classes in splits.values()])
    starts = ends - [len(classes) for classes in splits.values()]
    remarks = [DARK_ON_LIGHT] if not colour and _edges(images) > PAPER else []
    unused = sum(map(len, lists)) - len(chosen)
    if unused:
        remarks.append(f"{{data}}: {unused} pictures unused; each class gives the smallest's {drawings}")
    return FewShotDataset(
        name=name,
        remarks=(*(text.format(data=data) for text in remarks), *_shared(data, images, splits)),
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


def _own_size(pictures: Sequence[Path]) -> int:
    """The one size of small square pictures, which scaling would make nothing better of."""
    sizes = set()
    for path in pictures:
        with opened(path) as image:
            sizes.add(image.size)
        width, height = image.size
        if len(sizes) > 1 or width != height or not SMALLEST <= width < COLOUR_SIZE:
            return COLOUR_SIZE
    return width


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
