"""Data: images by class, and the tasks that are drawn from them."""
