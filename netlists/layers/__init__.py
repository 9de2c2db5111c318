"""Layers: the programmed layers that come with the package."""
