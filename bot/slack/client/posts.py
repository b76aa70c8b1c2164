"""The app's own messages: posted once, found again, changed, taken away."""

from collections.abc import AsyncIterator
from typing import Any

from bot.drafting.slack_port import NotThere, Place, SlackRefused, SlackUnavailable
from bot.messages import Phrase, ours
from bot.slack.client.api_client import Answer, AnswerLost, ApiClient, Args, RateLimited
from bot.slack.render import blocks
from bot.slack.render.blocks import Rendered
from bot.slack.render.markup import plain

EVENT_TYPE = "draftsmith"
PAGE = 200
PAGES = 10


class Posts:
    """Slack has no idempotency key: a post whose answer was lost is looked for before a repeat."""

    def __init__(self, wire: ApiClient) -> None:
        self.wire = wire
        self._me: Answer = {}
        self._streams = True

    async def post(self, place: Place, rendered: Rendered, key: str) -> str:
        """The ts of the message, which stands once however often the answer is lost."""
        args = {
            "channel": place.channel,
            "thread_ts": place.thread_ts,
            "text": rendered.text,
            "blocks": list(rendered.blocks),
            "metadata": metadata(key),
            "unfurl_links": False,
            "unfurl_media": False,
        }
        return await self._once("chat.postMessage", args, place, key)

    async def start(self, place: Place, head: Phrase, key: str) -> str | None:
        """The ts of a new stream that says `head`, or None where a stream cannot be had now."""
        if not (self._streams and place.thread_ts and self.wire.pace.free("chat.startStream")):
            return None
        args = {
            "channel": place.channel,
            "thread_ts": place.thread_ts,
            "recipient_user_id": place.user or None,
            "recipient_team_id": place.team or None,
            "markdown_text": blocks.head_markdown(head),
        }
        try:
            return await self._once("chat.startStream", args, place, key, head)
        except SlackRefused as refusal:
            self._streams = refusal.error != "unknown_method"
        except NotThere:
            pass  # Perhaps only for streams: the post that follows will tell.
        return None

    async def find(self, place: Place, key: str, *, head: Phrase | None = None) -> str | None:
        """Our message with this key, or, as a running stream carries none, with this first line.

        `head` must be of one draft only within its thread.
        """
        me = (await self.whoami())["user_id"]
        async for message in self._read(place):
            if message.get("user") == me and (_keyed(message, key) or _headed(message, head)):
                return str(message["ts"])
        return None

    async def update(
        self, channel: str, ts: str, rendered: Rendered, *, key: str = "", urgent: bool = True
    ) -> None:
        await self.wire.call("chat.update", update_args(channel, ts, rendered, key), urgent=urgent)

    async def upload(self, place: Place, name: str, data: bytes, comment: Phrase) -> None:
        """A file in a thread. https://docs.slack.dev/messaging/working-with-files"""
        args = {"filename": name, "length": len(data)}
        begun = await self.wire.call("files.getUploadURLExternal", args)
        await self.wire.upload(str(begun["upload_url"]), data)
        await self.wire.call(
            "files.completeUploadExternal",
            {
                "files": [{"id": begun["file_id"], "title": name}],
                "channel_id": place.channel,
                "thread_ts": place.thread_ts,
                "initial_comment": ours(comment),
            },
        )

    async def has_file(self, place: Place, name: str) -> bool:
        """Whether we have put a file of this name there."""
        me = (await self.whoami())["user_id"]
        async for message in self._read(place):
            files = message.get("files") or []
            if message.get("user") == me and any(file.get("title") == name for file in files):
                return True
        return False

    async def delete(self, channel: str, ts: str) -> None:
        try:
            await self.wire.call("chat.delete", {"channel": channel, "ts": ts}, urgent=True)
        except NotThere as gone:
            if gone.reason != "message_not_found":
                raise

    async def _once(
        self, method: str, args: Args, place: Place, key: str, head: Phrase | None = None
    ) -> str:
        for pause in self.wire.pauses():
            await self.wire.pace.turn(method, channel=place.channel)
            try:
                return str((await self.wire.attempt(method, args))["ts"])
            except RateLimited:
                continue
            except AnswerLost:
                await self.wire.pace.clock.sleep(pause)
            if (ts := await self.find(place, key, head=head)) is not None:
                return ts
        raise SlackUnavailable(method)

    async def _read(self, place: Place) -> AsyncIterator[Answer]:
        """What stands at the place: a thread from its beginning, a channel from its end."""
        args: dict[str, object] = {"channel": place.channel, "limit": PAGE}
        args["include_all_metadata"] = True
        method = "conversations.history"
        if place.thread_ts:
            method, args["ts"] = "conversations.replies", place.thread_ts
        for _ in range(PAGES):
            answer = await self.wire.call(method, args, urgent=True)
            for message in answer["messages"]:
                yield message
            args["cursor"] = answer.get("response_metadata", {}).get("next_cursor")
            if not args["cursor"]:
                return

    async def whoami(self) -> Answer:
        """What auth.test says of the bot."""
        self._me = self._me or await self.wire.call("auth.test", {})
        return self._me


def metadata(key: str) -> dict[str, object]:
    """Marks a message as ours. Any app may read it: an id, never a text."""
    return {"event_type": EVENT_TYPE, "event_payload": {"key": key}}


def update_args(channel: str, ts: str, rendered: Rendered, key: str) -> Args:
    """The arguments of chat.update; without a key Slack keeps the metadata as it was."""
    return {
        "channel": channel,
        "ts": ts,
        "text": rendered.text,
        "blocks": list(rendered.blocks),
        "metadata": metadata(key) if key else None,
    }


def _keyed(message: dict[str, Any], key: str) -> bool:
    marked = message.get("metadata") or {}
    payload = marked.get("event_payload") or {}
    return marked.get("event_type") == EVENT_TYPE and payload.get("key") == key


def _headed(message: dict[str, Any], head: Phrase | None) -> bool:
    first = plain(message.get("text", "")).strip().partition("\n")[0].strip()
    return head is not None and first == plain(head).strip()
