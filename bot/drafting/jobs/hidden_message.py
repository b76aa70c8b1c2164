"""The message of a draft that is written in the background: nothing of it comes to Slack."""

from bot.drafting.slack_port import Row, Thumbs
from bot.messages import Phrase
from safety import SafeText


class HiddenMessage:
    """A `GrowingMessage` that nobody sees; what it would show is in the store."""

    async def open(self) -> str:
        """Return no ts: there is no message."""
        return ""

    def show(self, text: SafeText) -> None:
        """Show nothing."""

    def cut(self, chars: int) -> None:
        """Cut nothing: nothing is shown."""

    async def finish(
        self, note: Phrase | None, *, buttons: Row = (), thumbs: Thumbs | None = None
    ) -> None:
        """Show nothing."""

    async def stop(self, note: Phrase, *, buttons: Row = ()) -> None:
        """Show nothing."""

    async def retract(self, note: Phrase, *, buttons: Row = ()) -> None:
        """Show nothing."""

    async def abandon(self) -> None:
        """Stop nothing: nothing is on its way."""
