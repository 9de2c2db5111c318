"""Views of an image: shifted, mirrored or turned copies that one feature vector is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from roa_circuit.basics.errors import InputError, nearest

ONE = "one"
TURNED = "turned"
_QUARTERS = 4


def _shifts(x: Tensor) -> list[Tensor]:
    """As it is, and moved by one pixel to each of four sides."""
    size = x.shape[-2:]
    wide = F.pad(x, (1, 1, 1, 1))
    places = ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2))
    return [wide[..., down : down + size[0], right : right + size[1]] for down, right in places]


def _mirror(x: Tensor) -> list[Tensor]:
    return [x, x.flip(-1)]


def _turned(x: Tensor) -> list[Tensor]:
    return [x.rot90(quarters, (-2, -1)) for quarters in range(_QUARTERS)]


def _turned_and_mirrored(x: Tensor) -> list[Tensor]:
    return [*_turned(x), *_turned(x.flip(-1))]


VIEWS: dict[str, Callable[[Tensor], list[Tensor]]] = {
    ONE: lambda x: [x],
    "shifts": _shifts,
    "mirror": _mirror,
    TURNED: _turned,
    "turned-mirror": _turned_and_mirrored,
}
"""Views by name, each a function of images (..., size, size)."""


def views_of(images: Tensor, name: str) -> list[Tensor]:
    """The views of images (..., size, size), all of the images' shape."""
    return VIEWS[name](images)


def together(features: Sequence[Tensor], name: str) -> Tensor:
    """One feature vector of each image, from those (images, count) of its views.

    Turned copies are other pictures, whose features stand side by side; of others, the mean is taken.
    """
    parts = parts_of(name)
    return torch.cat([_mean(features[k::parts]) for k in range(parts)], -1)


def parts_of(name: str) -> int:
    """How many feature vectors stand side by side: one for each turn of an image."""
    return _QUARTERS if name.startswith(TURNED) else 1


def _mean(features: Sequence[Tensor]) -> Tensor:
    return features[0] if len(features) == 1 else torch.stack(list(features)).mean(0)


def count_of(name: str) -> int:
    """How often an image passes through the blocks."""
    return len(views_of(torch.zeros(1, 2, 2), name))


def check_views(name: str) -> None:
    """Raise InputError unless there are such views; the nearest name is given."""
    if name not in VIEWS:
        raise InputError(f"views {name!r} are unknown; {nearest(name, VIEWS)}")
