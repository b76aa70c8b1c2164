"""The classifier: linear scorers of what a text means."""
