"""A benchmark: the bot while many people ask for a draft within one second."""
