"""Commands: those of `roa-fit`, one a module; `fitting.commands.cli` gathers them."""
