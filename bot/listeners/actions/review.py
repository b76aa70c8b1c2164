"""The reviewers' card: see the held text, and decide about it."""

from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.drafting.reviews import BUTTONS, SHOW, Reviews, Undecided
from bot.drafting.slack_port import SlackError
from bot.listeners.services import Services, clicked_id
from bot.messages import sentence
from bot.slack.render.views import review_view, said_view, waiting_view
from bot.store import StoreUnavailable

log = structlog.get_logger(__name__)


async def on_show(
    ack: AsyncAck, body: dict[str, Any], services: Services, reviews: Reviews
) -> None:
    """The text opens in a form that this reviewer alone sees.

    The form is opened first: a judge may take longer than Slack waits.
    """
    await ack()
    user = body["user"]["id"]
    language = await services.people.language_at_once(user)
    try:
        view_id = await services.outbox.open_view(body["trigger_id"], waiting_view(language))
        text = await reviews.reveal(clicked_id(body), user)
        await services.outbox.update_view(view_id, review_view(text, language))
    except Undecided as undecided:
        await services.outbox.update_view(view_id, said_view(undecided.sentence, language))
    except (SlackError, StoreUnavailable, OSError):
        await services.answer(body, sentence("form_did_not_open"))


async def on_decision(
    ack: AsyncAck, body: dict[str, Any], services: Services, reviews: Reviews
) -> None:
    """Acked at once, for judging may take longer than Slack waits: a click can be repeated."""
    await ack()
    decision = BUTTONS[body["actions"][0]["action_id"]]
    try:
        services.jobs.start(await reviews.decide(clicked_id(body), decision, body["user"]["id"]))
    except Undecided as undecided:
        await services.answer(body, undecided.sentence)
    except (StoreUnavailable, OSError) as error:
        log.error("review not saved", error=type(error).__name__)
        await services.answer(body, sentence("form_did_not_open"))


def register(app: AsyncApp, services: Services) -> None:
    """Answer the card's buttons, in the reviewers' channel only."""
    if (reviews := services.reviews) is None:
        return

    async def here(body: dict[str, Any]) -> bool:
        return bool(body.get("channel", {}).get("id") == reviews.channel)

    @app.action(SHOW, matchers=[here])
    async def show(ack: AsyncAck, body: dict[str, Any]) -> None:
        await on_show(ack, body, services, reviews)

    for button in BUTTONS:

        @app.action(button, matchers=[here])
        async def decision(ack: AsyncAck, body: dict[str, Any]) -> None:
            await on_decision(ack, body, services, reviews)
