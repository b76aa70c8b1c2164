"""The bot was invited: briefs that waited for it go on."""

from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.drafting.drafting import Drafting


def register(app: AsyncApp, drafting: Drafting, bot: str) -> None:
    """Listen to the bot's own joining; `bot` is its user."""

    @app.event("member_joined_channel")
    async def listener(event: dict[str, Any]) -> None:
        if event["user"] == bot:
            await drafting.invited(event["channel"])
