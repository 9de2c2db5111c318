"""Model: what a law predicts for every reading, and how far the readings are off."""
