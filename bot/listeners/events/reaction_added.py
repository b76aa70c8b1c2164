"""Emoji on a draft: the reactor asks for something with one click."""

from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.drafting.brief import BadBrief
from bot.drafting.drafting import Asked, Drafting
from bot.settings import Settings
from bot.slack.outbox import Outbox
from bot.slack.people import People
from bot.store import Version


async def on_reaction(
    body: dict[str, Any],
    drafting: Drafting,
    outbox: Outbox,
    people: People,
    *,
    settings: Settings,
    bot: str,
) -> None:
    """Reactions that ask for nothing, or on other messages, are passed over in silence."""
    event = body["event"]
    emoji = event["reaction"].partition("::")[0]  # Without the skin tone.
    asks = emoji in (settings.emoji_regenerate, settings.emoji_stop)
    if not asks or event["user"] == bot:
        return
    item = event["item"]
    version = item["type"] == "message" and await drafting.version_at(item["channel"], item["ts"])
    if not version:
        return
    if emoji == settings.emoji_stop:
        await drafting.stop(version, event["user"])
    else:
        await _regenerate(body, version, drafting, outbox, people)


async def _regenerate(
    body: dict[str, Any], version: Version, drafting: Drafting, outbox: Outbox, people: People
) -> None:
    event = body["event"]
    channel, user = event["item"]["channel"], event["user"]
    asked = Asked(user=user, team=body["team_id"], channel=channel, key=f"event-{body['event_id']}")
    try:
        await drafting.regenerate(version, asked)
    except BadBrief as bad:
        if await drafting.first(asked):
            await outbox.tell(channel, user, await people.told(user, bad.sentence))


def register(
    app: AsyncApp,
    drafting: Drafting,
    outbox: Outbox,
    people: People,
    *,
    settings: Settings,
    bot: str,
) -> None:
    """Listen to reactions; `bot` is the bot's own user, whose emoji is an offer."""

    @app.event("reaction_added")
    async def listener(body: dict[str, Any]) -> None:
        await on_reaction(body, drafting, outbox, people, settings=settings, bot=bot)
