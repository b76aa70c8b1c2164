"""The form that asks what is wrong with a draft, submitted."""

from slack_bolt.async_app import AsyncAck

from bot.listeners.payloads import ViewSubmission
from bot.listeners.services import Services
from bot.messages import sentence
from bot.slack.render.feedback_view import REASON, WORDS
from bot.store import StoreUnavailable


async def on_feedback_form(ack: AsyncAck, form: ViewSubmission, services: Services) -> None:
    """Commit what was said, then ack. What could not be saved stays in the form."""
    version, said = form.version_context.version, (form.value(REASON), form.value(WORDS))
    try:
        await services.feedback.explain(version, form.user, *said)
    except StoreUnavailable:
        await services.object_to(ack, form, WORDS, sentence("click_not_saved"))
    else:
        await ack()
