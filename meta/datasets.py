"""The data sets by name."""

from __future__ import annotations

from pathlib import Path

from meta.fewshot import FewShotDataset
from meta.omniglot import DownloadProgress, load_omniglot
from roa_circuit.errors import InputError, nearest

DATASETS = ("omniglot", "glyphs")


def load_dataset(
    name: str, data: Path | None = None, *, progress: DownloadProgress | None = None
) -> FewShotDataset:
    """'omniglot' or 'glyphs'; `data` is a local copy (a file or a folder).

    Raises
    ------
    InputError : unknown name, or the copy is missing or unusable.
    """
    if name == "omniglot":
        return load_omniglot(data, progress=progress)
    if name == "glyphs":
        from meta.glyphs import render_glyphs

        if data is not None:
            raise InputError("glyphs are drawn from installed fonts; leave --data out")
        return render_glyphs()
    raise InputError(f"data set {name!r} is unknown; {nearest(name, DATASETS)}")
