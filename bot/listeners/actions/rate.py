"""The thumbs under a draft: a reader's last one counts."""

import asyncio

from slack_bolt.async_app import AsyncAck

from bot.drafting.footer import BAD
from bot.drafting.slack_port import SlackError
from bot.errors import UserError
from bot.listeners.form import TRIGGER_SECONDS
from bot.listeners.form_context import VersionContext
from bot.listeners.payloads import ButtonClick
from bot.listeners.services import Services
from bot.messages import Sentence, sentence
from bot.slack.render.feedback_view import feedback_view
from bot.store import StoreUnavailable

# The form that asks why has to open within the time of the same click.
COUNT_SECONDS = 1.0


async def on_rate(ack: AsyncAck, click: ButtonClick, services: Services) -> None:
    """Commit the thumb, then ack. A thumb down asks why; a form that is closed loses nothing."""
    counted, said = await _count(click, services)
    await ack()
    if said:
        await services.answer(click, said)
    if counted and click.action_id == BAD:
        await _ask_why(click, services)


async def _count(click: ButtonClick, services: Services) -> tuple[bool, Sentence | None]:
    """Say whether the thumb was recorded just now, and what to tell whoever clicked if not."""
    good = click.action_id != BAD
    try:
        async with asyncio.timeout(COUNT_SECONDS):
            await services.actions.version(click.id, click.posted_at)
            return await services.feedback.rate(click.id, good, click.invocation), None
    except UserError as bad:
        return False, bad.sentence
    except (SlackError, StoreUnavailable, TimeoutError):
        return False, sentence("click_not_saved")


async def _ask_why(click: ButtonClick, services: Services) -> None:
    metadata = VersionContext(click.id, click.channel).to_metadata()
    try:
        async with asyncio.timeout(TRIGGER_SECONDS):
            language = await services.people.language_at_once(click.user)
            view = feedback_view(metadata, language)
            await services.outbox.views.open(click.trigger_id, view)
    except (SlackError, TimeoutError):
        await services.answer(click, sentence("form_did_not_open"))
