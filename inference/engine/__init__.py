"""The engine: the supervisor without torch, and the loop of each rank."""
