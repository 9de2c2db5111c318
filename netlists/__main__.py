"""`python -m netlists` is `roa-spice`."""

from netlists.commands.entry import main

main()
