"""The reviewers' card: see the held text, and decide about it."""

import structlog
from slack_bolt.async_app import AsyncAck

from bot.drafting.reviews import BUTTONS, Reviews, Undecided
from bot.drafting.slack_port import SlackError
from bot.listeners.payloads import ButtonClick
from bot.listeners.services import Services
from bot.messages import sentence
from bot.slack.render.review_views import review_view, said_view, waiting_view
from bot.store import StoreUnavailable

log = structlog.get_logger(__name__)


async def on_show(reviews: Reviews, ack: AsyncAck, click: ButtonClick, services: Services) -> None:
    """Open the text in a form that only this reviewer sees.

    The form is opened first: a judge may take longer than Slack waits.
    """
    await ack()
    language = await services.people.language_at_once(click.user)
    try:
        view_id = await services.outbox.views.open(click.trigger_id, waiting_view(language))
        text = await reviews.reveal(click.id, click.user, click.posted_at)
        await services.outbox.views.update(view_id, review_view(text, language))
    except Undecided as undecided:
        await services.outbox.views.update(view_id, said_view(undecided.sentence, language))
    except (SlackError, StoreUnavailable, OSError):
        await services.answer(click, sentence("form_did_not_open"))


async def on_decision(
    reviews: Reviews, ack: AsyncAck, click: ButtonClick, services: Services
) -> None:
    """Ack, then decide: judging may take longer than Slack waits, and a click can be repeated."""
    await ack()
    try:
        decision = BUTTONS[click.action_id]
        await reviews.decide(click.id, decision, click.user, click.posted_at)
        services.jobs.wake()
    except Undecided as undecided:
        await services.answer(click, undecided.sentence)
    except (StoreUnavailable, OSError) as error:
        log.error("review not saved", error=type(error).__name__)
        await services.answer(click, sentence("click_not_saved"))
