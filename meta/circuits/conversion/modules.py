"""Linear and convolutional modules on chips: torch's own, whose products are those of crossbars.

They are torch's classes with another `forward`, so that weights, hooks and everything else that is
known of a module stays as it was. Biases are added digitally: an always-on row would have to hold
them in the range of the weights, and would be read twice for signed inputs.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from meta.circuits.conversion.matrix import Matrix
from meta.circuits.conversion.port import RANGING_READS, evenly

Product = Callable[[Tensor], Tensor]

_AT_ONCE = 4  # images whose windows are laid out at the same time


class OnChips:
    """What all converted modules have.

    matrices : by the name of each within the module; '' where there is but one
    at_once : whether all matrices are read at the same time, as groups are
    """

    matrices: Mapping[str, Matrix]
    at_once: ClassVar[bool] = False

    @abstractmethod
    def weights_of(self, part: str) -> Tensor:
        """Weights (rows, outputs) of one of the matrices."""

    @staticmethod
    @abstractmethod
    def parts(module: nn.Module) -> dict[str, tuple[int, int]]:
        """(rows, outputs) of each matrix that a module needs."""

    def product(self, part: str = "") -> Product:
        """Inputs (..., rows) times the matrix of that name, as it is now."""
        return self.matrices[part].reader(self.weights_of(part))


class LinearOnChips(OnChips, nn.Linear):
    """`torch.nn.Linear`."""

    @staticmethod
    def parts(module: nn.Module) -> dict[str, tuple[int, int]]:
        """One matrix."""
        assert isinstance(module, nn.Linear)
        return {"": (module.in_features, module.out_features)}

    def weights_of(self, part: str) -> Tensor:
        """The transposed weight."""
        return self.weight.T

    def forward(self, input: Tensor) -> Tensor:
        """As torch's."""
        y = self.product()(input)
        return y if self.bias is None else y + self.bias


def _groups(module: nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d) -> list[str]:
    return [""] if module.groups == 1 else [f"[{k}]" for k in range(module.groups)]


class _Convolution(OnChips):
    """Convolutions of one or two dimensions: windows (..., channels x kernel) times a matrix a group."""

    at_once = True

    @staticmethod
    def parts(module: nn.Module) -> dict[str, tuple[int, int]]:
        """A matrix for each group."""
        assert isinstance(module, nn.Conv1d | nn.Conv2d)
        rows = module.weight[0].numel()
        return dict.fromkeys(_groups(module), (rows, module.out_channels // module.groups))

    def _forward(self, module: nn.Conv1d | nn.Conv2d, x: Tensor, plain: Product) -> Tensor:
        batched = x.dim() == module.weight.dim()
        x = x if batched else x[None]
        first = next(iter(self.matrices.values()))
        if first.port.observing:
            self._observe(module, x)
            y = plain(x)
        elif first.linear:
            y = self._by_kernel(module, first.port.limited(x))
        else:
            y = self._by_windows(module, x)
        return y if batched else y[0]

    def _observe(self, module: nn.Conv1d | nn.Conv2d, x: Tensor) -> None:
        """Take note of some windows of every image, or of images from all over a large sample."""
        images = x[torch.from_numpy(evenly(len(x), RANGING_READS)).to(x.device)]
        each = -(-RANGING_READS // len(images))
        some, count = [], 0
        for few in torch.split(images, _AT_ONCE):
            windows = _windows(module, _padded(module, few.detach())).transpose(1, 2)
            count = windows.shape[1]
            # Not the same places of every image: those at its edge would be as good as all.
            places = [(evenly(count, each) + shift) % count for shift in range(len(windows))]
            some += [one[torch.from_numpy(at)] for one, at in zip(windows.cpu(), places, strict=True)]
        rows = some[0].shape[1] // module.groups
        noted = torch.cat(some)
        for k, matrix in enumerate(self.matrices.values()):
            matrix.observe(noted[:, k * rows : (k + 1) * rows], count * len(x))
        largest, negative = float(x.detach().abs().max()), bool((x < 0).any())
        if not math.isfinite(largest):
            first = next(iter(self.matrices.values()))
            first.observe(x.flatten(1), 0)
        for matrix in self.matrices.values():
            matrix.port.scale = max(matrix.port.scale, largest)
            matrix.port.signed = matrix.port.signed or negative

    def _by_kernel(self, module: nn.Conv1d | nn.Conv2d, x: Tensor) -> Tensor:
        """A convolution with effective weights."""
        found = [matrix.effective(self.weights_of(part)).T for part, matrix in self.matrices.items()]
        kernel = torch.cat(found).to(module.weight).reshape(module.weight.shape)
        convolve = F.conv1d if isinstance(module, nn.Conv1d) else F.conv2d
        how = module.stride, 0, module.dilation, module.groups
        return convolve(_padded(module, x), kernel, module.bias, *how)

    def _by_windows(self, module: nn.Conv1d | nn.Conv2d, x: Tensor) -> Tensor:
        """Every window is a read."""
        padded = _padded(module, x)
        groups = _windows(module, padded).transpose(1, 2).chunk(module.groups, dim=2)
        read = [self.product(part)(one) for part, one in zip(self.matrices, groups, strict=True)]
        y = torch.cat(read, dim=2).transpose(1, 2)
        sides = zip(padded.shape[2:], module.kernel_size, module.stride, module.dilation, strict=True)
        shape = [(side - d * (k - 1) - 1) // stride + 1 for side, k, stride, d in sides]
        y = y.reshape(len(x), module.out_channels, *shape)
        bias = module.bias
        return y if bias is None else y + bias.reshape(-1, *(1 for _ in shape))


class Conv1dOnChips(_Convolution, nn.Conv1d):
    """`torch.nn.Conv1d`."""

    def weights_of(self, part: str) -> Tensor:
        """The kernel of a group, its outputs last."""
        return _of_group(self.weight, part, self.groups).flatten(1).T

    def forward(self, input: Tensor) -> Tensor:
        """As torch's."""
        return self._forward(self, input, super().forward)


class Conv2dOnChips(_Convolution, nn.Conv2d):
    """`torch.nn.Conv2d`."""

    def weights_of(self, part: str) -> Tensor:
        """The kernel of a group, its outputs last."""
        return _of_group(self.weight, part, self.groups).flatten(1).T

    def forward(self, input: Tensor) -> Tensor:
        """As torch's."""
        return self._forward(self, input, super().forward)


class ConvTranspose2dOnChips(OnChips, nn.ConvTranspose2d):
    """`torch.nn.ConvTranspose2d`: each pixel is a read, whose outputs are added where they overlap."""

    at_once = True

    @staticmethod
    def parts(module: nn.Module) -> dict[str, tuple[int, int]]:
        """A matrix for each group."""
        assert isinstance(module, nn.ConvTranspose2d)
        shape = module.in_channels // module.groups, module.weight[0].numel()
        return dict.fromkeys(_groups(module), shape)

    def weights_of(self, part: str) -> Tensor:
        """The kernel of a group, its inputs first."""
        return _of_group(self.weight, part, self.groups).flatten(1)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """As torch's."""
        batched = input.dim() == 4
        x = input if batched else input[None]
        how: list[Any] = [self.stride, self.padding, self.kernel_size, 2, self.dilation]
        added = self._output_padding(input, output_size, *how)
        pixels = x.flatten(2).transpose(1, 2).chunk(self.groups, dim=2)
        columns = [self.product(part)(one) for part, one in zip(self.matrices, pixels, strict=True)]
        y = self._folded(torch.cat(columns, dim=2).transpose(1, 2), x.shape[2:], added)
        y = y if self.bias is None else y + self.bias[:, None, None]
        return y if batched else y[0]

    def _folded(self, columns: Tensor, sides: torch.Size, added: list[int]) -> Tensor:
        """Outputs laid over each other without padding; that is cut off, and `added` to the far ends."""
        every = zip(sides, self.stride, self.kernel_size, self.dilation, strict=True)
        whole = [(side - 1) * stride + d * (k - 1) + 1 for side, stride, k, d in every]
        how = {"dilation": self.dilation, "stride": self.stride}
        y = F.fold(columns, whole, self.kernel_size, **how)  # type: ignore[arg-type]
        (top, left), (more_down, more_right) = map(int, self.padding), added
        return F.pad(y, (-left, more_right - left, -top, more_down - top))


def _of_group(weight: Tensor, part: str, groups: int) -> Tensor:
    return weight.chunk(groups)[int(part[1:-1])] if part else weight


def _padded(module: nn.Conv1d | nn.Conv2d, x: Tensor) -> Tensor:
    mode = "constant" if module.padding_mode == "zeros" else module.padding_mode
    return F.pad(x, module._reversed_padding_repeated_twice, mode=mode)


def _windows(module: nn.Conv1d | nn.Conv2d, padded: Tensor) -> Tensor:
    """(images, channels x kernel, windows)."""
    if isinstance(module, nn.Conv2d):
        return F.unfold(padded, module.kernel_size, dilation=module.dilation, stride=module.stride)
    [k], [d], [stride] = module.kernel_size, module.dilation, module.stride
    return F.unfold(padded[:, :, None], (1, k), dilation=(1, d), stride=(1, stride))
