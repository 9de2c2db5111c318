"""`python -m meta` is `roa-meta`."""

from meta.commands.entry import main

main()
