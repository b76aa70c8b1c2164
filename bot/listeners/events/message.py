"""Messages: a reply in a thread of ours refines; a deleted draft counts no more."""

from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.drafting.brief import BadBrief
from bot.drafting.drafting import Asked, Drafting
from bot.slack.incoming import typed
from bot.slack.outbox import Outbox
from bot.slack.people import People

# Other subtypes are not a person's words: edits, joins, topics, other apps.
FROM_PEOPLE = {None, "thread_broadcast", "file_share"}


async def on_message(
    event: dict[str, Any],
    team: str,
    drafting: Drafting,
    outbox: Outbox,
    people: People,
    *,
    bot: str,
) -> None:
    """Nothing is said about messages that are no reply to a draft."""
    if event.get("subtype") == "message_deleted":
        await drafting.deleted(event["channel"], event["deleted_ts"])
    elif is_reply(event) and event["user"] != bot:
        await _refine(event, team, drafting, outbox, people, bot=bot)


def is_reply(event: dict[str, Any]) -> bool:
    """Whether a person wrote this in a thread."""
    in_thread = event.get("thread_ts") not in (None, event.get("ts"))
    person = "user" in event and "bot_id" not in event
    return person and in_thread and event.get("subtype") in FROM_PEOPLE


async def _refine(
    event: dict[str, Any],
    team: str,
    drafting: Drafting,
    outbox: Outbox,
    people: People,
    *,
    bot: str,
) -> None:
    channel, user, root_ts = event["channel"], event["user"], event["thread_ts"]
    # One message has one ts, by however many kinds of event it comes.
    asked = Asked(user=user, team=team, channel=channel, key=f"message-{channel}-{event['ts']}")
    try:
        await drafting.refine(root_ts, typed(event.get("text", ""), bot=bot), asked)
    except BadBrief as bad:
        if await drafting.first(asked):
            said = await people.told(user, bad.sentence)
            await outbox.tell(channel, user, said, thread_ts=root_ts)


def register(app: AsyncApp, drafting: Drafting, outbox: Outbox, people: People, bot: str) -> None:
    """Listen to messages; `bot` is the bot's own user."""

    @app.event("message")
    async def listener(event: dict[str, Any], body: dict[str, Any]) -> None:
        await on_message(event, body["team_id"], drafting, outbox, people, bot=bot)
