"""Circuit-aware learning: networks that adapt and are trained through their own wires."""
