"""Chips: arrays as they are made: what surrounds them, how each instance differs, how it is written."""
