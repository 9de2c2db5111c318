"""`python -m fitting` is `roa-fit`."""

from fitting.commands.entry import main

main()
