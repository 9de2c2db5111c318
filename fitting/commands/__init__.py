"""Commands of `roa-fit`, one a module; `fitting.cli` gathers them."""
