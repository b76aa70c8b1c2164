"""The benchmark of the worker: `python -m inference.bench`."""
