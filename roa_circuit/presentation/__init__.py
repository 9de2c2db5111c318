"""Presentation: how all three commands speak: terminal, options, pages and drawings."""
