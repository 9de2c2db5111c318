"""Multi-head attention on chips: its four projections are read, the attention itself is digital."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from meta.circuits.conversion.modules import OnChips

_PROJECTIONS = (".q_proj", ".k_proj", ".v_proj")


class AttentionOnChips(OnChips, nn.MultiheadAttention):
    """`torch.nn.MultiheadAttention`."""

    @staticmethod
    def parts(module: nn.Module) -> dict[str, tuple[int, int]]:
        """The projections of queries, keys, values and outputs."""
        assert isinstance(module, nn.MultiheadAttention)
        size, inputs = module.embed_dim, (module.embed_dim, module.kdim, module.vdim)
        shapes = {name: (rows, size) for name, rows in zip(_PROJECTIONS, inputs, strict=True)}
        return {**shapes, ".out_proj": (size, size)}

    def weights_of(self, part: str) -> Tensor:
        """The transposed weight of a projection."""
        if part == ".out_proj":
            return self.out_proj.weight.T
        if self._qkv_same_embed_dim:
            return self.in_proj_weight.chunk(3)[_PROJECTIONS.index(part)].T
        weight: Tensor = getattr(self, f"{part[1:]}_weight").T
        return weight

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """As torch's: between the projections it is torch's own function."""
        biases = [None] * 3 if self.in_proj_bias is None else self.in_proj_bias.chunk(3)
        given = []
        for part, x, bias in zip(_PROJECTIONS, (query, key, value), biases, strict=True):
            y = self.product(part)(x)
            given.append(y if bias is None else y + bias)
        if self.batch_first and query.dim() == 3:
            given = [one.transpose(0, 1) for one in given]
        unit = torch.eye(self.embed_dim, dtype=query.dtype, device=query.device)
        how: dict[str, Any] = {
            "embed_dim_to_check": self.embed_dim, "num_heads": self.num_heads, "in_proj_weight": None,
            "in_proj_bias": None, "bias_k": self.bias_k, "bias_v": self.bias_v,
            "add_zero_attn": self.add_zero_attn, "dropout_p": self.dropout, "out_proj_weight": unit,
            "out_proj_bias": None, "training": self.training, "key_padding_mask": key_padding_mask,
            "need_weights": need_weights, "attn_mask": attn_mask, "use_separate_proj_weight": True,
            "q_proj_weight": unit, "k_proj_weight": unit, "v_proj_weight": unit,
            "average_attn_weights": average_attn_weights, "is_causal": is_causal,
        }  # fmt: skip
        q, k, v = given
        y, shares = F.multi_head_attention_forward(query=q, key=k, value=v, **how)
        y = y.transpose(0, 1) if self.batch_first and y.dim() == 3 else y
        y = self.product(".out_proj")(y)
        return (y if self.out_proj.bias is None else y + self.out_proj.bias), shares
