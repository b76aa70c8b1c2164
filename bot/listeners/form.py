"""The form for a draft, opened from wherever somebody asked for it."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from slack_bolt.async_app import AsyncAck

from bot.drafting.brief.brief import Understood
from bot.drafting.jobs.intake import Invocation
from bot.drafting.preferences import shown_options
from bot.drafting.slack_port import SlackError
from bot.listeners.filling import fit
from bot.listeners.form_context import FormContext
from bot.listeners.payloads import ModalTrigger
from bot.listeners.services import Services
from bot.messages import Language, Sentence, sentence
from bot.slack.render.draft_form import FOLDED, Choices, Filling, draft_view
from bot.slack.render.views import ViewPayload
from bot.store import StoreUnavailable

# A trigger_id of Slack's is valid for three seconds, and Slack waits no longer for an ack: there is
# one left to say, in the person's language, that the form did not open.
TRIGGER_SECONDS = 1.8
# Slack waits 3 s for the answer to a form: there is a moment left to commit what was judged.
JUDGE_SECONDS = 2.3
THEN_SECONDS = 60.0


async def open_form(
    services: Services,
    user: str,
    trigger_id: str,
    context: FormContext,
    *,
    source: Sentence | None = None,
    then: Callable[[str], Coroutine[Any, Any, None]] | None = None,
    filling: Filling | None = None,
) -> Sentence | None:
    """Open the form; return what to say instead if it did not open.

    `source` tells in the form what is kept for it; `then(view_id)` runs in the background once it
    is open.
    """
    try:
        async with asyncio.timeout(TRIGGER_SECONDS):
            view = await _view(services, user, context, source, filling)
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
    services: Services,
    user: str,
    context: FormContext,
    source: Sentence | None,
    filling: Filling | None = None,
) -> ViewPayload:
    language = await services.people.language_at_once(user)
    filling = await _with_own(services, user, context, filling or Filling())
    return draft_view(
        context.to_metadata(),
        language,
        choices(services, language),
        source=source.to(language) if source else None,
        anywhere=context.channel is None,
        filling=filling,
    )


async def _with_own(
    services: Services, user: str, context: FormContext, filling: Filling
) -> Filling:
    """Choose what the person set, and what is usual in the channel, where they typed nothing else.

    It is shown, so it is settled.
    """
    channel = context.post_to or context.channel
    try:
        shown = shown_options(await services.preferences.of(user), services.settings)
        if channel and await services.drafting.shows_best(channel):
            shown["best"] = "yes"
    except StoreUnavailable:
        return filling
    typed = filling.understood
    return replace(filling, understood=Understood({**shown, **typed.options}, typed.text))


async def open_filled_form(
    services: Services,
    trigger_id: str,
    context: FormContext,
    invocation: Invocation,
    *,
    said: Sentence | None,
    understood: Understood,
) -> bool:
    """Open the form with what could be read of a text, and what is wrong; False: it did not."""
    try:
        async with asyncio.timeout(TRIGGER_SECONDS):
            fitted = await fit(services, said, understood, invocation)
            kept = replace(context, rest=fitted.rest, material=fitted.material)
            not_opened = await open_form(
                services, invocation.user, trigger_id, kept, filling=fitted.filling
            )
    except (StoreUnavailable, TimeoutError):
        return False
    return not_opened is None


async def open_form_anywhere(ack: AsyncAck, trigger: ModalTrigger, services: Services) -> None:
    """Open the form, which asks for the channel."""
    await ack()
    said = await open_form(services, trigger.user, trigger.trigger_id, FormContext())
    if said:
        told = await services.people.told(trigger.user, said)
        await services.outbox.tell_in_dm(trigger.user, told)


def choices(services: Services, language: Language) -> Choices:
    """Return what the form offers."""
    return Choices(
        services.drafting.kinds(language),
        services.settings.model_languages,
        services.drafting.networks(language),
        usual_sampling(services),
    )


def usual_sampling(services: Services) -> dict[str, float]:
    """Return the options of sampling where nobody chooses them; a seed is new each time."""
    usual = services.settings.options(seed=0).sampling
    return {name: usual[name] for name in FOLDED if name != "seed"}
