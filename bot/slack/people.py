"""Who people are: read from Slack, remembered for a while. Reads only."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from bot.slack.errors import NotThere

LookUp = Callable[[str], Awaitable[Mapping[str, Any]]]

REMEMBERED_SECONDS = 300.0
MEMBERS, ANYONE = "members", "anyone"


class People:
    """Whether a person may ask. `allowed`: `members`, `anyone`, or ids of users."""

    def __init__(self, look_up: LookUp, allowed: Sequence[str]) -> None:
        """`look_up(user)` asks Slack (users.info); it raises SlackUnavailable."""
        self._look_up = look_up
        self._allowed = frozenset(allowed)
        self._known: dict[str, tuple[float, bool]] = {}
        self._asking = asyncio.Lock()

    async def may_ask(self, user: str, team: str) -> bool:
        """Full members of this workspace: no guests, no bots, no outsiders of shared channels.

        Raises SlackUnavailable.
        """
        if ANYONE in self._allowed or user in self._allowed:
            return True
        return MEMBERS in self._allowed and await self._is_member(user, team)

    async def _is_member(self, user: str, team: str) -> bool:
        async with self._asking:
            at, member = self._known.get(user, (0.0, False))
            if time.monotonic() - at > REMEMBERED_SECONDS or not at:
                member = await self._look(user, team)
                self._known[user] = (time.monotonic(), member)
            return member

    async def _look(self, user: str, team: str) -> bool:
        try:
            return is_full_member(await self._look_up(user), team)
        except NotThere:  # Somebody of another workspace, whom the app may not see.
            return False


def is_full_member(user: Mapping[str, Any], team: str) -> bool:
    """https://docs.slack.dev/reference/objects/user-object"""
    outside = user.get("is_stranger") or (team and user.get("team_id", team) != team)
    limited = user.get("is_restricted") or user.get("is_ultra_restricted")
    return not (outside or limited or user.get("is_bot") or user.get("deleted"))
