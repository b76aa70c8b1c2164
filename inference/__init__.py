"""The worker: serves one model on Megatron-core. Knows neither Slack nor drafts."""
