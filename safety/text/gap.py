"""The characters that people put between the groups of one number."""

GAP = r"(?:[./_·-]|(?<![._]) ){0,3}"
"""A pattern for normalised text, for numbers with a check digit.

Behind a full stop and a space a new sentence begins, and a border lies there (see `segmentation`).
"""
