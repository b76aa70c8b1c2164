"""Messages: a reply refines, a message to the app is a brief, a deleted draft counts no more."""

import re
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.drafting.brief.brief import is_help, is_stop
from bot.drafting.jobs.intake import Invocation
from bot.drafting.sources import from_files
from bot.errors import UserError
from bot.listeners.form import files_in
from bot.listeners.services import Services
from bot.messages import Sentence, sentence, sentences
from bot.slack.incoming import typed

# Other subtypes are not a person's words: edits, joins, topics, other apps.
FROM_PEOPLE = {None, "thread_broadcast", "file_share"}
SOMEBODY = re.compile(r"\s*<@[UW]\w+(?:\|[^>]*)?>")


async def on_message(event: dict[str, Any], team: str, services: Services) -> None:
    """Nothing is said about messages that are for somebody else."""
    if event.get("subtype") == "message_deleted":
        await services.actions.deleted(event["channel"], event["deleted_ts"])
    elif is_from_person(event) and event["user"] != services.bot:
        to_us = event.get("channel_type") == "im"
        if "thread_ts" in event or to_us:
            await _answer(event, team, services, to_us=to_us)


async def on_mention(event: dict[str, Any], team: str, services: Services) -> None:
    """A message that names the app is a brief; in a thread of ours it came as a reply already."""
    thread = await services.actions.thread_at(event["channel"], _root_of(event))
    if is_from_person(event) and thread is None:
        await _answer(event, team, services, to_us=True)


def is_from_person(event: dict[str, Any]) -> bool:
    """Whether a person wrote this."""
    return "user" in event and "bot_id" not in event and event.get("subtype") in FROM_PEOPLE


async def _answer(event: dict[str, Any], team: str, services: Services, *, to_us: bool) -> None:
    channel, user = event["channel"], event["user"]
    # One message has one ts, by however many kinds of event it comes.
    invocation = Invocation(
        user=user, team=team, channel=channel, key=f"message-{channel}-{event['ts']}"
    )
    said: Sentence | None = None
    try:
        said = await _taken(event, invocation, services, to_us=to_us)
    except UserError as bad:
        said = bad.sentence
    if said and await services.intake.first(invocation):
        told = await services.people.told(user, said)
        await services.outbox.tell(channel, user, told, thread_ts=_root_of(event))


async def _taken(
    event: dict[str, Any], invocation: Invocation, services: Services, *, to_us: bool
) -> Sentence | None:
    """What to tell the author. Raises UserError."""
    text = event.get("text", "")
    mentioned = to_us or f"<@{services.bot}" in text
    words = f"{_shared(event)} {typed(text, bot=services.bot)}".strip()
    thread = await services.actions.thread_at(invocation.channel, _root_of(event))
    if thread is not None and not (to_us and await services.actions.came_to_nothing(thread)):
        return await services.actions.reply(
            thread,
            words,
            invocation,
            mentioned=mentioned,
            to_others=bool(SOMEBODY.match(text)) and not mentioned,
            files=files_in(event),
        )
    return await _brief(event, words, invocation, services) if to_us else None


async def _brief(
    event: dict[str, Any], words: str, invocation: Invocation, services: Services
) -> Sentence | None:
    """The person's own message is the root of the drafts."""
    files = files_in(event)
    if is_help(words):
        return sentence("help_short")
    if is_stop(words):
        # Once: an old delivery must not stop what came later.
        if not await services.actions.first(invocation):
            return None
        return sentences.stopped_drafts(
            await services.actions.stop_all(invocation.user, invocation.channel)
        )
    if files and not words:
        return sentence("files_without_wish")
    sources = from_files(files, invocation.key, invocation.user)
    await services.drafting.draft(words, invocation, sources=sources, under=_root_of(event))
    return None


def _shared(event: dict[str, Any]) -> str:
    """The link of a message that was shared into the thread: Slack keeps it beside the words."""
    urls = (str(each.get("from_url", "")) for each in event.get("attachments") or [])
    return next(filter(None, urls), "")


def _root_of(event: dict[str, Any]) -> str:
    return str(event.get("thread_ts") or event["ts"])


def register(app: AsyncApp, services: Services) -> None:
    """Listen to messages."""

    @app.event("message")
    async def listener(event: dict[str, Any], body: dict[str, Any]) -> None:
        await on_message(event, body["team_id"], services)

    @app.event("app_mention")
    async def mentioned(event: dict[str, Any], body: dict[str, Any]) -> None:
        await on_mention(event, body["team_id"], services)
