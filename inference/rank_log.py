"""What a rank has to say to the operator. The supervisor writes it, in the format of all its lines.

Without structlog: a machine where only `gpu_check` runs may be without it.
"""

said: list[tuple[str, dict[str, str]]] = []
"""What has been said since the start: events, and facts about them."""


def say(event: str, **facts: str) -> None:
    """Tell the operator something that explains how the model is served."""
    said.append((event, facts))
