"""What a wheel holds beside the sources: the library that draws the plots of pages.

Pages need one file of the package plotly, which is 70 MB. A wheel takes that file along, packed as pages
carry it; an editable installation needs the package instead.
"""

from __future__ import annotations

import importlib.util
import tempfile
from importlib import resources
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = "roa_circuit/presentation"


class Hook(BuildHookInterface[Any]):
    """Takes plotly's library along, or asks for plotly."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before files are collected."""
        if version == "editable":
            build_data["dependencies"].append("plotly>=6.0")
            return
        library = self._packer()
        code = (resources.files("plotly") / "package_data" / "plotly.min.js").read_bytes()
        self._made = tempfile.TemporaryDirectory()
        packed = Path(self._made.name) / library.NAME
        packed.write_text(library.Library.of(code).to_text(), encoding="ascii")
        build_data["force_include"][str(packed)] = f"{FOLDER}/{library.NAME}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """After the wheel is written."""
        if version != "editable":
            self._made.cleanup()

    def _packer(self) -> Any:
        """The module that packs; what it stands in is not installed where wheels are built."""
        spec = importlib.util.spec_from_file_location("library", Path(self.root) / FOLDER / "library.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
