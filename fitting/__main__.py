"""`python -m fitting` is `roa-fit`."""

from fitting.commands.cli import main

main()
