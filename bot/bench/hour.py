"""`python -m bot.bench.hour`: an hour of a company, compressed into minutes.

People ask for drafts, refine, regenerate, stop and click thumbs, while others chat in the same
channels. This process holds the workspace, with Slack's limits, and a worker that writes fifty
words a second. The bots are processes of their own: several need a PostgreSQL to share.
"""

import argparse
import asyncio
import socket
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from bot.bench.bot_process import bot_process
from bot.bench.instant_worker import InstantWorker
from bot.bench.report import ACK_GOAL, share, tell
from bot.bench.visits import Visits, Written
from bot.slack.manifest import manifest
from bot.workspace import Workspace

KINDS = ("slash_commands", "interactive", "events_api")
WORD_SECONDS = 0.02
SAMPLE_SECONDS = 5.0
# A megabyte more at the end of the second half than at its beginning is noise.
DRIFT_GOAL = 2.0
MEGABYTE = 1024 * 1024


@dataclass(slots=True)
class BotWatch:
    """What one bot says of itself by /metrics, every few seconds."""

    address: str
    memory: list[float] = field(default_factory=list)
    tasks: list[float] = field(default_factory=list)

    async def run(self) -> None:
        """Look until it is cancelled."""
        async with aiohttp.ClientSession() as session:
            while True:
                # Not yet, as it starts: Slack's connection comes first.
                with suppress(aiohttp.ClientConnectionError):
                    await self._look(session)
                await asyncio.sleep(SAMPLE_SECONDS)

    async def _look(self, session: aiohttp.ClientSession) -> None:
        async with session.get(f"{self.address}/metrics") as answer:
            families = text_string_to_metric_families(await answer.text())
        values = {s.name: s.value for family in families for s in family.samples}
        self.memory.append(values["process_resident_memory_bytes"] / MEGABYTE)
        self.tasks.append(values["draftsmith_bot_tasks"])

    @property
    def drift(self) -> float:
        """How many megabytes the second half rose by: its last fifth against its first."""
        second = self.memory[len(self.memory) // 2 :]
        fifth = max(1, len(second) // 5)
        return statistics.median(second[-fifth:]) - statistics.median(second[:fifth])


@dataclass(frozen=True, slots=True)
class HourReport:
    """The figures of one hour, and the goals that it missed."""

    workspace: Workspace
    visits: Visits
    watches: Sequence[BotWatch]
    heads: float | None

    def table(self) -> str:
        """Return the figures as lines for people."""
        lines = [f"{'seconds':<24}{'n':>6}{'p50':>8}{'p99':>8}{'max':>8}"]
        for kind in KINDS:
            lines.append(_line(f"acks {kind}", self._acks(kind)))
        for wish in ("draft", "refinement", "regeneration"):
            written = self._of(wish)
            lines.append(_line(f"{wish}: first text", [each.text for each in written]))
            lines.append(_line(f"{wish}: complete", [each.complete for each in written]))
        heads = "never" if self.heads is None else f"{self.heads:.0f} s after the last draft"
        lines += ["", f"heads that say the truth: {heads}"]
        for number, watch in enumerate(self.watches, 1):
            memory, tasks = watch.memory, watch.tasks
            lines.append(
                f"bot {number}: memory {memory[0]:.0f} MB at first, {memory[-1]:.0f} at last, "
                f"{watch.drift:+.1f} in the second half; tasks {tasks[0]:.0f}, then {tasks[-1]:.0f}"
            )
        lines.append(
            f"drafts {len(self.visits.written)}, lost {self._lost}, wrong {self._wrong}, refused "
            f"{self.visits.refused}; calls {len(self.workspace.calls)}, 429 {self._limited.total()}"
        )
        return "\n".join(lines)

    def missed(self) -> list[str]:
        """Return the goals that were missed, each in a few words."""
        every = [each for kind in KINDS for each in self._acks(kind)]
        goals = {
            f"{self._lost} drafts lost": not self._lost,
            f"{self._wrong} drafts wrong": not self._wrong,
            f"{self.visits.refused} wishes refused": not self.visits.refused,
            f"{self._limited.total()} calls over Slack's budgets": not self._limited,
            "heads that never said the truth": self.heads is not None,
            f"acks over {ACK_GOAL} s at p99": share(every, 0.99) < ACK_GOAL,
            f"memory that rises by {DRIFT_GOAL} MB": all(
                watch.drift < DRIFT_GOAL for watch in self.watches
            ),
            "tasks that nobody ended": all(
                watch.tasks[-1] <= watch.tasks[0] for watch in self.watches
            ),
        }
        return [words for words, held in goals.items() if not held]

    def _acks(self, kind: str) -> list[float | None]:
        attempts = [each for each in self.workspace.attempts if each.kind == kind]
        return [each.seconds if each.acked else None for each in attempts]

    def _of(self, wish: str) -> list[Written]:
        return [each for each in self.visits.written if each.wish == wish]

    @property
    def _limited(self) -> Counter[str]:
        limited = (call for call in self.workspace.calls if call.error == "ratelimited")
        return Counter(call.method for call in limited)

    @property
    def _lost(self) -> int:
        return sum(each.complete is None for each in self.visits.written)

    @property
    def _wrong(self) -> int:
        return sum(each.complete is not None and not each.right for each in self.visits.written)


def _line(name: str, seconds: Sequence[float | None]) -> str:
    if not seconds:
        return f"{name:<24}{0:>6}"
    figures = [share(seconds, part) for part in (0.5, 0.99, 1)]
    return f"{name:<24}{len(seconds):>6}" + "".join(f"{figure:>8.3f}" for figure in figures)


async def measure(options: argparse.Namespace) -> HourReport:
    """Measure one hour. Raises OperatorError if a bot does not start."""
    async with AsyncExitStack() as stack:
        made = manifest("Draftsmith", "/draft")
        workspace = await stack.enter_async_context(Workspace(manifest=made))
        worker = await stack.enter_async_context(InstantWorker(WORD_SECONDS).serving())
        watches = [
            await stack.enter_async_context(_watched(workspace, worker, options.database))
            for _ in range(options.bots)
        ]
        visits = Visits(workspace, options.people, options.channels, options.seed)
        looking = [asyncio.create_task(watch.run()) for watch in watches]
        await visits.run(options.minutes * 60, options.chatter)
        heads = await visits.wait_for_heads()
        await asyncio.sleep(2 * SAMPLE_SECONDS)
        for task in looking:
            if task.done():
                task.result()  # It had no reason to end but an error.
            task.cancel()
        await asyncio.gather(*looking, return_exceptions=True)
        return HourReport(workspace, visits, watches, heads)


@asynccontextmanager
async def _watched(
    workspace: Workspace, worker: str, database: str | None
) -> AsyncIterator[BotWatch]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="draftsmith-") as folder:
        shared = {"database_url": database, "audit_key": SecretStr("a key of this bench")}
        bot = bot_process(workspace, worker, Path(folder), health_port=port, **shared)
        async with bot:
            yield BotWatch(f"http://127.0.0.1:{port}")


def main() -> int:
    """Return the exit code: 0, or 1 with one line that says what was missed."""
    parser = argparse.ArgumentParser(prog="python -m bot.bench.hour", description=__doc__)
    parser.add_argument("--people", type=int, default=200, help="each comes once")
    parser.add_argument("--channels", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=15, help="that the hour takes")
    parser.add_argument("--chatter", type=float, default=50, help="others' messages a second")
    parser.add_argument("--bots", type=int, default=1)
    parser.add_argument("--database", help="PostgreSQL, for several: postgresql+asyncpg://...")
    parser.add_argument("--seed", type=int, default=7, help="of the chance in what people do")
    options = parser.parse_args()
    if not 0 < options.channels <= options.people:
        parser.error("There must be at least one channel, and no more channels than people.")
    if options.bots > 1 and not options.database:
        parser.error("Several bots need a --database that they share.")
    return tell(measure(options))


if __name__ == "__main__":
    sys.exit(main())
