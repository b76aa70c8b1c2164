"""Buttons."""

from collections.abc import Awaitable, Callable
from functools import partial

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.drafting.footer import ACCEPT, AT_ONCE, CHANGE, CHANGES, TRANSLATE, WHY
from bot.drafting.jobs.job_context import DRAFT_IN_DM, STOP_THREAD
from bot.drafting.reviews import BUTTONS, SHOW, Reviews
from bot.listeners.actions.draft_action import on_draft_action
from bot.listeners.actions.draft_in_dm import on_draft_in_dm
from bot.listeners.actions.explain import on_explain
from bot.listeners.actions.more_options import on_more_options
from bot.listeners.actions.open_filled_form import on_open_filled_form
from bot.listeners.actions.open_form import on_open_form
from bot.listeners.actions.review import on_decision, on_show
from bot.listeners.actions.stop_thread import on_stop_thread
from bot.listeners.binding import bind
from bot.listeners.form import open_form_anywhere
from bot.listeners.payloads import Body, ButtonClick, ModalTrigger, ViewClick
from bot.listeners.services import Services
from bot.slack.render.draft_form import MORE, OPEN_FILLED
from bot.slack.render.home_view import NEW_DRAFT

OnClick = Callable[[AsyncAck, ButtonClick, Services], Awaitable[None]]


def register(app: AsyncApp, services: Services) -> None:
    """Bind the buttons of drafts, of threads, of the home tab and of the reviewers' card."""
    handlers: dict[str, OnClick] = {
        **dict.fromkeys(map(str, AT_ONCE), on_draft_action),
        **dict.fromkeys((CHANGE, TRANSLATE, ACCEPT), on_open_form),
        **dict.fromkeys((CHANGES, WHY), on_explain),
        STOP_THREAD: on_stop_thread,
        DRAFT_IN_DM: on_draft_in_dm,
        OPEN_FILLED: on_open_filled_form,
    }
    for action_id, handler in handlers.items():
        app.action(action_id)(bind(handler, ButtonClick.from_body, services))
    app.action(NEW_DRAFT)(bind(open_form_anywhere, ModalTrigger.from_body, services))
    app.action(MORE)(bind(on_more_options, ViewClick.from_body, services))
    if services.reviews:
        _register_reviews(app, services, services.reviews)


def _register_reviews(app: AsyncApp, services: Services, reviews: Reviews) -> None:
    async def in_review_channel(body: Body) -> bool:
        return bool(body.get("channel", {}).get("id") == reviews.channel)

    handlers: dict[str, OnClick] = {
        SHOW: partial(on_show, reviews),
        **dict.fromkeys(BUTTONS, partial(on_decision, reviews)),
    }
    for action_id, handler in handlers.items():
        listener = bind(handler, ButtonClick.from_body, services)
        app.action(action_id, matchers=[in_review_channel])(listener)
