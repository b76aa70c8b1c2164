"""The only code that writes to Slack. Only phrases of the catalogue and released text go out."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.drafting.slack_port import (
    Button,
    CanvasLink,
    Content,
    Edit,
    FileKind,
    FooterEdit,
    Heads,
    NotThere,
    Place,
    Shown,
    SlackError,
    SlackRefused,
    SlackUnavailable,
    Work,
)
from bot.messages import Phrase, ours
from bot.slack.client.api_client import AnswerLost, ApiArgs, ApiClient, RateLimited
from bot.slack.client.canvases import Canvases
from bot.slack.client.lookups import Lookups
from bot.slack.client.posts import Posts, update_args
from bot.slack.client.rate_limit import TIERS, Clock, Priority, RateLimiter
from bot.slack.draft_message import DraftMessage, OnDeleted, OnPosted, OnText
from bot.slack.render import blocks
from bot.slack.render.blocks import Rendered
from bot.slack.render.canvas import canvas_markdown
from bot.slack.render.documents import file_name, file_of
from bot.slack.render.parts import split
from bot.slack.sessions import Sessions
from bot.slack.views import Views
from safety import SafeText, safe

log = structlog.get_logger(__name__)


class Outbox(Lookups):
    """The `SlackPort` in production: one HTTP session, within the rate limits of Slack."""

    def __init__(
        self,
        client: AsyncWebClient,
        *,
        budgets: Mapping[str, int] = TIERS,
        clock: Clock | None = None,
        seconds_to_write: Callable[[], float] = lambda: math.inf,
    ) -> None:
        """`seconds_to_write()`: how long no other bot can be writing what this one writes."""
        super().__init__(ApiClient(client, RateLimiter(budgets, clock), seconds_to_write))
        self.views = Views(self.api)
        self._sessions = Sessions(self.api)
        self._posts = Posts(self.api, self.whoami, self._sessions)
        self._canvases = Canvases(self.api, self.whoami)

    async def post(self, place: Place, content: Content, *, key: str) -> str:
        """Post a message and return its ts; once, even if answers are lost. `key` is an id."""
        return await self._posts.post(place, blocks.message(content), key)

    async def find(
        self,
        place: Place,
        *,
        key: str,
        head: Phrase | None = None,
        since: datetime | None = None,
    ) -> str | None:
        """Find a message of ours and return its ts; a draft's keys are `<key>/1`, `<key>/2`, ..."""
        begun = since.timestamp() if since else 0.0
        return await self._posts.find(place, key, head=head, since=begun)

    async def edit(self, channel: str, ts: str, content: Content) -> None:
        """Replace a message's content."""
        await self._posts.update(channel, ts, blocks.message(content))

    async def edit_later(self, choose: Callable[[], Awaitable[Edit | FooterEdit | None]]) -> None:
        """Wait until nobody else needs the call, and make the edit that `choose` then returns.

        Made once: raises SlackUnavailable where there is no answer.
        """
        await self.api.rate_limit.acquire("chat.update", priority=Priority.LATER)
        edit = await choose()
        if edit is None:
            return
        args = self._footer_args(edit) if isinstance(edit, FooterEdit) else _edit_args(edit)
        if args is None:
            return
        try:
            await self.api.attempt("chat.update", args)
        except (AnswerLost, RateLimited) as away:
            raise SlackUnavailable("chat.update") from away

    def _footer_args(self, edit: FooterEdit) -> ApiArgs | None:
        """Return the arguments that show a draft's last message with another footer."""
        bodies, last = split(edit.text), len(edit.posts)
        if len(bodies) != last:
            return None
        thumbs = edit.thumbs if self._posts.takes_thumbs else None
        closing = blocks.closing(edit.note, edit.buttons, thumbs)
        content = blocks.draft(ours(edit.heads(last)), bodies[-1], *closing)
        return update_args(edit.channel, edit.posts[-1], content, "")

    async def delete(self, channel: str, ts: str) -> None:
        """Delete a message; already gone is fine."""
        await self._posts.delete(channel, ts)

    async def react(self, channel: str, ts: str, emoji: str) -> None:
        """Put an emoji under a message; there already, or no message any more, is fine."""
        args = {"channel": channel, "timestamp": ts, "name": emoji}
        try:
            await self.api.call("reactions.add", args, priority=Priority.LATER)
        except NotThere:
            return
        except SlackRefused as refusal:
            if refusal.error != "already_reacted":
                raise

    def draft(
        self,
        place: Place,
        heads: Heads,
        *,
        key: str,
        on_posted: OnPosted,
        on_deleted: OnDeleted,
        on_text: OnText,
        shown: Shown | None = None,
    ) -> DraftMessage:
        """Return a draft's message. `heads` are unique in the thread. `shown`: to resume it.

        `on_posted(part, ts)`, parts from 1, is awaited as soon as each message is in Slack;
        `on_deleted(part)` once one that is not needed is gone from it; `on_text()` is
        called once its first words stand.
        """
        return DraftMessage(
            self._posts,
            place,
            heads,
            key=key,
            shown=shown or Shown(),
            on_posted=on_posted,
            on_deleted=on_deleted,
            on_text=on_text,
        )

    async def post_text(
        self, place: Place, text: SafeText, note: Phrase, *, key: str, again: bool
    ) -> str:
        """Post a finished text for everybody, in as many messages as it needs, with a note.

        Returns the ts of the first.
        """
        parts, stands = split(text), []
        for i, part in enumerate(parts, 1):
            ts = await self._posts.find(place, f"{key}/{i}") if again else None
            if ts is None:
                content = blocks.final(part, note if i == len(parts) else None)
                ts = await self._posts.post(place, content, f"{key}/{i}")
            stands.append(ts)
        return stands[0]

    async def upload(
        self,
        place: Place,
        text: SafeText,
        kind: FileKind,
        *,
        comment: Phrase,
        since: datetime,
        again: bool,
        mark: Phrase | None = None,
    ) -> str | None:
        """Put the text as a file into a thread, once, and return its address."""
        data = await asyncio.to_thread(file_of, text, kind, mark and ours(mark))
        name = f"{safe(file_name(text)) or 'draft'}.{kind}"
        # A file has no metadata: one of ours with the same name since then counts as this one.
        begun = since.timestamp()
        file = await self._posts.find_file(place, name, begun) if again else None
        return await self.file_link(file or await self._posts.upload(place, name, data, comment))

    async def make_canvas(
        self, place: Place, text: SafeText, note: Phrase, *, since: datetime, again: bool
    ) -> CanvasLink:
        """Make a canvas of the text, once, open to its readers, and return its address."""
        title, markdown = file_name(text), canvas_markdown(text, note)
        started = since.timestamp()
        url = await self._canvases.make(place, safe(title), markdown, since=started, again=again)
        return CanvasLink(url, title)

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
        """Say a sentence to one person: in their thread, by response_url, else wherever it can be.

        What a response_url says to one person stands in the channel, where nobody looks who reads
        a thread. https://docs.slack.dev/interactivity/handling-user-interaction
        In our conversation it is an ordinary message. A call whose answer is lost is repeated: to
        read the sentence twice is better than never.
        """
        content = blocks.message(Content(phrase, buttons=buttons))
        if thread_ts and await self._whisper(channel, user, content, thread_ts):
            return
        if response_url and await self.respond(response_url, phrase, buttons, replace=False):
            return
        if thread_ts or not await self._whisper(channel, user, content):
            await self._post_unkeyed(await self.open_dm(user), content)

    async def _whisper(
        self, channel: str, user: str, content: Rendered, thread_ts: str | None = None
    ) -> bool:
        """Show something to one person in a channel; False where Slack does not take it there."""
        try:
            if channel.startswith("D"):
                await self._post_unkeyed(channel, content, thread_ts)
            else:
                args = {**content.args, "channel": channel, "user": user, "thread_ts": thread_ts}
                await self.api.call("chat.postEphemeral", args)
        except NotThere:
            return False
        except SlackRefused as refused:
            log.warning("not told in the channel", error=str(refused))
            return False
        return True

    async def tell_in_dm(self, user: str, phrase: Phrase) -> None:
        """Say a sentence to one person, in our conversation."""
        content = blocks.message(Content(phrase))
        await self._post_unkeyed(await self.open_dm(user), content)

    async def respond(
        self,
        response_url: str,
        phrase: Phrase,
        buttons: Sequence[Button] = (),
        *,
        replace: bool = True,
    ) -> bool:
        """Say a sentence to one person, where they clicked or beside it; False: it is too late."""
        content = blocks.message(Content(phrase, buttons=buttons))
        options = {"response_type": "ephemeral", "replace_original": replace}
        return await self.api.respond(response_url, {**content.args, **options})

    async def open_dm(self, user: str) -> str:
        """Return the channel of our conversation with a person."""
        opened = await self.api.call("conversations.open", {"users": user})
        return str(opened["channel"]["id"])

    async def join(self, channel: str) -> None:
        """Become a member of a public channel. Raises NotThere for any other conversation."""
        try:
            await self.api.call("conversations.join", {"channel": channel})
        except SlackRefused as refusal:
            if refusal.error == "method_not_supported_for_channel_type":
                raise NotThere(refusal.error) from None
            raise

    async def suggest_prompts(
        self, channel: str, prompts: Sequence[tuple[Phrase, Phrase]], title: Phrase
    ) -> None:
        """Offer in our conversation what to begin with, as (shown, said). Best effort.

        Not in a thread: there, Slack takes the prompts of an agent and shows none.
        """
        shown = [{"title": ours(each), "message": ours(said)} for each, said in prompts]
        args = {"channel_id": channel, "title": ours(title), "prompts": shown}
        await self._best_effort("assistant.threads.setSuggestedPrompts", args)

    async def show_work(self, place: Place, work: Work, *, key: str) -> None:
        """Show that the job named `key` works in a thread. Best effort, no wait."""
        await self._sessions.work(place, work, key)

    async def show_rest(self, place: Place, *, key: str, again: bool, over: bool = False) -> None:
        """Show that the job works there no more; `again`: an earlier process may have begun it.

        `over`: nothing is left in the thread.
        """
        await self._sessions.rest(place, key, again=again, over=over)

    def forget_work(self, place: Place, *, key: str) -> None:
        """Leave what is shown of a thread to another bot, which works there."""
        self._sessions.forget(place, key)

    async def _best_effort(self, method: str, args: ApiArgs) -> None:
        if not self.api.rate_limit.is_free(method):
            return
        try:
            await self.api.attempt(method, args)
        except SlackError as error:
            log.info("not done", method=method, error=str(error))

    async def _post_unkeyed(
        self, channel: str, content: Rendered, thread_ts: str | None = None
    ) -> None:
        """Post where only one person reads it, so that it may come twice."""
        options = {"unfurl_links": False, "unfurl_media": False}
        args = {**content.args, "channel": channel, "thread_ts": thread_ts, **options}
        await self.api.call("chat.postMessage", args)


def _edit_args(edit: Edit) -> ApiArgs:
    return update_args(edit.channel, edit.ts, blocks.message(edit.content), "")
