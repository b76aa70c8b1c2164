"""The model on one rank: Megatron's decoder with our arithmetic, and its weights."""
