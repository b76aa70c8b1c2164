"""The forms about a draft, submitted: change it, accept it."""

import asyncio

from slack_bolt.async_app import AsyncAck

from bot.drafting.draft_action import Way
from bot.drafting.sources import from_kept
from bot.errors import InputError, UserError
from bot.listeners.form import JUDGE_SECONDS
from bot.listeners.payloads import ViewSubmission
from bot.listeners.services import Services
from bot.messages import sentence, sentences
from bot.slack.render.version_views import CHANGE, EDITED, REWRITE
from bot.store import StoreUnavailable, Version


async def on_version_form(ack: AsyncAck, form: ViewSubmission, services: Services) -> None:
    """Commit what was asked for, then ack. What was wrong is said in the form."""
    try:
        await _act(form, services)
    except InputError as bad:
        await services.object_to(ack, form, bad.field, bad.sentence)
    except UserError as bad:
        await services.object_to(ack, form, form.callback_id, bad.sentence)
    except StoreUnavailable:
        await services.object_to(ack, form, form.callback_id, sentence("not_saved"))
    else:
        await ack()


async def _act(form: ViewSubmission, services: Services) -> None:
    context = form.version_context
    invocation = form.invocation(context.channel, context.response_url)
    value = form.value(form.callback_id) + await services.kept_beside(form, context.rest)
    version = await services.actions.version(context.version)
    if form.callback_id == CHANGE:
        whole = await services.kept_beside(form, context.material)
        limit = services.settings.max_source
        sources = from_kept(whole, invocation.key, limit, invocation.user)
        rewrite = form.value(REWRITE)
        await services.actions.rewrite(version, rewrite, value, invocation, sources=sources)
        await services.drop_kept(context.rest, context.material)
    else:
        edited = await _edited(form, version, services)
        await services.actions.acceptance.accept(version, Way(value), invocation, edited)


async def _edited(form: ViewSubmission, version: Version, services: Services) -> str:
    """Return what the person made of the text; "" where they left it as it is. Raises UserError."""
    if EDITED not in form.inputs:
        return ""
    typed = form.value(EDITED).strip()
    if not typed:
        raise InputError(sentence("edit_empty"), EDITED)
    try:
        async with asyncio.timeout(JUDGE_SECONDS):
            return await _judged(typed, version, form.user, services)
    except TimeoutError:
        raise InputError(sentence("edit_not_judged"), EDITED) from None


async def _judged(typed: str, version: Version, user: str, services: Services) -> str:
    """Return what may go out of what was typed; "" if it is the text itself."""
    shown = await services.history.whole_text(version, user)
    if typed == (shown or "").strip():
        return ""
    verdict = await services.history.edited_verdict(version, typed, user)
    if verdict.text is None:
        rules = sentences.rules(verdict.rules)
        said = sentence("not_accepted", number=version.number, rules=rules)
        raise InputError(said, EDITED)
    return verdict.text
