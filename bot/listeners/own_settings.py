"""What a person sets for their own drafts: shown at home, changed in a form, deleted by a button.

All of it is of whoever clicks: no payload names anybody else.
"""

import asyncio
from functools import partial

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.drafting.preferences import ABOUT, SIGNATURE
from bot.drafting.slack_port import SlackError
from bot.errors import InputError
from bot.listeners.binding import bind
from bot.listeners.events.app_home_opened import publish
from bot.listeners.form import JUDGE_SECONDS, TRIGGER_SECONDS
from bot.listeners.payloads import ModalTrigger, ViewSubmission
from bot.listeners.services import Services
from bot.messages import Sentence, sentence
from bot.slack.render.own_views import (
    CONSENT,
    DRAFTS,
    LANG,
    LENGTH,
    OWN,
    OWN_DELETE,
    PRIVATE,
    SPELLING,
    TONE,
    own_view,
)
from bot.slack.render.views import ANY
from bot.store import Preferences, StoreUnavailable
from bot.store.models import now

DRAW_SECONDS = 60.0


async def on_change(ack: AsyncAck, click: ModalTrigger, services: Services) -> None:
    """Open the form with what is set."""
    await ack()
    try:
        async with asyncio.timeout(TRIGGER_SECONDS):
            language = await services.people.language_at_once(click.user)
            own = await services.preferences.of(click.user)
            view = own_view(own, services.settings.model_languages, language)
            await services.outbox.views.open(click.trigger_id, view)
    except (SlackError, StoreUnavailable, TimeoutError):
        await _tell(click.user, sentence("form_did_not_open"), services)


async def on_form(ack: AsyncAck, form: ViewSubmission, services: Services) -> None:
    """Commit, then ack. What cannot be kept is said in the form, which keeps what was typed."""
    try:
        async with asyncio.timeout(JUDGE_SECONDS):
            chosen = await services.preferences.judged(_chosen(form))
        await services.preferences.save(chosen)
    except InputError as bad:
        await services.object_to(ack, form, bad.field, bad.sentence)
    except (StoreUnavailable, TimeoutError):
        await services.object_to(ack, form, ABOUT, sentence("own_not_saved"))
    else:
        await ack()
        _draw(form.user, services)


async def on_delete(ack: AsyncAck, click: ModalTrigger, services: Services) -> None:
    """Forget all that the person set, then ack."""
    try:
        await services.preferences.delete(click.user)
    except StoreUnavailable:
        await ack()
        await _tell(click.user, sentence("click_not_saved"), services)
    else:
        await ack()
        _draw(click.user, services)


def _chosen(form: ViewSubmission) -> Preferences:
    def choice(name: str) -> str | None:
        value = form.value(name)
        return value if value not in ("", ANY) else None

    drafts = choice(DRAFTS)
    return Preferences(
        user=form.user,
        tone=choice(TONE),
        lang=choice(LANG),
        length=choice(LENGTH),
        drafts=int(drafts) if drafts else None,
        private=bool(form.value(PRIVATE)),
        spelling=choice(SPELLING),
        signature=form.value(SIGNATURE),
        about=form.value(ABOUT),
        consented_at=now() if form.value(CONSENT) else None,
    )


def _draw(user: str, services: Services) -> None:
    services.background.start(publish(user, services), seconds=DRAW_SECONDS)


async def _tell(user: str, said: Sentence, services: Services) -> None:
    await services.outbox.tell_in_dm(user, await services.people.told(user, said))


def register(app: AsyncApp, services: Services) -> None:
    """Bind the buttons of the home tab, and the form."""
    trigger = partial(bind, read=ModalTrigger.from_body, services=services)
    app.action(OWN)(trigger(on_change))
    app.action(OWN_DELETE)(trigger(on_delete))
    app.view(OWN)(bind(on_form, ViewSubmission.from_body, services))
