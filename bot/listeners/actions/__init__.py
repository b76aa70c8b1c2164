"""Buttons."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.drafting.destination import LEAVE, POST
from bot.drafting.footer import ACCEPT, AT_ONCE, CHANGE, CHANGES, MORE, RATE, VOICE, WHY
from bot.drafting.jobs.job_context import DRAFT_IN_DM, STOP_THREAD
from bot.drafting.reviews import BUTTONS, SHOW, Reviews
from bot.listeners.actions.confirm_accept import on_answer
from bot.listeners.actions.draft_action import on_draft_action
from bot.listeners.actions.draft_in_dm import on_draft_in_dm
from bot.listeners.actions.explain import on_explain
from bot.listeners.actions.more_options import on_more_options
from bot.listeners.actions.open_filled_form import on_open_filled_form
from bot.listeners.actions.open_form import on_open_form
from bot.listeners.actions.rate import on_rate
from bot.listeners.actions.review import on_decision, on_show
from bot.listeners.actions.stop_thread import on_stop_thread
from bot.listeners.binding import bind
from bot.listeners.form import open_form_anywhere
from bot.listeners.payloads import Body, ButtonClick, ModalTrigger, ViewClick
from bot.listeners.services import Services
from bot.slack.render.draft_form import MORE as MORE_OPTIONS
from bot.slack.render.draft_form import OPEN_FILLED
from bot.slack.render.home_view import NEW_DRAFT

# A button under the drafts of version 0.1.0; what it asked for is in the form to change a draft.
TRANSLATE = "translate_form"

OnClick = Callable[[AsyncAck, ButtonClick, Services], Coroutine[Any, Any, None]]


def register(app: AsyncApp, services: Services) -> None:
    """Bind the buttons of drafts, of threads, of the home tab and of the reviewers' card."""
    handlers: dict[str, OnClick] = {
        **dict.fromkeys(map(str, AT_ONCE), on_draft_action),
        **dict.fromkeys((CHANGE, TRANSLATE, ACCEPT), on_open_form),
        **dict.fromkeys((CHANGES, WHY, VOICE), on_explain),
        RATE: on_rate,
        STOP_THREAD: on_stop_thread,
        DRAFT_IN_DM: on_draft_in_dm,
        **dict.fromkeys((POST, LEAVE), on_answer),
        OPEN_FILLED: on_open_filled_form,
    }

    async def on_choice(ack: AsyncAck, click: ButtonClick, services: Services) -> None:
        await handlers[click.action_id](ack, click, services)

    for action_id, handler in {**handlers, MORE: on_choice}.items():
        app.action(action_id)(bind(handler, ButtonClick.from_body, services))
    app.action(NEW_DRAFT)(bind(open_form_anywhere, ModalTrigger.from_body, services))
    app.action(MORE_OPTIONS)(bind(on_more_options, ViewClick.from_body, services))
    if services.reviews:
        _register_reviews(app, services, services.reviews)


def _register_reviews(app: AsyncApp, services: Services, reviews: Reviews) -> None:
    async def in_review_channel(body: Body) -> bool:
        return bool((body.get("channel") or {}).get("id") == reviews.channel)

    handlers: dict[str, OnClick] = {
        SHOW: partial(on_show, reviews),
        **dict.fromkeys(BUTTONS, partial(on_decision, reviews)),
    }
    for action_id, handler in handlers.items():
        listener = bind(handler, ButtonClick.from_body, services)
        app.action(action_id, matchers=[in_review_channel])(listener)
