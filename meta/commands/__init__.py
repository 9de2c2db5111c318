"""The commands of `roa-meta`, one a module; `meta.cli` gathers them."""
