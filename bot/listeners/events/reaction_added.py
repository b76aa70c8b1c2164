"""Emoji on a draft: the reactor asks for something with one click."""

from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.drafting.jobs.intake import Invocation
from bot.errors import UserError
from bot.listeners.services import Services


async def on_reaction(body: dict[str, Any], services: Services) -> None:
    """Reactions that ask for nothing, or on other messages, are passed over in silence."""
    event = body["event"]
    # Without the skin tone. The bot's own emoji is an offer.
    wish = services.settings.actions_by_emoji.get(event["reaction"].partition("::")[0])
    if wish is None or event["user"] == services.bot or event["item"]["type"] != "message":
        return
    channel, user = event["item"]["channel"], event["user"]
    version = await services.actions.version_at(channel, event["item"]["ts"])
    if version is None:
        return
    invocation = Invocation(
        user=user, team=body["team_id"], channel=channel, key=f"event-{body['event_id']}"
    )
    try:
        await services.actions.ask(version, wish, invocation)
    except UserError as bad:
        if await services.intake.first(invocation):
            await services.outbox.tell(
                channel, user, await services.people.told(user, bad.sentence)
            )


def register(app: AsyncApp, services: Services) -> None:
    """Listen to reactions."""

    @app.event("reaction_added")
    async def listener(body: dict[str, Any]) -> None:
        await on_reaction(body, services)
