"""`python -m netlists` is `roa-spice`."""

from netlists.commands.cli import main

main()
