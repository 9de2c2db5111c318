"""A layer of a torch network of one's own, where a command is asked for one.

The only module of `netlists` that knows `meta`: torch is loaded, and the network's code run, only
for whoever names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from roa_circuit.basics.errors import InputError
from roa_circuit.layers.programmed import ProgrammedLayer

_PANEL = "Network of your own"


@dataclass(frozen=True, kw_only=True)
class OwnNetwork:
    """The options of a torch network; see `roa_circuit.presentation.options.grouped`."""

    module: Annotated[
        str | None,
        typer.Option(
            metavar="PACKAGE.MODULE:FUNCTION",
            help="Imported and run: returns a torch network and sample inputs; --layer names its layer.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Its weights, as .safetensors.", rich_help_panel=_PANEL),
    ] = None

    def layer(self, name: str) -> ProgrammedLayer | None:
        """The layer of that name; None where no network is asked for.

        Raises
        ------
        InputError : weights without a network, torch is missing, or as for `named_layer`.
        """
        if self.module is None:
            if self.weights is not None:
                raise InputError(f"--weights {self.weights}: are of a network; add --module")
            return None
        try:
            from meta.circuits.conversion.named import named_layer
        except ModuleNotFoundError as error:
            raise InputError(
                f"--module needs {error.name}; pip install 'roa-circuit[learn]' has it"
            ) from None
        return named_layer(name, self.module, self.weights)


NONE = OwnNetwork()
