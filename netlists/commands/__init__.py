"""Commands: those of `roa-spice`, one a module; `netlists.commands.cli` gathers them."""
