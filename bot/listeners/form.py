"""The form for a draft, opened from wherever somebody asked for it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from slack_bolt.async_app import AsyncAck

from bot.drafting.slack_port import SlackError
from bot.listeners.form_context import FormContext
from bot.listeners.payloads import ModalTrigger
from bot.listeners.services import Services
from bot.messages import Sentence, sentence
from bot.slack.render.draft_form import Choices, draft_view
from bot.slack.render.views import ViewPayload

# A trigger_id of Slack's is valid for three.
TRIGGER_SECONDS = 2.0
THEN_SECONDS = 60.0


async def open_form(
    services: Services,
    user: str,
    trigger_id: str,
    context: FormContext,
    *,
    source: Sentence | None = None,
    then: Callable[[str], Coroutine[Any, Any, None]] | None = None,
) -> Sentence | None:
    """Open the form; return what to say instead if it did not open.

    `source` tells in the form what is kept for it; `then(view_id)` runs in the background once it
    is open.
    """
    try:
        async with asyncio.timeout(TRIGGER_SECONDS):
            view = await _view(services, user, context, source)
            view_id = await services.outbox.views.open(trigger_id, view)
    except (SlackError, TimeoutError):
        return sentence("no_form")
    if then and view_id:
        services.background.start(then(view_id), seconds=THEN_SECONDS)
    return None


async def tell_source(
    services: Services, user: str, view_id: str, context: FormContext, source: Sentence
) -> None:
    """Tell in an open form what is kept for it by now; what was typed into it stays."""
    view = await _view(services, user, context, source)
    await services.outbox.views.update(view_id, view)


async def _view(
    services: Services, user: str, context: FormContext, source: Sentence | None
) -> ViewPayload:
    language = await services.people.language(user)
    kinds = services.drafting.kinds(language)
    return draft_view(
        context.to_metadata(),
        language,
        Choices(kinds, services.settings.model_languages),
        source=source.to(language) if source else None,
        anywhere=context.channel is None,
    )


async def open_form_anywhere(ack: AsyncAck, trigger: ModalTrigger, services: Services) -> None:
    """Open the form, which asks for the channel."""
    said = await open_form(services, trigger.user, trigger.trigger_id, FormContext())
    await ack()
    if said:
        told = await services.people.told(trigger.user, said)
        await services.outbox.tell_in_dm(trigger.user, told)
