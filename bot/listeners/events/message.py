"""Messages: a reply in a thread of ours refines; a deleted draft counts no more."""

import re
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.drafting.brief import BadBrief
from bot.drafting.requests import Asked
from bot.listeners.front import Front
from bot.phrases import Sentence
from bot.slack.incoming import typed

# Other subtypes are not a person's words: edits, joins, topics, other apps.
FROM_PEOPLE = {None, "thread_broadcast", "file_share"}
_SOMEBODY = re.compile(r"\s*<@[UW]\w+(?:\|[^>]*)?>")


async def on_message(event: dict[str, Any], team: str, front: Front) -> None:
    """Nothing is said about messages that are no reply to a draft."""
    if event.get("subtype") == "message_deleted":
        await front.acts.deleted(event["channel"], event["deleted_ts"])
    elif is_reply(event) and event["user"] != front.bot:
        await _reply(event, team, front)


def is_reply(event: dict[str, Any]) -> bool:
    """Whether a person wrote this in a thread."""
    in_thread = event.get("thread_ts") not in (None, event.get("ts"))
    person = "user" in event and "bot_id" not in event
    return person and in_thread and event.get("subtype") in FROM_PEOPLE


async def _reply(event: dict[str, Any], team: str, front: Front) -> None:
    channel, user, root_ts = event["channel"], event["user"], event["thread_ts"]
    # One message has one ts, by however many kinds of event it comes.
    asked = Asked(user=user, team=team, channel=channel, key=f"message-{channel}-{event['ts']}")
    said: Sentence | None = None
    try:
        said = await _taken(event, asked, front)
    except BadBrief as bad:
        said = bad.sentence
    if said and await front.requests.first(asked):
        told = await front.people.told(user, said)
        await front.outbox.tell(channel, user, told, thread_ts=root_ts)


async def _taken(event: dict[str, Any], asked: Asked, front: Front) -> Sentence | None:
    text = event.get("text", "")
    mentioned = f"<@{front.bot}" in text
    return await front.acts.reply(
        event["thread_ts"],
        typed(text, bot=front.bot),
        asked,
        mentioned=mentioned,
        to_others=bool(_SOMEBODY.match(text)) and not mentioned,
    )


def register(app: AsyncApp, front: Front) -> None:
    """Listen to messages."""

    @app.event("message")
    async def listener(event: dict[str, Any], body: dict[str, Any]) -> None:
        await on_message(event, body["team_id"], front)
