"""The voice that a draft is written in."""

from dataclasses import dataclass
from datetime import datetime

from bot.drafting.voice.voice import Voice
from bot.store import SavedVoice, Store, Thread

SILENT = Voice()


@dataclass(frozen=True, slots=True)
class HouseVoice:
    """A voice, and the versions that it is made of: of the workspace, and of the channel."""

    voice: Voice = SILENT
    workspace: int | None = None
    channel: int | None = None


async def house_voice(store: Store, thread: Thread, at: datetime | None = None) -> HouseVoice:
    """Return the voice for a thread's texts as it was at a moment, by default now.

    A draft that is taken up again is written in the voice in which it was begun.
    """
    whole = await store.find_voice(thread.team, "", at)
    own = await store.find_voice(thread.team, thread.post_to or thread.channel, at)
    voice = voice_of(own).over(voice_of(whole))
    return HouseVoice(voice, _number(whole), _number(own))


def voice_of(saved: SavedVoice | None) -> Voice:
    """Return what was saved."""
    return Voice.from_dict(saved.says) if saved else SILENT


def _number(saved: SavedVoice | None) -> int | None:
    return saved.number if saved else None
