"""`python -m meta` is `roa-meta`."""

from meta.commands.cli import main

main()
