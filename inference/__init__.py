"""The worker: tensor-parallel generation with Megatron-core. Knows neither Slack nor drafts."""
