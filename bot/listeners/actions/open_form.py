"""The buttons under a draft that open a form: Change, Translate, Accept."""

import asyncio

from slack_bolt.async_app import AsyncAck

from bot.drafting.footer import CHANGE, TRANSLATE
from bot.drafting.slack_port import SlackError
from bot.listeners.form import TRIGGER_SECONDS
from bot.listeners.form_context import VersionContext
from bot.listeners.payloads import ButtonClick
from bot.listeners.services import Services
from bot.messages import Language, sentence
from bot.slack.render.version_views import accept_view, change_view, translate_view
from bot.slack.render.views import ViewPayload


async def on_open_form(ack: AsyncAck, click: ButtonClick, services: Services) -> None:
    """Open the form. Nothing is kept yet: the form is the question."""
    await ack()
    language = await services.people.language_at_once(click.user)
    try:
        async with asyncio.timeout(TRIGGER_SECONDS):
            await services.outbox.views.open(click.trigger_id, _view(click, services, language))
    except (SlackError, TimeoutError):
        await services.answer(click, sentence("form_did_not_open"))


def _view(click: ButtonClick, services: Services, language: Language) -> ViewPayload:
    metadata = VersionContext(click.id, click.channel, click.response_url).to_metadata()
    if click.action_id == CHANGE:
        return change_view(metadata, language)
    if click.action_id == TRANSLATE:
        return translate_view(metadata, services.settings.model_languages, language)
    return accept_view(metadata, language)
