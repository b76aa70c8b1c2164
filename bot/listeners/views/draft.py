"""The form behind `/draft`, submitted."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot import phrases
from bot.drafting.brief import BadBrief
from bot.drafting.requests import Asked
from bot.listeners.context import place_from
from bot.listeners.front import Front
from bot.slack.views import BRIEF, DRAFT, DRAFTS
from bot.store import StoreUnavailable


async def on_submit(ack: AsyncAck, body: dict[str, Any], front: Front) -> None:
    """What was wrong is said in the form, which keeps what was typed."""
    view = body["view"]
    values = view["state"]["values"]
    channel, response_url = place_from(view["private_metadata"])
    asked = Asked(
        user=body["user"]["id"],
        team=body["team"]["id"],
        channel=channel,
        key=f"view-{view['id']}",
        response_url=response_url,
    )
    drafts = int(values[DRAFTS][DRAFTS]["selected_option"]["value"])
    try:
        await front.drafting.draft(values[BRIEF][BRIEF]["value"] or "", asked, drafts=drafts)
    except BadBrief as bad:
        await front.object_to(ack, body, BRIEF, bad.sentence)
    except StoreUnavailable:
        await front.object_to(ack, body, BRIEF, phrases.not_saved())
    else:
        await ack()


def register(app: AsyncApp, front: Front) -> None:
    """Answer the form."""

    @app.view(DRAFT)
    async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
        await on_submit(ack, body, front)
