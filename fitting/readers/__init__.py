"""Readers: tables as instruments write them in, checked readings in SI out."""
