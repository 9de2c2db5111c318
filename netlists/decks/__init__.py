"""Decks: circuits as text that a simulator runs, and what is read back."""
