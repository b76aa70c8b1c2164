"""The filter and its gate: what judges a text, and what is done about it."""
