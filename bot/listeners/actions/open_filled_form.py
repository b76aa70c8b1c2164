"""The button beside a sentence about a slip: the form, filled in with what was typed."""

import asyncio

from slack_bolt.async_app import AsyncAck

from bot.drafting.brief.brief import Understood
from bot.drafting.kept_texts import KeptText
from bot.drafting.slack_port import SlackError
from bot.listeners.filling import fit
from bot.listeners.form import TRIGGER_SECONDS, open_filled_form
from bot.listeners.form_context import FormContext, VersionContext
from bot.listeners.payloads import ButtonClick
from bot.listeners.services import Services
from bot.messages import Sentence, sentence
from bot.slack.render.version_views import change_view
from bot.store import StoreUnavailable


async def on_open_filled_form(ack: AsyncAck, click: ButtonClick, services: Services) -> None:
    """Open the form that the text was meant for. Nothing is begun yet."""
    await ack()
    try:
        said = await _open(click, services)
    except (StoreUnavailable, SlackError, TimeoutError):
        said = sentence("form_did_not_open")
    if said:
        await services.answer(click, said)


async def _open(click: ButtonClick, services: Services) -> Sentence | None:
    """Return what to say if there is nothing to open."""
    kept = await services.kept.find(click.value, click.user)
    if kept is None:
        return sentence("form_forgotten")
    if kept.version is not None:
        await _open_change(kept, kept.version, click, services)
        return None
    said, understood = services.drafting.understood(kept.text)
    opened = await open_filled_form(
        services,
        click.trigger_id,
        FormContext(
            click.channel,
            sources=kept.sources,
            under=kept.under,
            among_others=kept.among_others,
            post_to=kept.post_to,
        ),
        click.invocation,
        said=said,
        understood=understood,
    )
    return None if opened else sentence("form_did_not_open")


async def _open_change(
    kept: KeptText, version: int, click: ButtonClick, services: Services
) -> None:
    """Open the form that changes a draft. Raises StoreUnavailable, SlackError, TimeoutError."""
    async with asyncio.timeout(TRIGGER_SECONDS):
        fitted = await fit(services, None, Understood({}, kept.text), click.invocation)
        context = VersionContext(
            version, click.channel, click.response_url, fitted.rest, fitted.material
        )
        language = await services.people.language_at_once(click.user)
        codes = services.settings.model_languages
        view = change_view(context.to_metadata(), codes, language, fitted.filling)
        await services.outbox.views.open(click.trigger_id, view)
