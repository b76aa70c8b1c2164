"""Where an accepted text goes, and the question before it goes where its drafting was not seen."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.drafting.slack_port import Button
from bot.messages import Language, Phrase, sentence, sentences
from bot.store import Thread, Version

# The answers to the question.
POST, LEAVE = "accept_post", "accept_leave"


@dataclass(frozen=True, slots=True)
class Destination:
    """The channel of an accepted text; `apart`: its thread stands elsewhere, in private."""

    channel: str
    apart: bool

    @property
    def is_direct(self) -> bool:
        """Whether the text stays in our conversation with one person."""
        # Slack begins ids of conversations between two with D; an app is in its own alone.
        return self.channel.startswith("D")


def destination_of(thread: Thread, stands_in: str | None = None) -> Destination:
    """Return where texts of a thread go; `stands_in`: its channel, where that is just changing."""
    here = stands_in or thread.channel
    channel = thread.post_to or here
    return Destination(channel, apart=channel != here)


def question(
    version: Version, where: Destination, language: Language
) -> tuple[Phrase, Sequence[Button]]:
    """Ask whether a text that was drafted in private shall be posted; buttons answer."""
    value = str(version.id)
    buttons = [
        Button(sentence("post_button").to(language), POST, value, "primary"),
        Button(sentence("leave_button").to(language), LEAVE, value),
    ]
    return sentences.ask_to_post(version.number, where.channel).to(language), buttons
