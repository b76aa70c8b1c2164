"""`python -m bot.bench`: many people ask for a draft within one second. How does the bot bear it?

This process is Slack, the workspace with Slack's limits, and a worker that answers at once; the
bot, as `draftsmith run` has it, is a process of its own. What is measured is read afterwards from
the calls that Slack had.
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

from bot.cli.run import run
from bot.http_server import serve_http
from bot.settings import Alone, Settings
from bot.slack.manifest import manifest
from bot.workspace import ApiCall, CommandAck, PostedMessage, Workspace

START_SECONDS = 60.0
MOST_SECONDS = 240.0
LOOK_SECONDS = 0.25
ACK_GOAL, SIGN_GOAL = 0.5, 1.0
FAILED = 1


class BenchError(Exception):
    """The bot could not be measured; the message is a sentence."""


def story(number: int) -> str:
    """What the worker writes for one brief and for no other: about 150 words."""
    days = [
        f"On day {day} ship {number} left the harbour with a calm sea and a good wind behind her."
        for day in range(1, 10)
    ]
    return "\n\n".join(" ".join(days[i : i + 3]) for i in (0, 3, 6))


class Worker:
    """A server at the worker's border that writes a word at a time, with no pause between."""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Its address."""
        app = web.Application()
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/chat/completions", self._chat)
        async with serve_http(app, "127.0.0.1", 0, shutdown_timeout=1.0) as address:
            yield address

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
class Asked:
    """One `/draft`: by whom, where, when (time.monotonic()), and how it was acked."""

    number: int
    person: str
    channel: str
    at: float
    ack: CommandAck


@dataclass(frozen=True, slots=True)
class Came:
    """What came of one `/draft`, in seconds after it; None for what did not come.

    `right`: one root, and one draft under it that says what the worker wrote, once.
    """

    ack: float | None
    sign: float | None
    text: float | None
    complete: float | None
    settled: float | None
    right: bool


class Load:
    """People who ask in a workspace, and what came of it."""

    def __init__(self, workspace: Workspace, drafts: int, channels: int) -> None:
        assert 0 < channels <= drafts
        self._workspace = workspace
        rooms = [workspace.channel(f"channel-{i}") for i in range(channels)]
        self._people = [
            (workspace.person(f"person-{i}"), rooms[i % channels]) for i in range(drafts)
        ]
        self._asked: list[Asked] = []

    async def run(self) -> list[Came]:
        """Ask, all within a second; wait until everything stands, or for four minutes."""
        began = time.monotonic()
        self._asked = await asyncio.gather(*map(self._ask, range(len(self._people))))
        while time.monotonic() - began < MOST_SECONDS:
            if all(map(self._stands, self._asked)):
                break
            await asyncio.sleep(LOOK_SECONDS)
        return [self._came(asked) for asked in self._asked]

    async def _ask(self, number: int) -> Asked:
        person, channel = self._people[number]
        await asyncio.sleep(number / len(self._people))
        at = time.monotonic()
        ack = await self._workspace.command(person, channel, "/draft", f"blog: ship {number}")
        return Asked(number, person, channel, at, ack)

    def _stands(self, asked: Asked) -> bool:
        """Whether the bot has nothing more to do: the draft closed, offered, the root changed."""
        roots, drafts = self._messages(asked)
        return (
            bool(roots and drafts)
            and all("actions" in _types(draft.blocks) and draft.reactions for draft in drafts)
            and not any("actions" in _types(root.blocks) for root in roots)
        )

    def _messages(self, asked: Asked) -> tuple[list[PostedMessage], list[PostedMessage]]:
        """The roots of what somebody asked for, and the drafts under them."""
        shown = self._workspace.messages(asked.channel)
        roots = [message for message in shown if asked.person in message.text]
        threads = [self._workspace.messages(asked.channel, root.ts)[1:] for root in roots]
        return roots, [message for thread in threads for message in thread]

    def _came(self, asked: Asked) -> Came:
        roots, drafts = self._messages(asked)
        calls = [call for call in self._workspace.calls if call.error is None]

        def first(of: Sequence[PostedMessage], what: Callable[[ApiCall], bool]) -> float | None:
            stamps = {message.ts for message in of}
            about = (
                call.at - asked.at
                for call in calls
                if call.args.get("ts", call.args.get("timestamp")) in stamps and what(call)
            )
            return next(about, None)

        posted = (
            call.at - asked.at
            for call in calls
            if call.method == "chat.postMessage" and asked.person in str(call.args.get("text"))
        )
        words = [draft.text.partition("\n\n")[2].split() for draft in drafts]
        return Came(
            ack=asked.ack.seconds if asked.ack.ok and not asked.ack.text else None,
            sign=next(posted, None),
            text=first(drafts, lambda call: f"ship {asked.number} left" in str(call.args)),
            complete=first(drafts, lambda call: "actions" in _types(call.args.get("blocks"))),
            settled=first(roots, lambda call: "actions" not in _types(call.args.get("blocks"))),
            right=len(roots) == 1 and words == [story(asked.number).split()],
        )


def _types(blocks: list[dict[str, object]] | None) -> list[object]:
    return [block["type"] for block in blocks or ()]


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of one run. `processor`: seconds that the bot computed."""

    came: Sequence[Came]
    calls: Sequence[ApiCall]
    processor: float

    def __post_init__(self) -> None:
        assert self.came

    def table(self) -> str:
        """For people."""
        spans = {
            "acks": [each.ack for each in self.came],
            "first sign": [each.sign for each in self.came],
            "first text": [each.text for each in self.came],
            "complete": [each.complete for each in self.came],
            "root up to date": [each.settled for each in self.came],
        }
        lines = [f"{'seconds':<24}{'p50':>8}{'p99':>8}{'max':>8}"]
        for name, seconds in spans.items():
            figures = [share(seconds, 0.5), share(seconds, 0.99), share(seconds, 1)]
            lines.append(f"{name:<24}" + "".join(f"{figure:>8.3f}" for figure in figures))
        lines += ["", f"{'calls':<36}{'made':>6}{'429':>6}"]
        made, refused = Counter(call.method for call in self.calls), self._refused
        lines += [f"{name:<36}{made[name]:>6}{refused[name]:>6}" for name in sorted(made)]
        lines += ["", f"drafts {len(self.came)}, lost {self._lost}, wrong or doubled {self._wrong}"]
        lines += [f"processor time of the bot {self.processor:.1f} s"]
        return "\n".join(lines)

    def missed(self) -> list[str]:
        """The goals that were missed, each in a few words."""
        acks, signs = [each.ack for each in self.came], [each.sign for each in self.came]
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
        return sum(None in (each.ack, each.sign, each.complete) for each in self.came)

    @property
    def _wrong(self) -> int:
        return sum(each.complete is not None and not each.right for each in self.came)


def share(seconds: Sequence[float | None], part: float) -> float:
    """The time within which this part of them came, by nearest rank; what did not come is inf."""
    ranked = sorted(math.inf if each is None else each for each in seconds)
    return ranked[math.ceil(part * len(ranked)) - 1]


async def measure(drafts: int, channels: int) -> Report:
    """Raises BenchError."""
    made = manifest("Draftsmith", "/draft")
    with tempfile.TemporaryDirectory(prefix="draftsmith-") as folder:
        async with Workspace(manifest=made) as workspace, Worker().serving() as worker:
            async with _bot(workspace, worker, Path(folder)):
                came = await Load(workspace, drafts, channels).run()
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            return Report(came, workspace.calls, used.ru_utime + used.ru_stime)


@asynccontextmanager
async def _bot(workspace: Workspace, worker: str, folder: Path) -> AsyncIterator[None]:
    settings = Alone(
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
            raise BenchError(f"The bot did not start: {_log(settings).read_text()[-500:]}")
        yield
    finally:
        process.terminate()
        await asyncio.to_thread(process.join)


def _run(settings: Settings) -> None:
    with _log(settings).open("w") as log, contextlib.redirect_stderr(log):
        sys.exit(asyncio.run(run(settings)))


def _log(settings: Settings) -> Path:
    return settings.data_dir / "log"


def main() -> int:
    """The exit code: 0, or 1 with one line that says what was missed."""
    parser = argparse.ArgumentParser(prog="python -m bot.bench", description=__doc__)
    parser.add_argument("--drafts", type=int, default=50, help="drafts begun in one second")
    parser.add_argument("--channels", type=int, default=50, help="channels they are shared by")
    options = parser.parse_args()
    if not 0 < options.channels <= options.drafts:
        parser.error("There must be at least one channel, and no more channels than drafts.")
    try:
        report = asyncio.run(measure(options.drafts, options.channels))
    except (BenchError, TimeoutError) as error:
        print(error, file=sys.stderr)
        return FAILED
    print(report.table())
    if missed := report.missed():
        print(f"missed: {', '.join(missed)}", file=sys.stderr)
    return FAILED if missed else 0


if __name__ == "__main__":
    sys.exit(main())
