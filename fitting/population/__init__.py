"""Population: many devices in, how they differ and how their writes do out."""
