"""A person in the workspace, for tests: what they do and what they see."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.app import Bot
from bot.settings import ExplicitSettings, Settings
from bot.workspace import PostedMessage, Workspace

StartBot = Callable[..., AbstractAsyncContextManager[Bot]]


def settings_for(workspace: Workspace, engine_url: str, folder: Path, **changed: Any) -> Settings:
    """Return the settings of a bot of this workspace, with nothing from the environment."""
    chosen: dict[str, Any] = {
        "slack_bot_token": workspace.bot_token,
        "slack_app_token": workspace.app_token,
        "slack_signing_secret": workspace.signing_secret,
        "slack_api_url": f"{workspace.url}/api/",
        "http_port": 0,
        "data_dir": folder,
        "database_url": None,
        "worker_url": engine_url,
        "drain_seconds": 0.5,
        **changed,
    }
    return ExplicitSettings(**chosen)


def is_done(message: PostedMessage) -> bool:
    """Say whether a draft is done: it has its row of buttons."""
    return not message.streaming and any(b["type"] == "actions" for b in message.blocks)


def is_head(message: PostedMessage) -> bool:
    """Say whether this is the message that shows the progress of a thread's drafts."""
    payload = (message.metadata or {}).get("event_payload") or {}
    return str(payload.get("key", "")).startswith("thread-")


def buttons(message: PostedMessage) -> dict[str, tuple[str, str | None]]:
    """Return what can be pressed, by name: (action_id, value) of buttons, choices and thumbs."""
    found: dict[str, tuple[str, str | None]] = {}
    for block in message.blocks:
        for element in block["elements"] if block["type"].endswith("actions") else ():
            thumbs = [element.get(f"{each}_button") for each in ("positive", "negative")]
            several = [*element.get("options", ()), *filter(None, thumbs)]
            for each in several:
                name = each["value"].partition(":")[0]
                found[name] = (element["action_id"], each["value"])
            if not several:
                found[element["action_id"]] = (element["action_id"], None)
    return found


def facts(message: PostedMessage) -> str:
    """Return the small line under a draft."""
    lines = [b for b in message.blocks if b["type"] == "context"]
    return lines[-1]["elements"][0]["text"] if lines else ""


@dataclass
class Person:
    """A person in one channel."""

    workspace: Workspace
    id: str
    channel: str

    async def draft(self, text: str) -> Any:
        return await self.workspace.command(self.id, self.channel, "/draft", text)

    async def reply(self, text: str) -> str:
        return await self.workspace.say(self.id, self.channel, text, thread_ts=self.root.ts)

    async def react(self, message: PostedMessage, emoji: str) -> None:
        await self.workspace.react(self.id, self.channel, message.ts, emoji)

    async def press(self, message: PostedMessage, name: str) -> bool:
        """Press a button, a choice of the menu, or a thumb; say whether it was acked."""
        action_id, value = buttons(message)[name]
        return await self.workspace.click(self.id, self.channel, message.ts, action_id, value=value)

    def reaction(self, message: PostedMessage, emoji: str) -> dict[str, Any]:
        """Return the event of this person's reaction, for a test to deliver."""
        return {
            "type": "reaction_added",
            "user": self.id,
            "reaction": emoji,
            "item": {"type": "message", "channel": self.channel, "ts": message.ts},
            "item_user": message.user,
            "event_ts": "1700000000.000100",
        }

    @property
    def root(self) -> PostedMessage:
        return self.workspace.messages(self.channel)[-1]

    @property
    def drafts(self) -> list[PostedMessage]:
        """The bot's messages in the newest thread."""
        if not self.workspace.messages(self.channel):
            return []
        thread = self.workspace.messages(self.channel, self.root.ts)[1:]
        return [m for m in thread if m.user == self.workspace.bot_user and not is_head(m)]

    async def sees_drafts(self, count: int, timeout: float = 10) -> list[PostedMessage]:
        """Return the thread's drafts, once there are `count` and all are done."""

        def done() -> list[PostedMessage] | None:
            drafts = self.drafts
            return drafts if len(drafts) == count and all(map(is_done, drafts)) else None

        found = await self.workspace.until(done, timeout)
        assert found is not None
        return found

    async def hears(self, words: str, timeout: float = 10) -> str:
        """Return the first whisper to this person that has these words, once it is there."""

        def heard() -> str:
            whispers = self.workspace.whispers(self.id)
            return next((m.text for m in whispers if words in m.text), "")

        return await self.workspace.until(heard, timeout)
