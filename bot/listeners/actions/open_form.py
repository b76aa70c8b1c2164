"""The buttons under a draft that open a form: Change, Accept."""

import asyncio

from slack_bolt.async_app import AsyncAck

from bot.drafting.footer import ACCEPT
from bot.drafting.slack_port import SlackError
from bot.errors import UserError
from bot.listeners.form import TRIGGER_SECONDS
from bot.listeners.form_context import VersionContext
from bot.listeners.payloads import ButtonClick
from bot.listeners.services import Services
from bot.messages import Language, sentence
from bot.slack.render.version_views import accept_view, change_view
from bot.slack.render.views import ViewPayload
from bot.store import StoreUnavailable, Version
from safety import SafeText

# The form opens without the text rather than not at all.
TEXT_SECONDS = 0.8


async def on_open_form(ack: AsyncAck, click: ButtonClick, services: Services) -> None:
    """Open the form. Nothing is kept yet: the form is the question."""
    await ack()
    try:
        async with asyncio.timeout(TRIGGER_SECONDS):
            language = await services.people.language_at_once(click.user)
            view = await _view(click, services, language)
            await services.outbox.views.open(click.trigger_id, view)
    except UserError as bad:
        await services.answer(click, bad.sentence)
    except (SlackError, StoreUnavailable, TimeoutError):
        await services.answer(click, sentence("form_did_not_open"))


async def _view(click: ButtonClick, services: Services, language: Language) -> ViewPayload:
    metadata = VersionContext(click.id, click.channel, click.response_url).to_metadata()
    version = await services.actions.version(click.id, click.posted_at)
    if click.action_id != ACCEPT:
        return change_view(metadata, services.settings.model_languages, language)
    destination = await services.actions.acceptance.destination(version)
    return accept_view(metadata, language, destination, await _text(version, click, services))


async def _text(version: Version, click: ButtonClick, services: Services) -> SafeText | None:
    """Return what can be changed before it is sent; None where the filter needs long for it."""
    try:
        async with asyncio.timeout(TEXT_SECONDS):
            return await services.history.whole_text(version, click.user)
    except TimeoutError:
        return None
