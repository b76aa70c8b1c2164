"""The only code that writes to Slack. Only phrases of the catalogue and released text go out."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.drafting.slack_port import (
    Button,
    Content,
    FileKind,
    NotThere,
    Place,
    Shown,
    SlackError,
    SlackRefused,
)
from bot.messages import Phrase, ours
from bot.slack.client.api_client import ApiClient
from bot.slack.client.posts import Posts
from bot.slack.client.rate_limit import TIERS, Clock, RateLimit
from bot.slack.draft_message import DraftMessage, OnPosted
from bot.slack.render import blocks
from bot.slack.render.documents import file_name, file_of
from bot.slack.render.markup import split
from bot.slack.render.views import View
from safety import SafeText, safe

log = structlog.get_logger(__name__)


def is_closed(channel: Mapping[str, Any]) -> bool:
    """Whether a conversation is private, and shared with no other workspace.

    https://docs.slack.dev/reference/objects/conversation-object
    """
    shared = channel.get("is_ext_shared") or channel.get("is_pending_ext_shared")
    return bool(channel.get("is_private")) and not shared


class Outbox:
    """Every write: one HTTP session, budgets by method and channel, Retry-After obeyed.

    What leaves it as an error: SlackUnavailable (try later), NotThere (gone, or closed to us),
    SlackRefused (a bug, or a missing scope).
    """

    def __init__(
        self,
        client: AsyncWebClient,
        *,
        budgets: Mapping[str, int] = TIERS,
        clock: Clock | None = None,
    ) -> None:
        self.wire = ApiClient(client, RateLimit(budgets, clock))
        self._messages = Posts(self.wire)

    async def post(self, place: Place, content: Content, *, key: str) -> str:
        """The ts of the message. Posted once, even if answers are lost; `key` is an id of ours."""
        return await self._messages.post(place, blocks.message(content), key)

    async def find(self, place: Place, *, key: str, head: Phrase | None = None) -> str | None:
        """The ts of a message that a crash may have left unrecorded.

        A draft's messages have the keys `<key>/1`, `<key>/2`, ...; one that still streams is known
        by its first line only: give its `head`.
        """
        return await self._messages.find(place, key, head=head)

    async def post_text(
        self, place: Place, text: SafeText, note: Phrase, *, key: str, again: bool
    ) -> None:
        """Post a finished text for everybody, in as many messages as it takes; a note at its end.

        `again`: some of it may stand already, posted by an earlier try with the same key.
        """
        parts = split(text)
        for i, part in enumerate(parts, 1):
            if not (again and await self._messages.find(place, f"{key}/{i}")):
                rendered = blocks.final(part, note if i == len(parts) else None)
                await self._messages.post(place, rendered, f"{key}/{i}")

    async def upload(
        self,
        place: Place,
        text: SafeText,
        kind: FileKind,
        *,
        comment: Phrase,
        again: bool,
    ) -> None:
        """The text as a file in a thread.

        `again`: an earlier try may have brought it; a file carries no metadata, so one of the same
        name is taken for it.
        """
        data = await asyncio.to_thread(file_of, text, kind)
        called = f"{safe(file_name(text)) or 'draft'}.{kind}"
        if not (again and await self._messages.has_file(place, called)):
            await self._messages.upload(place, called, data, comment)

    async def edit(self, channel: str, ts: str, content: Content, *, waits: bool = True) -> None:
        """Another content in place of a message's; waits its turn behind drafts that end.

        `waits` False: not at all, where Slack's budget is short.
        """
        if not (waits or self.wire.pace.free("chat.update")):
            return
        await self._messages.update(channel, ts, blocks.message(content), urgent=False)

    async def permalink(self, channel: str, ts: str) -> str | None:
        """The address of a message; None where Slack has none."""
        try:
            args = {"channel": channel, "message_ts": ts}
            return str((await self.wire.call("chat.getPermalink", args))["permalink"])
        except (NotThere, SlackRefused):
            return None

    async def delete(self, channel: str, ts: str) -> None:
        """Already gone is fine."""
        await self._messages.delete(channel, ts)

    def draft(
        self,
        place: Place,
        head: Phrase,
        *,
        key: str,
        on_posted: OnPosted,
        shown: Shown | None = None,
    ) -> DraftMessage:
        """A draft's message. `head` must be unique in the thread. `shown`: go on with what stands.

        `on_posted(part, ts)`, parts from 1, is awaited as soon as each message stands.
        """
        shown = shown or Shown()
        return DraftMessage(self._messages, place, head, key=key, shown=shown, on_posted=on_posted)

    async def tell(
        self,
        channel: str,
        user: str,
        phrase: Phrase,
        *,
        thread_ts: str | None = None,
        response_url: str | None = None,
        buttons: Sequence[Button] = (),
    ) -> None:
        """One sentence to one person, by the first way that is open: response_url, ephemeral, DM.

        In our own conversation it is a message like any other.

        A lost answer is repeated: it is better said twice, to one person, than never.
        """
        content = blocks.message(Content(phrase, buttons=buttons))
        said: dict[str, object] = {"text": content.text, "blocks": list(content.blocks)}
        if response_url:
            body = {**said, "response_type": "ephemeral", "replace_original": False}
            if await self.wire.answer_url(response_url, body):
                return None
        try:
            args = {**said, "channel": channel, "user": user, "thread_ts": thread_ts}
            if channel.startswith("D"):
                return await self._post_plain(args)
            await self.wire.call("chat.postEphemeral", args)
        except NotThere:
            await self._tell_in_dm(user, said)

    async def react(self, channel: str, ts: str, emoji: str) -> None:
        """Already there, or the message gone, is fine."""
        await self._reaction("reactions.add", channel, ts, emoji, fine="already_reacted")

    async def open_view(self, trigger_id: str, view: View) -> str:
        """Open a modal: its id. The trigger lives for 3 s; one already used is fine, it is open.

        Then there is no id to be had.
        """
        try:
            args = {"trigger_id": trigger_id, "view": view}
            opened = await self.wire.call("views.open", args, urgent=True)
        except SlackRefused as refusal:
            if refusal.error != "exchanged_trigger_id":
                raise
            return ""
        return str(opened["view"]["id"])

    async def update_view(self, view_id: str, view: View) -> None:
        """Another content in an open modal; one that was closed meanwhile is fine."""
        try:
            await self.wire.call("views.update", {"view_id": view_id, "view": view}, urgent=True)
        except SlackRefused as refusal:
            if refusal.error != "not_found":
                raise

    async def publish_home(self, user: str, view: View) -> None:
        """The app's home tab, as this person sees it."""
        await self.wire.call("views.publish", {"user_id": user, "view": view})

    async def suggest(
        self, channel: str, thread_ts: str, prompts: Sequence[tuple[Phrase, Phrase]], title: Phrase
    ) -> None:
        """What somebody may begin a chat with: (shown, said). Best effort."""
        shown = [{"title": ours(each), "message": ours(said)} for each, said in prompts]
        args = {"channel_id": channel, "thread_ts": thread_ts, "title": ours(title)}
        await self._best_effort("assistant.threads.setSuggestedPrompts", {**args, "prompts": shown})

    async def title(self, place: Place, text: SafeText) -> None:
        """What a chat is about, in the list of chats. Best effort: most threads are none."""
        args = {"channel_id": place.channel, "thread_ts": place.thread_ts, "title": safe(text)}
        await self._best_effort("assistant.threads.setTitle", args)

    async def status(self, place: Place, status: Phrase, loading: Sequence[Phrase] = ()) -> None:
        """What the app is doing, below the thread; empty clears it. Best effort, never waits.

        Slack itself takes it away after two minutes.
        """
        args = {
            "channel_id": place.channel,
            "thread_ts": place.thread_ts,
            "status": ours(status),
            "loading_messages": list(map(ours, loading)) or None,
        }
        await self._best_effort("assistant.threads.setStatus", args)

    async def join(self, channel: str) -> None:
        """Become a member of a public channel. Raises NotThere for any other conversation."""
        try:
            await self.wire.call("conversations.join", {"channel": channel}, urgent=True)
        except SlackRefused as refusal:
            if refusal.error == "method_not_supported_for_channel_type":
                raise NotThere(refusal.error) from None
            raise

    async def is_member(self, channel: str) -> bool:
        """Raises NotThere for a conversation that the app cannot even see."""
        found = await self.wire.call("conversations.info", {"channel": channel}, urgent=True)
        return bool(found["channel"].get("is_member") or found["channel"].get("is_im"))

    async def is_closed(self, channel: str) -> bool:
        """Whether none but its members, all of this workspace, can read the channel.

        Raises NotThere for one that the app cannot see.
        """
        found = await self.wire.call("conversations.info", {"channel": channel})
        return is_closed(found["channel"])

    async def dm(self, user: str) -> str:
        """The channel of our conversation with a person."""
        opened = await self.wire.call("conversations.open", {"users": user}, urgent=True)
        return str(opened["channel"]["id"])

    async def answer(self, response_url: str, phrase: Phrase, *, replace: bool = True) -> None:
        """A sentence to one person only, in place of what they clicked on or beside it.

        Best effort: the url may be old.
        """
        content = blocks.message(Content(phrase))
        body = {
            "text": content.text,
            "blocks": list(content.blocks),
            "response_type": "ephemeral",
            "replace_original": replace,
        }
        await self.wire.answer_url(response_url, body)

    async def whoami(self) -> Mapping[str, Any]:
        """What Slack says of the bot (auth.test): user_id, bot_id, team_id."""
        return await self._messages.whoami()

    async def person(self, user: str) -> dict[str, Any]:
        """What Slack says of a person, with their locale (users.info)."""
        args = {"user": user, "include_locale": "true"}
        return dict((await self.wire.call("users.info", args, urgent=True))["user"])

    async def tell_in_dm(self, user: str, phrase: Phrase) -> None:
        """One sentence to one person, in our conversation."""
        content = blocks.message(Content(phrase))
        await self._tell_in_dm(user, {"text": content.text, "blocks": list(content.blocks)})

    async def _best_effort(self, method: str, args: Mapping[str, object]) -> None:
        if not self.wire.pace.free(method):
            return
        try:
            await self.wire.attempt(method, args)
        except SlackError as error:
            log.info("not done", method=method, error=str(error))

    async def _tell_in_dm(self, user: str, said: Mapping[str, object]) -> None:
        await self._post_plain({**said, "channel": await self.dm(user)})

    async def _post_plain(self, args: Mapping[str, object]) -> None:
        """Where nobody else reads it."""
        plain = {name: value for name, value in args.items() if name != "user"}
        await self.wire.call(
            "chat.postMessage", {**plain, "unfurl_links": False, "unfurl_media": False}
        )

    async def _reaction(self, method: str, channel: str, ts: str, emoji: str, fine: str) -> None:
        try:
            await self.wire.call(method, {"channel": channel, "timestamp": ts, "name": emoji})
        except NotThere:
            return
        except SlackRefused as refusal:
            if refusal.error != fine:
                raise
