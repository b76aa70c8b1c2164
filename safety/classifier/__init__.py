"""The second tier: linear scorers of what a text means."""
