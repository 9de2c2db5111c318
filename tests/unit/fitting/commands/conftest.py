"""The command as its users meet it."""

from functools import partial

import pytest

from fitting.commands import cli


@pytest.fixture
def roa_fit(command):
    """Run the command in this process; gives (exit code, stdout, stderr)."""
    return partial(command, cli.main)
