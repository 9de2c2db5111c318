"""Search: the constants that fit best, and how well each is known."""
