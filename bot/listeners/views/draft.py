"""The form behind `/draft`, submitted."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot import phrases
from bot.drafting.brief import BadBrief
from bot.drafting.drafting import Asked, Drafting
from bot.listeners.context import place_from
from bot.slack.people import People
from bot.slack.views import BRIEF, DRAFT, DRAFTS
from bot.store import StoreUnavailable


async def on_submit(
    ack: AsyncAck, body: dict[str, Any], drafting: Drafting, people: People
) -> None:
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
        await drafting.draft(values[BRIEF][BRIEF]["value"] or "", asked, drafts=drafts)
    except BadBrief as bad:
        await ack(
            response_action="errors", errors={BRIEF: await people.told(asked.user, bad.sentence)}
        )
    except StoreUnavailable:
        said = await people.told(asked.user, phrases.not_saved())
        await ack(response_action="errors", errors={BRIEF: said})
    else:
        await ack()


def register(app: AsyncApp, drafting: Drafting, people: People) -> None:
    """Answer the form."""

    @app.view(DRAFT)
    async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
        await on_submit(ack, body, drafting, people)
