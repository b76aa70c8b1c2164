"""What the commands of the evaluation read of a command line."""

from argparse import ArgumentTypeError


def count(typed: str) -> int:
    """Return a number of 1 or more. Raises ArgumentTypeError."""
    if not typed.isdecimal() or int(typed) < 1:
        raise ArgumentTypeError(f"{typed} is not 1 or more")
    return int(typed)
