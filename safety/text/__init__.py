"""Forms of a text that the detectors read, and safe text."""
