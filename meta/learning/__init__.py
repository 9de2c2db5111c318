"""Learning: how a network adapts to one task in one write."""
