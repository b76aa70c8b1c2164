"""`/draft <text>` begins a thread; `/draft` alone opens the form."""

import asyncio
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot import phrases
from bot.drafting.brief import BadBrief, is_help
from bot.drafting.drafting import Asked, Drafting
from bot.listeners.context import place_of
from bot.phrases import Language
from bot.slack.blocks import page
from bot.slack.errors import SlackError
from bot.slack.incoming import typed
from bot.slack.outbox import Outbox
from bot.slack.people import People
from bot.slack.views import draft_view
from bot.store import StoreUnavailable
from safety import visible


async def on_draft(
    ack: AsyncAck, body: dict[str, Any], drafting: Drafting, outbox: Outbox, people: People
) -> None:
    """The job is committed before the ack; what was wrong is said in the ack, to its author."""
    text = typed(body.get("text", ""))
    if not visible(text).strip():
        await ack(text=await _open_form(body, outbox, people))
        return
    if is_help(text):
        await _help(ack, body, drafting, people)
        return
    try:
        await drafting.draft(text, asked_by(body))
    except BadBrief as bad:
        await ack(text=await people.told(body["user_id"], bad.sentence))
    except StoreUnavailable:
        await ack(text=await people.told(body["user_id"], phrases.not_saved()))
    else:
        await ack()


async def _help(ack: AsyncAck, body: dict[str, Any], drafting: Drafting, people: People) -> None:
    language = await people.language_at_once(body["user_id"])
    content = page([part.to(language) for part in drafting.help(language)])
    await ack(text=content.text, blocks=list(content.blocks))


async def _open_form(body: dict[str, Any], outbox: Outbox, people: People) -> str:
    """What to say in the ack: nothing, unless the form did not open."""
    language: Language = "en"
    try:
        # Slack waits 3 s for the ack.
        async with asyncio.timeout(2):
            language = await people.language(body["user_id"])
            await outbox.open_view(body["trigger_id"], draft_view(place_of(body), language))
    except (SlackError, TimeoutError):
        return phrases.no_form().to(language)
    return ""


def asked_by(body: dict[str, Any]) -> Asked:
    """Who sent the command, and where."""
    return Asked(
        user=body["user_id"],
        team=body["team_id"],
        channel=body["channel_id"],
        key=f"command-{body['trigger_id']}",
        response_url=body["response_url"],
    )


def register(
    app: AsyncApp, command: str, drafting: Drafting, outbox: Outbox, people: People
) -> None:
    """Answer the slash command."""

    @app.command(command)
    async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
        await on_draft(ack, body, drafting, outbox, people)
