"""One Slack message of a draft: it grows by a stream while it can, else by chat.update."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import Enum, auto

from bot.drafting.slack_port import Content, Place, SlackRefused
from bot.messages import Phrase
from bot.slack.client.posts import Posts, post_metadata, update_args
from bot.slack.render import blocks
from bot.slack.render.blocks import Block
from bot.slack.render.markup import markdown
from safety import SafeText
from safety import part as excerpt

# How Slack says that a stream has ended already, by its age or by Slack's own stop button.
ENDED = {"message_not_in_streaming_state", "stopped_by_user"}
# How it says that a message is a stream still.
STREAMS = "streaming_state_conflict"
BAD_BLOCKS = {"invalid_blocks", "invalid_blocks_format"}


class StreamState(Enum):
    """Whether a message is one of Slack's streams; chat.update cannot change an open one.

    A BROKEN one takes nothing more, but may be open. What an earlier process began is UNKNOWN.
    """

    OPEN = auto()
    BROKEN = auto()
    UNKNOWN = auto()
    CLOSED = auto()


class DraftPart:
    """A message with a head line and one part of `parts.split`, which is its body."""

    def __init__(
        self, posts: Posts, place: Place, head: Phrase, key: str, *, ts: str, stream: StreamState
    ) -> None:
        self.ts = ts
        self.stream = stream
        self._posts = posts
        self._place = place
        self._head = head
        self._key = key
        self._sent = ""  # The Markdown of the body that Slack surely shows.
        self._offered = 0  # Characters of the body that it may show: perhaps more than is sure.
        self._complete = False

    def can_grow(self, body: SafeText) -> bool:
        """Say whether `grow` would show more than Slack shows now."""
        return bool(self._unsent(markdown(self._showable(body))))

    async def grow(self, body: SafeText) -> int:
        """Show more of the body by one call. Return how many of its characters are shown now.

        Raises RateLimited, AnswerLost, NotThere, SlackRefused.
        """
        shown = self._showable(body)
        whole = markdown(shown)
        self._offered = len(shown)
        if self.stream is StreamState.OPEN:
            at = {"channel": self._place.channel, "ts": self.ts}
            args = {**at, "markdown_text": self._unsent(whole)}
            await self._posts.api.attempt("chat.appendStream", args)
        else:
            content = blocks.draft(self._head, shown, blocks.GROWING)
            update = update_args(self._place.channel, self.ts, content, self._key)
            await self._outside_stream(lambda: self._posts.api.attempt("chat.update", update))
        self._sent = whole
        return len(shown)

    async def complete(self, body: SafeText, closing: list[Block]) -> None:
        """Show the whole body and what closes it, whatever was shown before."""
        whole = markdown(body)
        if self._complete and whole == self._sent and not closing:
            return
        streams = self.stream is StreamState.OPEN and whole.startswith(self._sent)
        if not (streams and await self._stop_stream(whole, closing)):
            await self._outside_stream(lambda: self._update(body, closing))
        self._sent, self._complete = whole, True

    async def _update(self, body: SafeText, closing: list[Block]) -> None:
        """Show all by chat.update; where Slack takes no thumbs, the draft ends without them."""
        content = blocks.draft(self._head, body, *closing)
        try:
            await self._posts.update(self._place.channel, self.ts, content, key=self._key)
        except SlackRefused as refusal:
            without = blocks.without_thumbs(closing)
            if refusal.error not in BAD_BLOCKS or without == closing:
                raise
            content = blocks.draft(self._head, body, *without)
            await self._posts.update(self._place.channel, self.ts, content, key=self._key)
            self._posts.takes_thumbs = False

    async def _outside_stream(self, change: Callable[[], Awaitable[object]]) -> None:
        """Change the message by chat.update, which Slack takes of no open stream.

        A message that an earlier process began is rarely one, and stops are few: Slack is asked for
        one only where it says that there is a stream.
        https://docs.slack.dev/reference/methods/chat.update
        """
        if self.stream is not StreamState.UNKNOWN:
            await self.close_stream()
        try:
            await change()
        except SlackRefused as refused:
            if refused.error != STREAMS:
                raise
            await self.close_stream()
            await change()
        self.stream = StreamState.CLOSED

    async def close_stream(self) -> None:
        """End the stream, if there may be one."""
        if self.stream is StreamState.CLOSED:
            return
        with suppress(SlackRefused):
            await self._posts.stop_stream(self._place, self.ts)
        self.stream = StreamState.CLOSED

    def note_refusal(self, refusal: SlackRefused) -> None:
        """Note that a stream takes nothing more; chat.update goes on in its place."""
        ended = refusal.error in ENDED
        self.stream = StreamState.CLOSED if ended else StreamState.BROKEN

    async def replace(self, content: Content) -> None:
        """Replace the head line and the body."""
        said, channel = blocks.message(content), self._place.channel
        await self._outside_stream(
            lambda: self._posts.update(channel, self.ts, said, key=self._key)
        )

    async def delete(self) -> None:
        """Delete the message; already gone is fine."""
        await self.close_stream()
        await self._posts.delete(self._place.channel, self.ts)

    async def _stop_stream(self, whole: str, closing: list[Block]) -> bool:
        """Close the stream with the rest of its text. Return False if it was not open any more.

        Safe to repeat: a second stop finds no stream.
        """
        rest = {
            "markdown_text": self._unsent(whole) or None,
            "blocks": closing or None,
            "metadata": post_metadata(self._key),
        }
        try:
            await self._posts.stop_stream(self._place, self.ts, **rest)
        except SlackRefused as refusal:
            self.note_refusal(refusal)
            return False
        self.stream = StreamState.CLOSED
        return True

    def _unsent(self, whole: str) -> str:
        """Return what is not sent yet; nothing, if that is only white space."""
        rest = whole[len(self._sent) :] if whole.startswith(self._sent) else ""
        return rest if rest.strip() else ""

    def _showable(self, body: SafeText) -> SafeText:
        """Return what of the body can be shown: never less than Slack may show already.

        All of it goes into a stream, and into the message whose stream broke, of which it is not
        known how much it took; else its finished paragraphs.
        """
        if self.stream is not StreamState.CLOSED:
            return body
        paragraphs = body.rfind("\n\n") + 2 if "\n\n" in body else 0
        return excerpt(body, 0, max(paragraphs, self._offered))
