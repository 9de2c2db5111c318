"""Model: what Eq. 1 and 2 predict for every reading, and how far the readings are off."""
