"""Models on disk: the formats in which people have them, read into one description.

Reads headers; imports no torch, so that the supervisor can open a model in a fraction of a second.
"""
