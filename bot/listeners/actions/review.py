"""The reviewers' card: see the held text, and decide about it."""

from collections.abc import Callable
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot import phrases
from bot.drafting.reviews import BUTTONS, SHOW, Reviews, Undecided
from bot.slack.errors import SlackError
from bot.slack.outbox import Outbox
from bot.slack.people import People
from bot.slack.views import review_view
from bot.store import Job, StoreUnavailable

log = structlog.get_logger(__name__)


async def on_show(
    ack: AsyncAck, body: dict[str, Any], reviews: Reviews, outbox: Outbox, people: People
) -> None:
    """The text opens in a form that this reviewer alone sees."""
    user = body["user"]["id"]
    try:
        text = await reviews.reveal(_hold_id(body), user)
        language = await people.language_at_once(user)
        await outbox.open_view(body["trigger_id"], review_view(text, language))
    except Undecided as undecided:
        await _answer(body, undecided.sentence, outbox, people)
    except (SlackError, StoreUnavailable, OSError):
        await _answer(body, phrases.not_saved(), outbox, people)
    await ack()


async def on_decision(
    ack: AsyncAck,
    body: dict[str, Any],
    reviews: Reviews,
    outbox: Outbox,
    people: People,
    *,
    go_on: Callable[[Job], None],
) -> None:
    """Committed, then acked; then the job goes on."""
    decision = BUTTONS[body["actions"][0]["action_id"]]
    try:
        go_on(await reviews.decide(_hold_id(body), decision, body["user"]["id"]))
    except Undecided as undecided:
        await _answer(body, undecided.sentence, outbox, people)
    except (StoreUnavailable, OSError) as error:
        log.error("review not saved", error=type(error).__name__)
        await _answer(body, phrases.not_saved(), outbox, people)
    await ack()


def _hold_id(body: dict[str, Any]) -> int:
    return int(body["actions"][0]["value"])


async def _answer(
    body: dict[str, Any], sentence: phrases.Sentence, outbox: Outbox, people: People
) -> None:
    said = await people.told(body["user"]["id"], sentence)
    await outbox.answer(body["response_url"], said, replace=False)


def register(
    app: AsyncApp,
    reviews: Reviews,
    outbox: Outbox,
    people: People,
    go_on: Callable[[Job], None],
) -> None:
    """Answer the card's buttons, in the reviewers' channel only."""

    async def here(body: dict[str, Any]) -> bool:
        return bool(body.get("channel", {}).get("id") == reviews.channel)

    @app.action(SHOW, matchers=[here])
    async def show(ack: AsyncAck, body: dict[str, Any]) -> None:
        await on_show(ack, body, reviews, outbox, people)

    for button in BUTTONS:

        @app.action(button, matchers=[here])
        async def decision(ack: AsyncAck, body: dict[str, Any]) -> None:
            await on_decision(ack, body, reviews, outbox, people, go_on=go_on)
