"""Threads of Slack, as material for a draft. Reads only."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.drafting.slack_port import Said, ThreadPart, ThreadRead
from bot.slack.client.api_client import ApiClient
from bot.slack.client.people import SlackPeople
from bot.slack.shared_files import files_of
from bot.slack.words import people_in, words_of

# As large as Slack recommends: https://docs.slack.dev/apis/web-api/pagination
PAGE = 200
PAGES = 50
# What people and apps say; other subtypes tell of joins, topics and deleted messages.
WORDS = {None, "bot_message", "file_share", "me_message", "thread_broadcast"}
MOST_NAMES = 100  # Of people, of whom Slack is asked one by one.

Message = Mapping[str, Any]


class Threads:
    """Reads what was said in threads (scopes ...:history), with the names of people."""

    def __init__(self, api: ApiClient, people: SlackPeople, me: str) -> None:
        """`me` is the app's own user: what it says below a root is no material."""
        self._api = api
        self._people = people
        self._me = me

    async def read(self, asked: ThreadPart) -> ThreadRead:
        """Return a part of a thread. Raises SlackUnavailable, NotThere, SlackRefused."""
        messages = await self._messages(asked)
        itself = next((m for m in messages if m["ts"] == asked.itself), None)
        others = [m for m in messages if self._is_part(m, asked)]
        names = await self._names(others)
        return ThreadRead(
            [said for message in others if (said := self._said(message, names))],
            files_of(itself) if itself else [],
        )

    async def _messages(self, asked: ThreadPart) -> Sequence[Message]:
        args: dict[str, object] = {
            "channel": asked.channel,
            "ts": asked.root_ts,
            "oldest": asked.after or None,
            "latest": asked.before or None,
            "inclusive": "true",
            "limit": PAGE,
        }
        # By ts: the root may come with every page.
        found: dict[str, Message] = {}
        for _ in range(PAGES):
            answer = await self._api.call("conversations.replies", args)
            found |= {str(message["ts"]): message for message in answer["messages"]}
            args["cursor"] = (answer.get("response_metadata") or {}).get("next_cursor")
            if not args["cursor"]:
                break
        return sorted(found.values(), key=lambda message: float(message["ts"]))

    def _is_part(self, message: Message, asked: ThreadPart) -> bool:
        ts = float(message["ts"])
        inside = ts > float(asked.after or 0) and ts < float(asked.before or "inf")
        ours = message.get("user") == self._me and message["ts"] != asked.root_ts
        says = message.get("subtype") in WORDS and not message.get("hidden")
        return inside and says and not ours and message["ts"] != asked.itself

    def _said(self, message: Message, names: Mapping[str, str]) -> Said | None:
        text = words_of(message, bot=self._me, names=names)
        files = [name or "?" for _, name in files_of(message)]
        if not text and not files:
            return None
        user = str(message.get("user") or "")
        return Said(user, _app_name(message) or names.get(user, user) or "?", text, files)

    async def _names(self, messages: Sequence[Message]) -> Mapping[str, str]:
        """Return the names of those who wrote the messages, and of whom they name."""
        wrote = {str(m["user"]) for m in messages if m.get("user") and not _app_name(m)}
        named = set[str]().union(*map(people_in, messages)) - wrote - {self._me}
        return await self._people.names([*sorted(wrote), *sorted(named)][:MOST_NAMES])


def _app_name(message: Message) -> str:
    """Return the name under which an app posted; "" where a person did."""
    profile = message.get("bot_profile") or {}
    return str(message.get("username") or profile.get("name") or "")
