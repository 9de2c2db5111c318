"""`python -m meta` is `roa-meta`."""

from meta.cli import main

main()
