"""The voices of a workspace and its channels: who may change them, and how they are saved."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from bot.drafting.jobs.intake import Invocation
from bot.drafting.slack_port import NotThere, People
from bot.drafting.voice.told import LeftOut, tell
from bot.drafting.voice.voice import CHINESE, ENGLISH, MOST_SAMPLES, Voice
from bot.drafting.voice.word_list import read_avoided, read_words, typed_avoided
from bot.errors import InputError, UserError
from bot.messages import LANGUAGES, sentence, sentences
from bot.store import SavedVoice, Store
from safety import Filter, Stage, Verdict

Creator = Callable[[str], Awaitable[str]]
"""`creator(channel)` returns who made a channel; "" if nobody can tell."""

LONGEST = 3_000  # Characters of an input; Slack takes no more.
MOST: Mapping[str, int] = {"description": 1_500, "signature": 300}
SAMPLES = tuple(f"sample_{number}" for number in range(1, MOST_SAMPLES + 1))
# What is chosen from a few words of ours.
CHOSEN = ("english", "chinese")


@dataclass(frozen=True, slots=True)
class VoicePlace:
    """What a voice is for: a workspace, or with `channel` one channel of it."""

    team: str
    channel: str = ""

    @property
    def request(self) -> str:
        """What the audit calls it."""
        return f"voice-{self.channel or self.team}"


class HouseVoices:
    """Opens and saves voices for those who may. Raises StoreUnavailable."""

    def __init__(
        self, store: Store, filter_: Filter, people: People, creator: Creator, budget: int
    ) -> None:
        """`budget`: characters of a voice that the model is told."""
        self._store = store
        self._filter = filter_
        self._people = people
        self._creator = creator
        self._budget = budget

    async def place_for(self, invocation: Invocation, *, here: bool) -> VoicePlace:
        """Return the place whose voice a person asks for: where they are, or the workspace.

        Who may change the voice of the channel alone gets that. Raises UserError for all others,
        SlackUnavailable.
        """
        channel = VoicePlace(invocation.team, invocation.channel)
        if here and invocation.channel.startswith("D"):
            raise UserError(sentence("voice_no_channel"))
        place = channel if here else VoicePlace(invocation.team)
        if await self._may_change(place, invocation.user):
            return place
        if not here and await self._may_change(channel, invocation.user):
            return channel
        raise UserError(sentence("voice_not_allowed"))

    async def decides(self, invocation: Invocation) -> bool:
        """Say whether a person decides what holds for all drafts of where they are.

        In our own conversation that is they. Raises SlackUnavailable.
        """
        place = VoicePlace(invocation.team, invocation.channel)
        own = invocation.channel.startswith("D")
        return own or await self._may_change(place, invocation.user)

    async def find(self, place: VoicePlace) -> SavedVoice | None:
        """Return the voice of a place as it is now."""
        return await self._store.find_voice(place.team, place.channel)

    async def read(self, place: VoicePlace, typed: Mapping[str, str], user: str) -> Voice:
        """Return the voice that was typed, by the names of inputs, as the filter lets it through.

        Raises InputError, UserError for who may not, SlackUnavailable.
        """
        if not await self._may_change(place, user):
            raise UserError(sentence("voice_not_allowed"))
        words = {name: text.strip() for name, text in typed.items() if name not in CHOSEN}
        words = {name: text for name, text in words.items() if text}
        judging = [self._judged(place, name, text, user) for name, text in words.items()]
        verdicts = await asyncio.gather(*judging)
        released = {
            name: _released(verdict, name) for name, verdict in zip(words, verdicts, strict=True)
        }
        chosen = {name: typed.get(name, "") for name in CHOSEN}
        voice = _read(chosen | released)
        _check_lengths(released | typed_lists(voice))
        return voice

    async def save(
        self, place: VoicePlace, voice: Voice, user: str
    ) -> tuple[int, frozenset[LeftOut]]:
        """Save a voice that was read; return the version and what does not fit.

        Raises OSError without an audit.
        """
        says = json.dumps(voice.to_dict(), ensure_ascii=False)
        filter_ = self._filter_for(place)
        await filter_.saved(says, Stage.INPUT, request=place.request, who=user)
        saved = await self._store.add_voice(place.team, place.channel, user, json.loads(says))
        left_out = [tell(voice, language, self._budget).left_out for language in LANGUAGES]
        return saved.number, frozenset().union(*left_out)

    async def _may_change(self, place: VoicePlace, user: str) -> bool:
        """Slack tells an app no managers of a channel, but who made it, perhaps an outsider."""
        if await self._people.is_admin(user, place.team):
            return True
        if not place.channel or not await self._people.may_ask(user, place.team):
            return False
        try:
            return await self._creator(place.channel) == user
        except NotThere:
            return False

    async def _judged(self, place: VoicePlace, name: str, text: str, user: str) -> Verdict:
        stage = Stage.MATERIAL if name in SAMPLES else Stage.INPUT
        return await self._filter_for(place).judge(text, stage, request=place.request, who=user)

    def _filter_for(self, place: VoicePlace) -> Filter:
        return self._filter.within(place.team, place.channel)


def typed_lists(voice: Voice) -> dict[str, str]:
    """Return the lists of a voice as they can be typed, by the names of inputs."""
    return {"preferred": "\n".join(voice.preferred), "avoided": typed_avoided(voice.avoided)}


def _released(verdict: Verdict, name: str) -> str:
    """Return what the filter lets the model be told of an input. Raises InputError."""
    if verdict.text is None:
        raise InputError(sentence("voice_refused", rules=sentences.rules(verdict.rules)), name)
    return verdict.text


def _check_lengths(shown: Mapping[str, str]) -> None:
    """Raise InputError for what the form could not show: a mark may be longer than its word."""
    for name, text in shown.items():
        most = MOST.get(name, LONGEST)
        if len(text) > most:
            raise InputError(sentence("kept_too_long", most=most), name)


def _read(typed: Mapping[str, str]) -> Voice:
    """Return the voice that was typed. Raises InputError."""

    def said(name: str) -> str:
        return typed.get(name, "")

    voice = Voice(
        description=said("description"),
        samples=[typed[name] for name in SAMPLES if typed.get(name)],
        english=ENGLISH.get(said("english"), ""),
        chinese=CHINESE.get(said("chinese"), ""),
        signature=said("signature"),
    )
    try:
        voice = replace(voice, preferred=read_words(said("preferred")))
    except UserError as bad:
        raise InputError(bad.sentence, "preferred") from None
    try:
        return replace(voice, avoided=read_avoided(said("avoided")))
    except UserError as bad:
        raise InputError(bad.sentence, "avoided") from None
