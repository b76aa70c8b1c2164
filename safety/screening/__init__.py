"""The filter and its gate: they judge a text and act on it."""
