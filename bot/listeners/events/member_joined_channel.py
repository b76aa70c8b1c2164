"""The bot was invited: briefs that waited for it go on."""

from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.listeners.services import Services


def register(app: AsyncApp, services: Services) -> None:
    """Listen to the bot's own joining."""

    @app.event("member_joined_channel")
    async def listener(event: dict[str, Any]) -> None:
        if event["user"] == services.bot:
            await services.drafting.invited(event["channel"])
