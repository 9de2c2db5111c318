"""The data sets by name."""

from __future__ import annotations

import functools
from pathlib import Path

from meta.data.fewshot import FewShotDataset
from meta.data.omniglot import DownloadProgress, load_omniglot
from roa_circuit.basics.errors import InputError, nearest

DATASETS = ("omniglot", "glyphs", "miniimagenet", "folder")

SHAPES = {"omniglot": (1, 28, 28), "glyphs": (1, 28, 28), "miniimagenet": (3, 84, 84)}
"""(channels, rows, columns) of the images that are known before they are loaded."""


def load_dataset(
    name: str, data: Path | None = None, *, progress: DownloadProgress | None = None
) -> FewShotDataset:
    """A data set of DATASETS; `data` is a local copy (a file or a folder).

    Raises
    ------
    InputError : unknown name, or the copy is missing or unusable.
    """
    if name == "omniglot":
        return load_omniglot(data, progress=progress)
    if name == "glyphs":
        from meta.data.glyphs import render_glyphs

        if data is not None:
            raise InputError("glyphs are drawn from installed fonts; leave --data out")
        return render_glyphs()
    if name in {"miniimagenet", "folder"}:
        from meta.data.folders import load_folder, load_miniimagenet

        if data is None:
            raise InputError(f"{name} is not downloaded; pass your own copy with --data")
        return load_folder(data) if name == "folder" else load_miniimagenet(data)
    raise InputError(f"data set {name!r} is unknown; {nearest(name, DATASETS)}")


@functools.lru_cache(maxsize=1)
def loaded(name: str, data: Path | None) -> FewShotDataset:
    """As `load_dataset`, kept for the next call in this process."""
    return load_dataset(name, data)
