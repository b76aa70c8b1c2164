"""The buttons under a draft that explain it: What changed, Why this, Voice check."""

import asyncio

from slack_bolt.async_app import AsyncAck

from bot.drafting.footer import VOICE, WHY
from bot.drafting.slack_port import SlackError
from bot.errors import UserError
from bot.listeners.form import TRIGGER_SECONDS
from bot.listeners.payloads import ButtonClick
from bot.listeners.services import Services
from bot.messages import sentence
from bot.slack.render.version_views import changes_view, why_view
from bot.slack.render.views import ViewPayload
from bot.slack.render.voice_form import check_view
from bot.store import StoreUnavailable


async def on_explain(ack: AsyncAck, click: ButtonClick, services: Services) -> None:
    """Explain the draft in a modal, which only whoever clicked sees."""
    await ack()
    try:
        async with asyncio.timeout(TRIGGER_SECONDS):
            view = await _view(click, services)
            if view is not None:
                await services.outbox.views.open(click.trigger_id, view)
    except UserError as bad:
        await services.answer(click, bad.sentence)
    except (SlackError, StoreUnavailable, TimeoutError):
        await services.answer(click, sentence("form_did_not_open"))
    else:
        if view is None:
            await services.answer(click, sentence("nothing_to_compare"))


async def _view(click: ButtonClick, services: Services) -> ViewPayload | None:
    language = await services.people.language_at_once(click.user)
    version = await services.actions.version(click.id, click.posted_at)
    if click.action_id == WHY:
        return why_view(await services.history.why(version, language, click.invocation), language)
    if click.action_id == VOICE:
        return check_view(await services.voice_check.check(version, click.user), language)
    changes = await services.history.changes(version, click.user)
    return changes_view(changes, language) if changes else None
