"""Who people are: read from Slack, remembered for a while. Reads only."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from bot.drafting.slack_port import NotThere, SlackError, SlackRefused
from bot.messages import Language, Phrase, Sentence, language_for

LookUp = Callable[[str], Awaitable[Mapping[str, Any]]]

REMEMBERED_SECONDS = 300.0
MOST_REMEMBERED = 20_000
AT_ONCE_SECONDS = 1.0
MEMBERS, ANYONE = "members", "anyone"


class People:
    """Whether a person may ask, and the language in which they are told something."""

    def __init__(self, look_up: LookUp, allowed: Sequence[str]) -> None:
        """`look_up(user)` asks Slack (users.info); it raises SlackUnavailable.

        `allowed`: `members`, `anyone`, or ids of users.
        """
        self._look_up = look_up
        self._allowed = frozenset(allowed)
        self._known: dict[str, tuple[float, Mapping[str, Any] | None]] = {}
        self._asking: dict[str, asyncio.Task[Mapping[str, Any] | None]] = {}

    async def may_ask(self, user: str, team: str) -> bool:
        """Full members of this workspace: no guests, no bots, no outsiders of shared channels.

        Raises SlackUnavailable.
        """
        if ANYONE in self._allowed or user in self._allowed:
            return True
        if MEMBERS not in self._allowed:
            return False
        known = await self._look(user)
        return known is not None and is_full_member(known, team)

    async def language(self, user: str) -> Language:
        """By the person's locale; English where Slack does not tell. Raises SlackUnavailable."""
        try:
            known = await self._look(user)
        except SlackRefused:
            known = None
        return language_for(str((known or {}).get("locale", "")))

    async def told(self, user: str, sentence: Sentence) -> Phrase:
        """The sentence in the person's language."""
        return sentence.to(await self.language_at_once(user))

    async def language_at_once(self, user: str) -> Language:
        """As `language`, but English where Slack does not tell within a second."""
        try:
            async with asyncio.timeout(AT_ONCE_SECONDS):
                return await self.language(user)
        except (SlackError, TimeoutError):
            return "en"

    async def _look(self, user: str) -> Mapping[str, Any] | None:
        """What Slack says of a person; None for one of another workspace, whom we may not see."""
        at, known = self._known.get(user, (None, None))
        if at is not None and time.monotonic() - at <= REMEMBERED_SECONDS:
            return known
        if user not in self._asking:
            self._asking[user] = asyncio.create_task(self._ask(user), name=f"users.info {user}")
        # Others wait for the same answer, so one who gives up must not take it from them.
        return await asyncio.shield(self._asking[user])

    async def _ask(self, user: str) -> Mapping[str, Any] | None:
        try:
            known = await self._look_up(user)
        except NotThere:
            known = None
        finally:
            del self._asking[user]
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[user] = (time.monotonic(), known)
        return known


def is_full_member(user: Mapping[str, Any], team: str) -> bool:
    """https://docs.slack.dev/reference/objects/user-object"""
    outside = user.get("is_stranger") or (team and user.get("team_id", team) != team)
    limited = user.get("is_restricted") or user.get("is_ultra_restricted")
    return not (outside or limited or user.get("is_bot") or user.get("deleted"))
