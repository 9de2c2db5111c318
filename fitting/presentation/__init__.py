"""Presentation: a fit as figures, as a page and as JSON."""
