"""The OpenAI-compatible HTTP API of the worker. No torch here."""
