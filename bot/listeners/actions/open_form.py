"""The buttons under a draft that open a form: Change, Translate, Accept."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.drafting.footer import ACCEPT, CHANGE, TRANSLATE
from bot.drafting.slack_port import SlackError
from bot.listeners.form import TRIGGER_SECONDS
from bot.listeners.form_context import draft_of
from bot.listeners.services import Services
from bot.messages import Language, sentence
from bot.slack.render.version_views import accept_view, change_view, translate_view
from bot.slack.render.views import View


async def on_open(
    ack: AsyncAck, body: dict[str, Any], services: Services, view: Callable[[str, Language], View]
) -> None:
    """Nothing is kept yet: the form is the question."""
    await ack()
    language = await services.people.language_at_once(body["user"]["id"])
    try:
        async with asyncio.timeout(TRIGGER_SECONDS):
            await services.outbox.open_view(body["trigger_id"], view(draft_of(body), language))
    except (SlackError, TimeoutError):
        await services.answer(body, sentence("form_did_not_open"))


def register(app: AsyncApp, services: Services) -> None:
    """Answer the buttons."""

    def translate(metadata: str, language: Language) -> View:
        return translate_view(metadata, services.settings.model_languages, language)

    views: Mapping[str, Callable[[str, Language], View]] = {
        CHANGE: change_view,
        TRANSLATE: translate,
        ACCEPT: accept_view,
    }
    for name in views:

        @app.action(name)
        async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
            await on_open(ack, body, services, views[body["actions"][0]["action_id"]])
