"""The commands of `draftsmith`, one file each, and what an operator is told when one fails."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any

INTERRUPTED = 130


def run_command(command: Coroutine[Any, Any, int]) -> int:
    """Run a command and return its exit code; what went wrong is one sentence on stderr."""
    try:
        return asyncio.run(command)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        # Only now, for it imports the libraries of every command.
        from bot.cli.failure import operator_error  # noqa: PLC0415

        failure = operator_error(error)
        if failure is None:
            raise
        print(failure.sentence, file=sys.stderr)
        return failure.exit_code
