"""People, as Slack knows them, remembered for some minutes. Reads only."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from bot.drafting.slack_port import NotThere, SlackError, SlackRefused
from bot.messages import Language, Phrase, Sentence, language_for
from bot.slack.client.membership import Installation

GetUser = Callable[[str], Awaitable[Mapping[str, Any]]]

REMEMBERED_SECONDS = 300.0
MOST_REMEMBERED = 20_000
AT_ONCE_SECONDS = 1.0
MEMBERS, ANYONE = "members", "anyone"


class SlackPeople:
    """Knows who may ask, and which language a person reads."""

    def __init__(
        self, get_user: GetUser, allowed: Sequence[str], installation: Installation
    ) -> None:
        """`get_user(user)` asks Slack (users.info); it raises SlackUnavailable.

        `allowed`: `members`, `anyone`, or ids of users.
        """
        self._installation = installation
        self._get_user = get_user
        self._allowed = frozenset(allowed)
        self._known: dict[str, tuple[float, Mapping[str, Any] | None]] = {}
        self._requests: dict[str, asyncio.Task[Mapping[str, Any] | None]] = {}

    async def may_ask(self, user: str, team: str) -> bool:
        """Say whether a person may ask: by default a full member. Raises SlackUnavailable."""
        if ANYONE in self._allowed or user in self._allowed:
            return True
        if MEMBERS not in self._allowed:
            return False
        known = await self._find(user)
        return known is not None and self._installation.has_member(known, team)

    async def is_admin(self, user: str, team: str) -> bool:
        """Say whether a person is an admin or an owner of the workspace. Raises SlackUnavailable.

        https://docs.slack.dev/reference/objects/user-object
        """
        known = await self._find(user)
        if known is None or not self._installation.has_member(known, team):
            return False
        return bool(known.get("is_admin") or known.get("is_owner"))

    async def language(self, user: str) -> Language:
        """Return the language of the person's locale, else English. Raises SlackUnavailable."""
        try:
            known = await self._find(user)
        except SlackRefused:
            known = None
        return language_for(str((known or {}).get("locale", "")))

    async def names(self, users: Sequence[str]) -> Mapping[str, str]:
        """Return the names that people see, by id; without those whom the app may not see.

        Raises SlackUnavailable.
        """
        found = await asyncio.gather(*map(self.name, users))
        return {user: name for user, name in zip(users, found, strict=True) if name}

    async def name(self, user: str) -> str:
        """Return what others call the person; "" for one who is gone. Raises SlackUnavailable."""
        try:
            known = await self._find(user) or {}
        except SlackRefused:
            return ""
        profile = known.get("profile") or {}
        names = (profile.get("display_name"), profile.get("real_name"), known.get("name"))
        return next((str(name) for name in names if name), "")

    async def told(self, user: str, sentence: Sentence) -> Phrase:
        """Return the sentence in the person's language."""
        return sentence.to(await self.language_at_once(user))

    async def language_at_once(self, user: str) -> Language:
        """Return the person's language; English if Slack does not answer within a second."""
        try:
            async with asyncio.timeout(AT_ONCE_SECONDS):
                return await self.language(user)
        except (SlackError, TimeoutError):
            return "en"

    async def _find(self, user: str) -> Mapping[str, Any] | None:
        """Return what Slack knows of a person; None for one whom the app may not see."""
        at, known = self._known.get(user, (None, None))
        if at is not None and time.monotonic() - at <= REMEMBERED_SECONDS:
            return known
        if user not in self._requests:
            self._requests[user] = asyncio.create_task(self._ask(user), name=f"users.info {user}")
        # Others wait for the same answer: a caller that gives up must not cancel it.
        return await asyncio.shield(self._requests[user])

    async def _ask(self, user: str) -> Mapping[str, Any] | None:
        try:
            known = await self._get_user(user)
        except NotThere:
            known = None
        finally:
            del self._requests[user]
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[user] = (time.monotonic(), known)
        return known
