"""The Slack side: listeners, drafting, the outbox. Knows the worker only by its client."""
