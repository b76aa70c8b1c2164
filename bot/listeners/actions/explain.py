"""The buttons under a draft that explain it: What changed, Why this."""

import asyncio
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.drafting.footer import CHANGES, WHY
from bot.drafting.slack_port import SlackError
from bot.errors import UserError
from bot.listeners.form import TRIGGER_SECONDS
from bot.listeners.services import Services, clicked_id
from bot.messages import Language, sentence
from bot.slack.render.version_views import changes_view, why_view
from bot.slack.render.views import View
from bot.store import StoreUnavailable


async def on_explain(ack: AsyncAck, body: dict[str, Any], services: Services) -> None:
    """In a modal, to whoever asked alone."""
    await ack()
    try:
        async with asyncio.timeout(TRIGGER_SECONDS):
            view = await _view(body, services)
            if view is not None:
                await services.outbox.open_view(body["trigger_id"], view)
    except UserError as bad:
        await services.answer(body, bad.sentence)
    except (SlackError, StoreUnavailable, TimeoutError):
        await services.answer(body, sentence("form_did_not_open"))
    else:
        if view is None:
            await services.answer(body, sentence("nothing_to_compare"))


async def _view(body: dict[str, Any], services: Services) -> View | None:
    user = body["user"]["id"]
    language: Language = await services.people.language_at_once(user)
    version = await services.actions.version(clicked_id(body))
    if body["actions"][0]["action_id"] == WHY:
        return why_view(await services.history.why(version, language, user), language)
    changes = await services.history.changes(version, user)
    return changes_view(changes, language) if changes else None


def register(app: AsyncApp, services: Services) -> None:
    """Answer the buttons."""
    for name in (CHANGES, WHY):

        @app.action(name)
        async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
            await on_explain(ack, body, services)
