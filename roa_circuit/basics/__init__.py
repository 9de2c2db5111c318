"""Basics: what every package needs and knows no physics: errors, units, files, results on disk."""
