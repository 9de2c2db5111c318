"""LSTM and GRU on chips: every step reads the matrix of the inputs and that of the state.

States of both lie within [-1, 1], which is the range of their drivers. A projected state of an LSTM may
lie anywhere: its range is that of the sample. Gates are digital.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from meta.circuits.conversion.modules import OnChips
from roa_circuit.basics.errors import InputError

States = tuple[Tensor, ...]


class _Recurrent(OnChips):
    @staticmethod
    def parts(module: nn.Module) -> dict[str, tuple[int, int]]:
        """Two matrices for each layer and direction."""
        assert isinstance(module, nn.RNNBase)
        weights = {n: w for n, w in module.named_parameters() if n.startswith("weight_")}
        return {f".{name}": (weight.shape[1], weight.shape[0]) for name, weight in weights.items()}

    def weights_of(self, part: str) -> Tensor:
        """The transposed weight of that name."""
        weight: Tensor = getattr(self, part[1:]).T
        return weight

    def _forward(self, module: nn.RNNBase, x: Any, states: States | None) -> tuple[Tensor, States]:
        """Outputs and last states, as torch has them; `states` are those of all layers."""
        if not isinstance(x, Tensor):
            raise InputError(
                "packed sequences are not read on chips: pad them (pad_packed_sequence), or leave the"
                " layer digital with its name and None among the patterns of `convert`"
            )
        batched = x.dim() == 3
        x = x if batched else x[:, None]
        x = x.transpose(0, 1) if module.batch_first and batched else x
        directions = 2 if module.bidirectional else 1
        if states is None:
            sizes = [module.proj_size or module.hidden_size]
            sizes += [module.hidden_size] if isinstance(module, nn.LSTM) else []
            shape = module.num_layers * directions, x.shape[1]
            states = tuple(x.new_zeros(*shape, size) for size in sizes)
        elif not batched:
            states = tuple(one[:, None] for one in states)
        last = []
        for layer in range(module.num_layers):
            outputs = []
            for direction in range(directions):
                start = tuple(one[layer * directions + direction] for one in states)
                y, end = self._run(module, x, start, f"l{layer}" + "_reverse" * direction)
                outputs.append(y)
                last.append(end)
            x = torch.cat(outputs, dim=2)
            if layer < module.num_layers - 1:
                x = F.dropout(x, module.dropout, module.training)
        ends = tuple(torch.stack(one) for one in zip(*last, strict=True))
        if not batched:
            return x[:, 0], tuple(one[:, 0] for one in ends)
        return (x.transpose(0, 1) if module.batch_first else x), ends

    def _run(self, module: nn.RNNBase, x: Tensor, state: States, which: str) -> tuple[Tensor, States]:
        """One layer in one direction: outputs (steps, batch, size) and the last state."""
        of_inputs = self.product(f".weight_ih_{which}")(x)
        of_state = self.product(f".weight_hh_{which}")
        biases = [getattr(module, f"bias_{n}_{which}") if module.bias else 0.0 for n in ("ih", "hh")]
        of_inputs, step = of_inputs + biases[0], _lstm if isinstance(module, nn.LSTM) else _gru
        projected = self.product(f".weight_hr_{which}") if module.proj_size else None
        steps, found = range(len(x)), {}
        for t in reversed(steps) if which.endswith("_reverse") else steps:
            state = step(of_inputs[t], of_state(state[0]) + biases[1], state)
            if projected:
                state = (projected(state[0]), *state[1:])
            found[t] = state[0]
        return torch.stack([found[t] for t in steps]), state


def _lstm(of_inputs: Tensor, of_state: Tensor, state: States) -> States:
    i, f, g, o = (of_inputs + of_state).chunk(4, dim=-1)
    c = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def _gru(of_inputs: Tensor, of_state: Tensor, state: States) -> States:
    (r, z, n), (r_h, z_h, n_h) = of_inputs.chunk(3, dim=-1), of_state.chunk(3, dim=-1)
    z = torch.sigmoid(z + z_h)
    n = torch.tanh(n + torch.sigmoid(r + r_h) * n_h)
    return ((1 - z) * n + z * state[0],)


class LSTMOnChips(_Recurrent, nn.LSTM):
    """`torch.nn.LSTM`, with or without projections."""

    def forward(self, input: Any, hx: Any = None) -> Any:
        """As torch's."""
        y, ends = self._forward(self, input, hx)
        return y, ends


class GRUOnChips(_Recurrent, nn.GRU):
    """`torch.nn.GRU`."""

    def forward(self, input: Any, hx: Any = None) -> Any:
        """As torch's."""
        y, ends = self._forward(self, input, None if hx is None else (hx,))
        return y, ends[0]
