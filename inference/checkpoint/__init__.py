"""What lies on disk: the formats in which people have models, and what this program makes of them.

Reads headers; imports no torch, so that the supervisor can open a model in a fraction of a second.
"""
