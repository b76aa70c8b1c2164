"""`python -m bot.bench`: measure the bot while many people ask for a draft within one second.

This process holds the workspace, with Slack's limits, and a worker that answers at once. The bot
is a process of its own, as `draftsmith run` starts it. The times are read afterwards from the
calls that the workspace received.
"""

import argparse
import asyncio
import contextlib
import json
import math
import multiprocessing
import re
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from bot.cli import run_command
from bot.cli.run import run
from bot.errors import OperatorError
from bot.settings import ExplicitSettings, Settings
from bot.slack.manifest import manifest
from bot.workspace import Message, Workspace
from bot.workspace.state import Call
from bot.workspace.workspace import Ack

START_SECONDS = 60.0
MOST_SECONDS = 240.0
LOOK_SECONDS = 0.25
ACK_GOAL, SIGN_GOAL = 0.5, 1.0
FAILED = 1


def story(number: int) -> str:
    """Return what the worker writes for this brief only: about 150 words."""
    days = [
        f"On day {day} ship {number} left the harbour with a calm sea and a good wind behind her."
        for day in range(1, 10)
    ]
    return "\n\n".join(" ".join(days[i : i + 3]) for i in (0, 3, 6))


class InstantWorker:
    """A server with the worker's API, which writes a word at a time without a pause."""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve; yield the address."""
        app = web.Application()
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/chat/completions", self._chat)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": "at-once"}]})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        said = (await request.json())["messages"][-1]["content"]
        number = re.search(r"ship (\d+)", said)
        assert number is not None
        words = re.findall(r"\S+\s*", story(int(number[1])))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for word in words:
            await response.write(_event(choices=[{"index": 0, "delta": {"content": word}}]))
        end = {"index": 0, "delta": {}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 100, "completion_tokens": len(words)}
        await response.write(_event(choices=[end]) + _event(choices=[], usage=usage))
        await response.write(b"data: [DONE]\n\n")
        return response


def _event(**data: object) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


@dataclass(frozen=True, slots=True)
class DraftRequest:
    """One `/draft`: who sent it, where, when (time.monotonic()), and its ack."""

    number: int
    person: str
    channel: str
    at: float
    ack: Ack


@dataclass(frozen=True, slots=True)
class DraftOutcome:
    """Seconds from one `/draft` to each sign of its draft; None for what did not come.

    `right`: there is one root, and under it one draft, which has the worker's text once.
    """

    ack: float | None
    sign: float | None
    text: float | None
    complete: float | None
    settled: float | None
    right: bool


class Crowd:
    """People who ask for drafts in a workspace."""

    def __init__(self, workspace: Workspace, drafts: int, channels: int) -> None:
        assert 0 < channels <= drafts
        self._workspace = workspace
        rooms = [workspace.channel(f"channel-{i}") for i in range(channels)]
        self._people = [
            (workspace.person(f"person-{i}"), rooms[i % channels]) for i in range(drafts)
        ]
        self._requests: list[DraftRequest] = []

    async def run(self) -> list[DraftOutcome]:
        """Ask, all within a second; wait until everything is done, or for four minutes."""
        began = time.monotonic()
        self._requests = await asyncio.gather(*map(self._ask, range(len(self._people))))
        while time.monotonic() - began < MOST_SECONDS:
            if all(map(self._is_done, self._requests)):
                break
            await asyncio.sleep(LOOK_SECONDS)
        return [self._outcome(request) for request in self._requests]

    async def _ask(self, number: int) -> DraftRequest:
        person, channel = self._people[number]
        await asyncio.sleep(number / len(self._people))
        at = time.monotonic()
        ack = await self._workspace.command(person, channel, "/draft", f"blog: ship {number}")
        return DraftRequest(number, person, channel, at, ack)

    def _is_done(self, request: DraftRequest) -> bool:
        """Say whether all is done: the draft has buttons and an emoji, the root no stop button."""
        roots, drafts = self._messages(request)
        return (
            bool(roots and drafts)
            and all("actions" in _types(draft.blocks) and draft.reactions for draft in drafts)
            and not any("actions" in _types(root.blocks) for root in roots)
        )

    def _messages(self, request: DraftRequest) -> tuple[list[Message], list[Message]]:
        """Return the roots of a request, and the drafts under them."""
        shown = self._workspace.messages(request.channel)
        roots = [message for message in shown if request.person in message.text]
        threads = [self._workspace.messages(request.channel, root.ts)[1:] for root in roots]
        return roots, [message for thread in threads for message in thread]

    def _outcome(self, request: DraftRequest) -> DraftOutcome:
        roots, drafts = self._messages(request)

        def posts_root(call: Call) -> bool:
            text = str(call.args.get("text"))
            return call.method == "chat.postMessage" and request.person in text

        def has_buttons(call: Call) -> bool:
            return "actions" in _types(call.args.get("blocks"))

        def about(messages: Sequence[Message], call: Call) -> bool:
            ts = call.args.get("ts", call.args.get("timestamp"))
            return ts in {message.ts for message in messages}

        def first(matches: Callable[[Call], bool]) -> float | None:
            """Return the seconds from the request to the first call that matches."""
            calls = (call for call in self._workspace.calls if call.error is None)
            return next((call.at - request.at for call in calls if matches(call)), None)

        begins = f"ship {request.number} left"
        words = [draft.text.partition("\n\n")[2].split() for draft in drafts]
        return DraftOutcome(
            ack=request.ack.seconds if request.ack.ok and not request.ack.text else None,
            sign=first(posts_root),
            text=first(lambda call: about(drafts, call) and begins in str(call.args)),
            complete=first(lambda call: about(drafts, call) and has_buttons(call)),
            settled=first(lambda call: about(roots, call) and not has_buttons(call)),
            right=len(roots) == 1 and words == [story(request.number).split()],
        )


def _types(blocks: list[dict[str, object]] | None) -> list[object]:
    return [block["type"] for block in blocks or ()]


@dataclass(frozen=True, slots=True)
class LoadReport:
    """The figures of one run. `processor_seconds` is the time that the bot computed."""

    outcomes: Sequence[DraftOutcome]
    calls: Sequence[Call]
    processor_seconds: float

    def __post_init__(self) -> None:
        assert self.outcomes

    def table(self) -> str:
        """Return the figures as lines for people."""
        spans = {
            "acks": [each.ack for each in self.outcomes],
            "first sign": [each.sign for each in self.outcomes],
            "first text": [each.text for each in self.outcomes],
            "complete": [each.complete for each in self.outcomes],
            "root up to date": [each.settled for each in self.outcomes],
        }
        lines = [f"{'seconds':<24}{'p50':>8}{'p99':>8}{'max':>8}"]
        for name, seconds in spans.items():
            figures = [share(seconds, 0.5), share(seconds, 0.99), share(seconds, 1)]
            lines.append(f"{name:<24}" + "".join(f"{figure:>8.3f}" for figure in figures))
        lines += ["", f"{'calls':<36}{'made':>6}{'429':>6}"]
        made, refused = Counter(call.method for call in self.calls), self._refused
        lines += [f"{name:<36}{made[name]:>6}{refused[name]:>6}" for name in sorted(made)]
        lines += [
            "",
            f"drafts {len(self.outcomes)}, lost {self._lost}, wrong or doubled {self._wrong}",
        ]
        lines += [f"processor time of the bot {self.processor_seconds:.1f} s"]
        return "\n".join(lines)

    def missed(self) -> list[str]:
        """Return the goals that were missed, each in a few words."""
        acks, signs = [each.ack for each in self.outcomes], [each.sign for each in self.outcomes]
        goals = {
            f"{self._lost} drafts lost": not self._lost,
            f"{self._wrong} drafts wrong or doubled": not self._wrong,
            f"{self._refused.total()} calls over Slack's budgets": not self._refused,
            f"acks over {ACK_GOAL} s at p99": share(acks, 0.99) < ACK_GOAL,
            f"the first sign over {SIGN_GOAL} s at p50": share(signs, 0.5) < SIGN_GOAL,
        }
        return [words for words, held in goals.items() if not held]

    @property
    def _refused(self) -> Counter[str]:
        return Counter(call.method for call in self.calls if call.error == "ratelimited")

    @property
    def _lost(self) -> int:
        return sum(None in (each.ack, each.sign, each.complete) for each in self.outcomes)

    @property
    def _wrong(self) -> int:
        return sum(each.complete is not None and not each.right for each in self.outcomes)


def share(seconds: Sequence[float | None], part: float) -> float:
    """Return the time within which this part of them came, by nearest rank; None counts as inf."""
    ranked = sorted(math.inf if each is None else each for each in seconds)
    return ranked[math.ceil(part * len(ranked)) - 1]


async def measure(drafts: int, channels: int) -> LoadReport:
    """Measure one run. Raises OperatorError if the bot does not start."""
    made = manifest("Draftsmith", "/draft")
    with tempfile.TemporaryDirectory(prefix="draftsmith-") as folder:
        async with Workspace(manifest=made) as workspace, InstantWorker().serving() as worker:
            async with _bot(workspace, worker, Path(folder)):
                outcomes = await Crowd(workspace, drafts, channels).run()
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            return LoadReport(outcomes, workspace.calls, used.ru_utime + used.ru_stime)


@asynccontextmanager
async def _bot(workspace: Workspace, worker: str, folder: Path) -> AsyncIterator[None]:
    settings = ExplicitSettings(
        slack_bot_token=workspace.bot_token,
        slack_app_token=workspace.app_token,
        slack_api_url=f"{workspace.url}/api/",
        slack_transport="socket",
        worker_url=worker,
        data_dir=folder,
    )
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(settings,))
    process.start()
    try:
        await workspace.until(lambda: workspace.connected or not process.is_alive(), START_SECONDS)
        if not workspace.connected:
            raise OperatorError(f"The bot did not start: {_log(settings).read_text()[-500:]}")
        yield
    finally:
        process.terminate()
        await asyncio.to_thread(process.join)


def _run(settings: Settings) -> None:
    with _log(settings).open("w") as log, contextlib.redirect_stderr(log):
        sys.exit(run_command(run(settings)))


def _log(settings: Settings) -> Path:
    return settings.data_dir / "log"


def main() -> int:
    """Return the exit code: 0, or 1 with one line that says what was missed."""
    parser = argparse.ArgumentParser(prog="python -m bot.bench", description=__doc__)
    parser.add_argument("--drafts", type=int, default=50, help="drafts begun in one second")
    parser.add_argument("--channels", type=int, default=50, help="channels they are shared by")
    options = parser.parse_args()
    if not 0 < options.channels <= options.drafts:
        parser.error("There must be at least one channel, and no more channels than drafts.")
    try:
        report = asyncio.run(measure(options.drafts, options.channels))
    except (OperatorError, TimeoutError) as error:
        print(error, file=sys.stderr)
        return FAILED
    print(report.table())
    if missed := report.missed():
        print(f"missed: {', '.join(missed)}", file=sys.stderr)
    return FAILED if missed else 0


if __name__ == "__main__":
    sys.exit(main())
