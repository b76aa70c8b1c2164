"""A new chat with the app beside a channel: prompts to begin with."""

from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.listeners.services import Services
from bot.messages import sentence

PROMPTS_SECONDS = 20.0


async def on_started(event: dict[str, Any], services: Services) -> None:
    """Best effort: the person can type without them."""
    pane = event["assistant_thread"]
    language = await services.people.language_at_once(pane["user_id"])
    prompts = services.drafting.prompts(language)
    title = sentence("prompts_title").to(language)
    await services.outbox.suggest(pane["channel_id"], pane["thread_ts"], prompts, title)


def register(app: AsyncApp, services: Services) -> None:
    """Listen to new chats; where the person looks meanwhile changes nothing."""

    @app.event("assistant_thread_started")
    async def listener(event: dict[str, Any]) -> None:
        services.background.start(on_started(event, services), seconds=PROMPTS_SECONDS)
