"""The forms about a draft, submitted: change it, translate it, accept it."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.drafting.draft_action import Way
from bot.drafting.jobs.intake import Invocation
from bot.errors import UserError
from bot.listeners.form_context import draft_from
from bot.listeners.services import Services
from bot.messages import sentence
from bot.slack.render.version_views import ACCEPT, CHANGE, TRANSLATE
from bot.store import StoreUnavailable


async def on_submit(ack: AsyncAck, body: dict[str, Any], services: Services) -> None:
    """Committed, then acked; what was wrong is said in the form."""
    name = body["view"]["callback_id"]
    try:
        await _act(name, body, services)
    except UserError as bad:
        await services.object_to(ack, body, name, bad.sentence)
    except StoreUnavailable:
        await services.object_to(ack, body, name, sentence("not_saved"))
    else:
        await ack()


async def _act(name: str, body: dict[str, Any], services: Services) -> None:
    view, team = body["view"], body["team"]["id"]
    version_id, channel = draft_from(view["private_metadata"])
    invocation = Invocation(body["user"]["id"], team, channel, key=f"view-{view['id']}")
    value = view["state"]["values"][name][name]
    version = await services.actions.version(version_id)
    if name == CHANGE:
        await services.actions.change(version, value["value"] or "", invocation)
    elif name == TRANSLATE:
        await services.actions.translate(version, value["selected_option"]["value"], invocation)
    else:
        await services.actions.accept(version, Way(value["selected_option"]["value"]), invocation)


def register(app: AsyncApp, services: Services) -> None:
    """Answer the forms."""
    for name in (CHANGE, TRANSLATE, ACCEPT):

        @app.view(name)
        async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
            await on_submit(ack, body, services)
