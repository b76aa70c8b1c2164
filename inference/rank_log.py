"""Lines of the log from a rank. structlog is imported when there is something to say: a machine
where only `gpu_check` runs may be without it.
"""


def info(event: str, **facts: object) -> None:
    """Write what an operator may want to know."""
    # See above.
    import structlog  # noqa: PLC0415

    structlog.get_logger().info(event, **facts)


def warning(event: str, **facts: object) -> None:
    """Write what an operator should look at."""
    # See above.
    import structlog  # noqa: PLC0415

    structlog.get_logger().warning(event, **facts)
