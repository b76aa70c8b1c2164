"""A new chat with the app beside a channel: prompts to begin with."""

from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.listeners.services import Front
from bot.messages import sentence

PROMPTS_SECONDS = 20.0


async def on_started(event: dict[str, Any], front: Front) -> None:
    """Best effort: the person can type without them."""
    pane = event["assistant_thread"]
    language = await front.people.language_at_once(pane["user_id"])
    prompts = front.drafting.prompts(language)
    title = sentence("prompts_title").to(language)
    await front.outbox.suggest(pane["channel_id"], pane["thread_ts"], prompts, title)


def register(app: AsyncApp, front: Front) -> None:
    """Listen to new chats; where the person looks meanwhile changes nothing."""

    @app.event("assistant_thread_started")
    async def listener(event: dict[str, Any]) -> None:
        front.chores.start(on_started(event, front), seconds=PROMPTS_SECONDS)
