"""Planning: what to measure before anything is measured."""
