"""The forms about a draft, submitted: change it, translate it, accept it."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.drafting.brief.brief import BadBrief
from bot.drafting.draft_action import Way
from bot.drafting.jobs.requests import Asked
from bot.listeners.form_context import draft_from
from bot.listeners.services import Front
from bot.messages import sentence
from bot.slack.render.version_views import ACCEPT, CHANGE, TRANSLATE
from bot.store import StoreUnavailable


async def on_submit(ack: AsyncAck, body: dict[str, Any], front: Front) -> None:
    """Committed, then acked; what was wrong is said in the form."""
    name = body["view"]["callback_id"]
    try:
        await _act(name, body, front)
    except BadBrief as bad:
        await front.object_to(ack, body, name, bad.sentence)
    except StoreUnavailable:
        await front.object_to(ack, body, name, sentence("not_saved"))
    else:
        await ack()


async def _act(name: str, body: dict[str, Any], front: Front) -> None:
    view, team = body["view"], body["team"]["id"]
    version_id, channel = draft_from(view["private_metadata"])
    asked = Asked(body["user"]["id"], team, channel, key=f"view-{view['id']}")
    value = view["state"]["values"][name][name]
    version = await front.acts.version(version_id)
    if name == CHANGE:
        await front.acts.change(version, value["value"] or "", asked)
    elif name == TRANSLATE:
        await front.acts.translate(version, value["selected_option"]["value"], asked)
    else:
        await front.acts.accept(version, Way(value["selected_option"]["value"]), asked)


def register(app: AsyncApp, front: Front) -> None:
    """Answer the forms."""
    for name in (CHANGE, TRANSLATE, ACCEPT):

        @app.view(name)
        async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
            await on_submit(ack, body, front)
