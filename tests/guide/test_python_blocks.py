"""Python in the guide runs as copied: the blocks of a page one after the other, in an empty folder."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)
PAGES = ["imperfections", "own-networks", "physics", "sweeps", "tasks/write"]
"""Those whose blocks need no file; others are run by the tests of their own."""


def blocks(page):
    return BLOCK.findall((ROOT / "docs" / f"{page}.md").read_text("utf-8"))


@pytest.mark.parametrize("page", PAGES)
def test_python_runs_as_copied(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "guide"}
    own = [block for block in blocks(page) if not block.startswith("--8<--")]
    assert own
    for block in own:
        exec(compile(block, f"{page}.md", "exec"), names)
