"""What people put between the groups of one number."""

GAP = r"(?:[./_·-]|(?<![._]) ){0,3}"
"""A pattern for normalised text, where a check digit decides. Behind a stop and a space a sentence
begins, and there a border lies (see `safety.text.segmentation`)."""
