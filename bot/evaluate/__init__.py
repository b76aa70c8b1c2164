"""Measures what the product writes: a fixed set of briefs, and checks that a program decides."""
