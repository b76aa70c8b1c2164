"""The buttons under a draft that explain it: What changed, Why this."""

import asyncio
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.drafting.brief.brief import BadBrief
from bot.drafting.footer import CHANGES, WHY
from bot.listeners.form import TRIGGER_SECONDS
from bot.listeners.services import Front, clicked_id
from bot.messages import Language, sentence
from bot.slack.errors import SlackError
from bot.slack.render.version_views import changes_view, why_view
from bot.slack.render.views import View
from bot.store import StoreUnavailable


async def on_explain(ack: AsyncAck, body: dict[str, Any], front: Front) -> None:
    """In a modal, to whoever asked alone."""
    await ack()
    try:
        async with asyncio.timeout(TRIGGER_SECONDS):
            view = await _view(body, front)
            if view is not None:
                await front.outbox.open_view(body["trigger_id"], view)
    except BadBrief as bad:
        await front.answer(body, bad.sentence)
    except (SlackError, StoreUnavailable, TimeoutError):
        await front.answer(body, sentence("form_did_not_open"))
    else:
        if view is None:
            await front.answer(body, sentence("nothing_to_compare"))


async def _view(body: dict[str, Any], front: Front) -> View | None:
    user = body["user"]["id"]
    language: Language = await front.people.language_at_once(user)
    version = await front.acts.version(clicked_id(body))
    if body["actions"][0]["action_id"] == WHY:
        return why_view(await front.explain.why(version, language, user), language)
    changes = await front.explain.changes(version, user)
    return changes_view(changes, language) if changes else None


def register(app: AsyncApp, front: Front) -> None:
    """Answer the buttons."""
    for name in (CHANGES, WHY):

        @app.action(name)
        async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
            await on_explain(ack, body, front)
