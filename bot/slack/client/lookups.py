"""What Slack knows of the bot, of people and of channels. Reads only."""

from collections.abc import Mapping
from typing import Any

from bot.drafting.slack_port import NotThere, SlackRefused
from bot.slack.client.api_client import ApiAnswer, ApiClient

MEMBERS = 999  # Of a channel, in one answer: as many as Slack gives.


class Lookups:
    """Single reads. Each raises SlackUnavailable."""

    def __init__(self, api: ApiClient) -> None:
        self.api = api
        self._me: ApiAnswer = {}

    async def whoami(self) -> ApiAnswer:
        """Return what Slack says of the bot (auth.test): user_id, bot_id, team_id."""
        self._me = self._me or await self.api.call("auth.test", {})
        return self._me

    async def get_user(self, user: str) -> dict[str, Any]:
        """Return what Slack knows of a person, with their locale (users.info)."""
        args = {"user": user, "include_locale": "true"}
        return dict((await self.api.call("users.info", args))["user"])

    async def is_member(self, channel: str) -> bool:
        """Say whether the app is in a channel. Raises NotThere for one that it cannot see."""
        found = await self.api.call("conversations.info", {"channel": channel})
        return bool(found["channel"].get("is_member") or found["channel"].get("is_im"))

    async def is_private(self, channel: str) -> bool:
        """Say whether `is_private` holds for a channel. Raises NotThere if we cannot see it."""
        found = await self.api.call("conversations.info", {"channel": channel})
        return is_private(found["channel"])

    async def creator(self, channel: str) -> str:
        """Return who made a channel; "" where Slack does not say. Raises NotThere.

        Who else manages it, an app is told by methods for admins alone.
        https://docs.slack.dev/reference/objects/conversation-object
        """
        found = await self.api.call("conversations.info", {"channel": channel})
        return str(found["channel"].get("creator") or "")

    async def sees(self, user: str, channel: str) -> bool:
        """Say whether a person sees a channel: it is public, or they are a member.

        https://docs.slack.dev/reference/methods/conversations.members. Raises NotThere.
        """
        found = await self.api.call("conversations.info", {"channel": channel})
        if not found["channel"].get("is_private"):
            return True
        args: dict[str, object] = {"channel": channel, "limit": MEMBERS}
        while True:
            page = await self.api.call("conversations.members", args)
            if user in page["members"]:
                return True
            args["cursor"] = page.get("response_metadata", {}).get("next_cursor")
            if not args["cursor"]:
                return False

    async def file_link(self, file: str) -> str | None:
        """Return the address of a file; None if Slack has none (any more)."""
        try:
            return str((await self.api.call("files.info", {"file": file}))["file"]["permalink"])
        except (KeyError, NotThere, SlackRefused):
            return None

    async def permalink(self, channel: str, ts: str) -> str | None:
        """Return the address of a message; None if Slack has none."""
        try:
            args = {"channel": channel, "message_ts": ts}
            return str((await self.api.call("chat.getPermalink", args))["permalink"])
        except (NotThere, SlackRefused):
            return None


def is_private(channel: Mapping[str, Any]) -> bool:
    """Say whether a conversation is private, and shared with no other workspace.

    https://docs.slack.dev/reference/objects/conversation-object
    """
    shared = channel.get("is_ext_shared") or channel.get("is_pending_ext_shared")
    return bool(channel.get("is_private")) and not shared
