"""Evaluation: how many answers are right, over many tasks and ways to write."""
