"""The button on "I am not in this channel": the kept brief goes to our own conversation."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot import phrases
from bot.drafting.drafting import Drafting
from bot.drafting.ports import DRAFT_IN_DM
from bot.slack.outbox import Outbox
from bot.slack.people import People
from bot.store import StoreUnavailable


async def on_draft_in_dm(
    ack: AsyncAck, body: dict[str, Any], drafting: Drafting, outbox: Outbox, people: People
) -> None:
    """Moved, then acked; a second click finds nothing that waits."""
    user = body["user"]["id"]
    try:
        moved = await drafting.move(int(body["actions"][0]["value"]), user, await outbox.dm(user))
    except StoreUnavailable:
        said = await people.told(user, phrases.not_saved())
        await outbox.answer(body["response_url"], said, replace=False)
        moved = False
    await ack()
    if moved:
        said = await people.told(user, phrases.drafting_in_dm())
        await outbox.answer(body["response_url"], said)


def register(app: AsyncApp, drafting: Drafting, outbox: Outbox, people: People) -> None:
    """Answer the button."""

    @app.action(DRAFT_IN_DM)
    async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
        await on_draft_in_dm(ack, body, drafting, outbox, people)
