"""Conversion: any torch network on chips, as a torch module whose gradients know the wires."""
