"""Many people who ask for drafts, and when each sign of each draft came."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.bench.instant_worker import story
from bot.workspace import ApiCall, CommandAck, PostedMessage, Workspace

MOST_SECONDS = 240.0
LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class DraftRequest:
    """One `/draft`: who sent it, where, when (time.monotonic()), and its ack."""

    number: int
    person: str
    channel: str
    at: float
    ack: CommandAck


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

    def _messages(self, request: DraftRequest) -> tuple[list[PostedMessage], list[PostedMessage]]:
        """Return the roots of a request, and the drafts under them."""
        shown = self._workspace.messages(request.channel)
        roots = [message for message in shown if request.person in message.text]
        threads = [self._workspace.messages(request.channel, root.ts)[1:] for root in roots]
        return roots, [message for thread in threads for message in thread]

    def _outcome(self, request: DraftRequest) -> DraftOutcome:
        roots, drafts = self._messages(request)

        def posts_root(call: ApiCall) -> bool:
            text = str(call.args.get("text"))
            return call.method == "chat.postMessage" and request.person in text

        def has_buttons(call: ApiCall) -> bool:
            return "actions" in _types(call.args.get("blocks"))

        def about(messages: Sequence[PostedMessage], call: ApiCall) -> bool:
            ts = call.args.get("ts", call.args.get("timestamp"))
            return ts in {message.ts for message in messages}

        def first(matches: Callable[[ApiCall], bool]) -> float | None:
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
