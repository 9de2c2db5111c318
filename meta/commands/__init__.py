"""Commands: those of `roa-meta`, one a module; `meta.commands.cli` gathers them."""
