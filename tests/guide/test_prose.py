"""Prose of README, guide, CHANGELOG and tutorials: sentences of a length that a reader can hold."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("prose", ROOT / ".ci" / "prose.py")
prose = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(prose)


@pytest.mark.parametrize(
    "page", prose.pages() + prose.tutorials(), ids=lambda page: str(page.relative_to(ROOT))
)
def test_no_sentence_is_too_long_and_no_symbol_comes_unexplained(page):
    counts = {one: prose.words(one) for one in prose.sentences(prose.prose(page))}
    assert [one for one, count in counts.items() if count > prose.MOST_WORDS] == []
    assert not counts or sum(counts.values()) / len(counts) <= prose.MEAN_WORDS
    assert prose.unexplained(page) == []


def test_a_long_sentence_and_an_unknown_symbol_are_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# T\n\nShort. A " + "word " * 44 + "end.\n\nThen ω rises.\n\n```\n" + "x " * 60 + "\n```\n"
    )
    found = [prose.words(one) for one in prose.sentences(prose.prose(page))]
    assert max(found) == 46
    assert prose.unexplained(page) == ["ω"]
    page.write_text("The state ω of a cell rises. [A `link` here](somewhere.md).\n")
    assert prose.unexplained(page) == []
