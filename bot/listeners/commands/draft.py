"""`/draft <text>` begins a thread; `/draft` alone opens the form."""

import asyncio
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot import phrases
from bot.drafting.brief import BadBrief
from bot.drafting.drafting import Asked, Drafting
from bot.listeners.context import place_of
from bot.slack.errors import SlackError
from bot.slack.incoming import typed
from bot.slack.outbox import Outbox
from bot.slack.views import draft_view
from bot.store import StoreUnavailable
from safety import visible


async def on_draft(ack: AsyncAck, body: dict[str, Any], drafting: Drafting, outbox: Outbox) -> None:
    """The job is committed before the ack; what was wrong is said in the ack, to its author."""
    text = typed(body.get("text", ""))
    if not visible(text).strip():
        await ack(text=await _open_form(body, outbox))
        return
    try:
        await drafting.draft(text, asked_by(body))
    except BadBrief as bad:
        await ack(text=bad.phrase)
    except StoreUnavailable:
        await ack(text=phrases.not_saved())
    else:
        await ack()


async def _open_form(body: dict[str, Any], outbox: Outbox) -> str:
    """What to say in the ack: nothing, unless the form did not open."""
    try:
        # Slack waits 3 s for the ack.
        async with asyncio.timeout(2):
            await outbox.open_view(body["trigger_id"], draft_view(place_of(body)))
    except (SlackError, TimeoutError):
        return phrases.no_form()
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


def register(app: AsyncApp, command: str, drafting: Drafting, outbox: Outbox) -> None:
    """Answer the slash command."""

    @app.command(command)
    async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
        await on_draft(ack, body, drafting, outbox)
