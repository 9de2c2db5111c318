"""The precision and layout in which images go through the network."""

from __future__ import annotations

import torch
from torch import Tensor

from roa_circuit.basics import compilation

CPU = torch.device("cpu")


def prepare(images: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Images in a precision and in the layout that goes with it."""
    if images.ndim != 4:
        return images.to(dtype)
    return images.to(dtype=dtype, memory_format=layout(dtype))


def fastest_dtype(compute: torch.device = CPU) -> torch.dtype:
    """bfloat16 where the processor multiplies it natively, else float32."""
    if compute.type != "cpu":
        return torch.float32  # TF32 products are as fast there, as memory is what counts
    native = torch.backends.cpu.get_cpu_capability() == "AVX512" and _has_bf16()
    return torch.bfloat16 if native else torch.float32


def round_products(to_tf32: bool) -> None:
    """Set whether a GPU may round factors of float32 products to TF32, which is enough for training."""
    torch.set_float32_matmul_precision("high" if to_tf32 else "highest")
    torch.backends.cudnn.allow_tf32 = to_tf32


def layout(dtype: torch.dtype) -> torch.memory_format:
    """The memory layout for a precision.

    Convolutions and `norm_pool` are fast with channels last. Without `norm_pool`, float32 would
    lose a decimal of the loss in that layout.
    """
    last = dtype is torch.bfloat16 or compilation.available()
    return torch.channels_last if last else torch.contiguous_format


def _has_bf16() -> bool:
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
