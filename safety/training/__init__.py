"""Fits and measures the classifier. Nothing here is imported at run time."""
