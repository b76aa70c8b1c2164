"""`python -m bot.bench`: measure the bot while many people ask for a draft within one second.

This process holds the workspace, with Slack's limits, and a worker that answers at once. The bot
is a process of its own. The times are read afterwards from the calls that the workspace received.
"""

import argparse
import resource
import sys
import tempfile
from pathlib import Path

from bot.bench.bot_process import bot_process
from bot.bench.crowd import Crowd
from bot.bench.instant_worker import InstantWorker
from bot.bench.report import LoadReport, tell
from bot.slack.manifest import manifest
from bot.workspace import Workspace


async def measure(drafts: int, channels: int) -> LoadReport:
    """Measure one run. Raises OperatorError if the bot does not start."""
    made = manifest("Draftsmith", "/draft")
    with tempfile.TemporaryDirectory(prefix="draftsmith-") as folder:
        async with Workspace(manifest=made) as workspace, InstantWorker().serving() as worker:
            async with bot_process(workspace, worker, Path(folder)):
                outcomes = await Crowd(workspace, drafts, channels).run()
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            return LoadReport(outcomes, workspace.calls, used.ru_utime + used.ru_stime)


def main() -> int:
    """Return the exit code: 0, or 1 with one line that says what was missed."""
    parser = argparse.ArgumentParser(prog="python -m bot.bench", description=__doc__)
    parser.add_argument("--drafts", type=int, default=50, help="drafts begun in one second")
    parser.add_argument("--channels", type=int, default=50, help="channels they are shared by")
    options = parser.parse_args()
    if not 0 < options.channels <= options.drafts:
        parser.error("There must be at least one channel, and no more channels than drafts.")
    return tell(measure(options.drafts, options.channels))


if __name__ == "__main__":
    sys.exit(main())
