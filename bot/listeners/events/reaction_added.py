"""Emoji on a draft: the reactor asks for something with one click."""

from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.drafting.brief.brief import BadBrief
from bot.drafting.jobs.requests import Asked
from bot.listeners.services import Front


async def on_reaction(body: dict[str, Any], front: Front) -> None:
    """Reactions that ask for nothing, or on other messages, are passed over in silence."""
    event = body["event"]
    # Without the skin tone. The bot's own emoji is an offer.
    wish = front.settings.wishes.get(event["reaction"].partition("::")[0])
    if wish is None or event["user"] == front.bot or event["item"]["type"] != "message":
        return
    channel, user = event["item"]["channel"], event["user"]
    version = await front.acts.version_at(channel, event["item"]["ts"])
    if version is None:
        return
    asked = Asked(user=user, team=body["team_id"], channel=channel, key=f"event-{body['event_id']}")
    try:
        await front.acts.ask(version, wish, asked)
    except BadBrief as bad:
        if await front.requests.first(asked):
            await front.outbox.tell(channel, user, await front.people.told(user, bad.sentence))


def register(app: AsyncApp, front: Front) -> None:
    """Listen to reactions."""

    @app.event("reaction_added")
    async def listener(body: dict[str, Any]) -> None:
        await on_reaction(body, front)
