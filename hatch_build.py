"""What a wheel holds beside the sources: the library that draws a sweep's page.

The page needs one file of the package plotly, which is 70 MB. A wheel takes that file along; an editable
installation needs the package instead.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PLACE = "roa_circuit/sweeps/presentation/plotly.min.js"


class Hook(BuildHookInterface[Any]):
    """Takes plotly's library along, or asks for plotly."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before files are collected."""
        if version == "editable":
            build_data["dependencies"].append("plotly>=6.0")
            return
        library = resources.files("plotly") / "package_data" / "plotly.min.js"
        build_data["force_include"][str(library)] = PLACE
