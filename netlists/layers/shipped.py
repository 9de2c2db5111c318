"""The programmed layers that come with the package, and those in files."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.layers.programmed import ProgrammedLayer


def shipped_layers() -> list[str]:
    """The names of the shipped layers; 'fc' is the head of an adapted episode.

    Examples
    --------
    >>> shipped_layers()
    ['conv1', 'conv2', 'conv3', 'conv4', 'fc']
    """
    folder = resources.files("netlists.layers")
    if not folder.is_dir():
        return []
    return sorted(f.name.removesuffix(".npz") for f in folder.iterdir() if f.name.endswith(".npz"))


def load_layer(name_or_path: str) -> ProgrammedLayer:
    """A shipped layer by name, or any layer file.

    Raises
    ------
    InputError : no such layer, or a file that cannot be used.

    Examples
    --------
    >>> layer = load_layer("fc")
    >>> layer.crossbar.shape, layer.inputs.shape
    ((65, 6), (75, 65))
    """
    known = shipped_layers()
    if name_or_path in known:
        with resources.as_file(resources.files("netlists.layers") / f"{name_or_path}.npz") as path:
            return ProgrammedLayer.load(path)
    path = Path(name_or_path)
    if path.suffix != ".npz" and not path.exists():
        hint = nearest(name_or_path, known) if known else "give the path of a layer file"
        raise InputError(f"layer {name_or_path!r} is neither a file nor a shipped layer; {hint}")
    return ProgrammedLayer.load(path)
