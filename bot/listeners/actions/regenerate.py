"""The button under a draft: the same as its emoji."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot import phrases
from bot.drafting.brief import BadBrief
from bot.drafting.drafting import Asked, Drafting
from bot.drafting.ports import REGENERATE
from bot.slack.outbox import Outbox
from bot.slack.people import People
from bot.store import StoreUnavailable


async def on_regenerate(
    ack: AsyncAck, body: dict[str, Any], drafting: Drafting, outbox: Outbox, people: People
) -> None:
    """Committed, then acked."""
    action, channel, user = body["actions"][0], body["channel"]["id"], body["user"]["id"]
    asked = Asked(
        user=user, team=body["team"]["id"], channel=channel, key=f"action-{body['trigger_id']}"
    )
    try:
        await drafting.regenerate(await drafting.version(int(action["value"])), asked)
    except BadBrief as bad:
        said = await people.told(user, bad.sentence)
        await outbox.answer(body["response_url"], said, replace=False)
    except StoreUnavailable:
        # Slack does not deliver a click again.
        said = await people.told(user, phrases.not_saved())
        await outbox.answer(body["response_url"], said, replace=False)
    await ack()


def register(app: AsyncApp, drafting: Drafting, outbox: Outbox, people: People) -> None:
    """Answer the button."""

    @app.action(REGENERATE)
    async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
        await on_regenerate(ack, body, drafting, outbox, people)
