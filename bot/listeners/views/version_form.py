"""The forms about a draft, submitted: change it, accept it."""

from slack_bolt.async_app import AsyncAck

from bot.drafting.draft_action import Way
from bot.errors import UserError
from bot.listeners.payloads import ViewSubmission
from bot.listeners.services import Services
from bot.messages import sentence
from bot.slack.render.version_views import CHANGE, REWRITE
from bot.store import StoreUnavailable


async def on_version_form(ack: AsyncAck, form: ViewSubmission, services: Services) -> None:
    """Commit what was asked for, then ack. What was wrong is said in the form."""
    try:
        await _act(form, services)
    except UserError as bad:
        await services.object_to(ack, form, form.callback_id, bad.sentence)
    except StoreUnavailable:
        await services.object_to(ack, form, form.callback_id, sentence("not_saved"))
    else:
        await ack()


async def _act(form: ViewSubmission, services: Services) -> None:
    context = form.version_context
    invocation = form.invocation(context.channel)
    value = form.value(form.callback_id)
    version = await services.actions.version(context.version)
    if form.callback_id == CHANGE:
        await services.actions.rewrite(version, form.value(REWRITE), value, invocation)
    else:
        await services.actions.accept(version, Way(value), invocation)
