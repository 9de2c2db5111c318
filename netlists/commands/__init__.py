"""The commands of `roa-spice`, one a module; `netlists.cli` gathers them."""
