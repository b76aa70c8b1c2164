"""The app's own messages and files: posted once, found again, changed, deleted."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from bot.drafting.slack_port import NotThere, Place, SlackRefused, SlackUnavailable
from bot.messages import Phrase, ours
from bot.slack.client.api_client import AnswerLost, ApiAnswer, ApiArgs, ApiClient, RateLimited
from bot.slack.client.rate_limit import Priority
from bot.slack.render import blocks
from bot.slack.render.blocks import Rendered
from bot.slack.render.markup import plain
from bot.slack.sessions import Sessions

EVENT_TYPE = "draftsmith"
# Seconds between looks for a shared file: Slack shares it a while after it has said so.
SHARED_PAUSES = (0.5, 1.0, 2.0)
CLOCKS = 30  # Seconds by which Slack's clock and ours may differ.
PAGE = 200
PAGES = 10


class Posts:
    """Slack has no idempotency key: if an answer is lost, look for the post before a repeat."""

    def __init__(
        self, api: ApiClient, whoami: Callable[[], Awaitable[ApiAnswer]], sessions: Sessions
    ) -> None:
        self.api = api
        self._sessions = sessions
        self._whoami = whoami
        self._has_streams = True
        # Whether this workspace takes thumbs; where it does not, that stays so while we run.
        self.takes_thumbs = True

    async def post(self, place: Place, content: Rendered, key: str) -> str:
        """Post a message and return its ts; once, however often the answer is lost."""
        args = {
            "channel": place.channel,
            "thread_ts": place.thread_ts,
            **content.args,
            "metadata": post_metadata(key),
            "unfurl_links": False,
            "unfurl_media": False,
        }
        return await self._post_once("chat.postMessage", args, place, key)

    async def start_stream(self, place: Place, head: Phrase, key: str) -> str | None:
        """Start a stream that says `head` and return its ts; None if no stream is granted now."""
        is_free = self.api.rate_limit.is_free("chat.startStream", Priority.ANSWER)
        if not (self._has_streams and place.thread_ts and is_free):
            return None
        args = {
            "channel": place.channel,
            "thread_ts": place.thread_ts,
            "recipient_user_id": place.user or None,
            "recipient_team_id": place.team or None,
            "markdown_text": blocks.head_markdown(head),
        }
        try:
            return await self._post_once("chat.startStream", args, place, key, head)
        except SlackRefused as refusal:
            self._has_streams = refusal.error != "unknown_method"
        except (NotThere, RateLimited):
            pass  # Perhaps only for streams: the post that follows shows it.
        return None

    async def stop_stream(self, place: Place, ts: str, **rest: object) -> None:
        """Stop a stream with the rest of its content; a thread at work stays so."""
        status = self._sessions.status_in(place)
        args = {"channel": place.channel, "ts": ts, "session_status": status, **rest}
        await self.api.call("chat.stopStream", args, priority=Priority.END)

    async def find(
        self, place: Place, key: str, *, head: Phrase | None = None, since: float = 0.0
    ) -> str | None:
        """Find our message with this key and return its ts.

        An open stream has no key: it is found by its first line, `head`, which must belong to one
        draft only within its thread; `since` then, lest it be that of another database.
        """
        async for message in self._read_ours(place):
            found = _key_of(message)
            late = float(message["ts"]) > since - CLOCKS
            if found == key or (found is None and late and _begins_with(message, head)):
                return str(message["ts"])
        return None

    async def update(self, channel: str, ts: str, content: Rendered, *, key: str = "") -> None:
        """Replace the content of a message."""
        args = update_args(channel, ts, content, key)
        await self.api.call("chat.update", args, priority=Priority.END)

    async def delete(self, channel: str, ts: str) -> None:
        """Delete a message; already gone is fine."""
        try:
            args = {"channel": channel, "ts": ts}
            await self.api.call("chat.delete", args, priority=Priority.END)
        except NotThere as gone:
            if not gone.deleted:
                raise

    async def upload(self, place: Place, name: str, data: bytes, comment: Phrase) -> str:
        """Put a file into a thread, once, and return its id.

        Only its last step shows it. A ticket or a transfer that is repeated leaves nothing behind
        that anybody sees. If the answer of the last is lost, the file is looked for during some
        seconds before a repeat: shared later than that, it would be there twice.
        https://docs.slack.dev/messaging/working-with-files
        """
        args = {"filename": name, "length": len(data)}
        ticket = await self.api.call("files.getUploadURLExternal", args)
        await self.api.upload(str(ticket["upload_url"]), data)
        file = str(ticket["file_id"])
        share = {
            "files": [{"id": file, "title": name}],
            "channel_id": place.channel,
            "thread_ts": place.thread_ts,
            "initial_comment": ours(comment),
        }
        await self._share_once(share, file, place.channel)
        return file

    async def find_file(self, place: Place, name: str, since: float) -> str | None:
        """Find the file of this name that we have put there since then and return its id."""
        async for message in self._read_ours(place):
            for file in message.get("files") or []:
                if file.get("title") == name and float(message["ts"]) > since - CLOCKS:
                    return str(file["id"])
        return None

    async def _share_once(self, share: ApiArgs, file: str, channel: str) -> None:
        """Share an uploaded file; if the answer is lost, look for it before a repeat."""
        method = "files.completeUploadExternal"
        for pause in self.api.pauses():
            await self.api.rate_limit.acquire(method)
            try:
                await self.api.attempt(method, share)
                return
            except RateLimited:
                continue
            except AnswerLost:
                await self.api.rate_limit.clock.sleep(pause)
            if await self._becomes_shared(file, channel):
                return
        raise SlackUnavailable(method)

    async def _becomes_shared(self, file: str, channel: str) -> bool:
        """Say whether a file is in a channel, or comes there within some seconds.

        Slack first scans it: https://github.com/slackapi/bolt-js/issues/2115
        """
        for pause in SHARED_PAUSES:
            if await self._is_shared(file, channel):
                return True
            await self.api.rate_limit.clock.sleep(pause)
        return await self._is_shared(file, channel)

    async def _is_shared(self, file: str, channel: str) -> bool:
        """Say whether a file is in a channel. https://docs.slack.dev/reference/objects/file-object"""
        try:
            known = (await self.api.call("files.info", {"file": file}))["file"]
        except NotThere:
            return False
        places = [known.get(kind) or [] for kind in ("channels", "groups", "ims")]
        return any(channel in place for place in places)

    async def _post_once(
        self, method: str, args: ApiArgs, place: Place, key: str, head: Phrase | None = None
    ) -> str:
        since = time.time()
        for pause in self.api.pauses():
            await self.api.rate_limit.acquire(method, channel=place.channel)
            try:
                return str((await self.api.attempt(method, args))["ts"])
            except RateLimited:
                if head is not None:
                    # A message is there at once; a stream is not worth the wait.
                    raise
                continue
            except AnswerLost:
                await self.api.rate_limit.clock.sleep(pause)
            if (ts := await self.find(place, key, head=head, since=since)) is not None:
                return ts
        raise SlackUnavailable(method)

    async def _read_ours(self, place: Place) -> AsyncIterator[ApiAnswer]:
        """Yield our messages there: of a thread the first ones, of a channel the last ones."""
        me = (await self._whoami())["user_id"]
        args: dict[str, object] = {"channel": place.channel, "limit": PAGE}
        args["include_all_metadata"] = True
        method = "conversations.history"
        if place.thread_ts:
            method, args["ts"] = "conversations.replies", place.thread_ts
        for _ in range(PAGES):
            answer = await self.api.call(method, args)
            for message in answer["messages"]:
                if message.get("user") == me:
                    yield message
            args["cursor"] = answer.get("response_metadata", {}).get("next_cursor")
            if not args["cursor"]:
                return


def post_metadata(key: str) -> dict[str, object]:
    """Return the mark of a message of ours. Any app may read it: an id, never a text."""
    return {"event_type": EVENT_TYPE, "event_payload": {"key": key}}


def update_args(channel: str, ts: str, content: Rendered, key: str) -> ApiArgs:
    """Return the arguments of chat.update; without a key Slack keeps the metadata as it was."""
    metadata = post_metadata(key) if key else None
    return {"channel": channel, "ts": ts, **content.args, "metadata": metadata}


def _key_of(message: Mapping[str, Any]) -> str | None:
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    return payload.get("key") if metadata.get("event_type") == EVENT_TYPE else None


def _begins_with(message: Mapping[str, Any], head: Phrase | None) -> bool:
    first = plain(message.get("text", "")).strip().partition("\n")[0].strip()
    return head is not None and first == plain(head).strip()
