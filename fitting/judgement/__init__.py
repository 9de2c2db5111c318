"""Judgement: whether to believe a fit, what else would do, and what to measure next."""
