"""Briefs: what people ask for, with its options, and the kinds of text that there are."""
