"""Emoji on a draft: the reactor asks for something with one click."""

from collections.abc import Coroutine
from typing import Any

from bot.drafting.destination import Destination, question
from bot.drafting.draft_action import DraftAction
from bot.errors import UserError
from bot.listeners.early_events import TooEarly
from bot.listeners.payloads import ReactionAdded
from bot.listeners.services import TELL_SECONDS, Services
from bot.messages import Sentence
from bot.store import Version


async def on_reaction(event: ReactionAdded, services: Services) -> None:
    """Do what the emoji asks for. Other emoji, and those on other messages, mean nothing."""
    action = services.settings.actions_by_emoji.get(event.emoji)
    # The bot's own emoji is an offer.
    if action is None or event.user == services.bot_user or not event.ts:
        return
    version = await services.actions.version_at(event.channel, event.ts)
    if version is None:
        if event.item_author == services.bot_user and not await services.actions.is_known(
            event.channel, event.ts
        ):
            raise TooEarly(event.channel, event.ts)
        return
    try:
        if action is DraftAction.ACCEPT and await _is_asked_first(version, event, services):
            return
        await services.actions.ask(version, action, event.invocation)
    except UserError as bad:
        if await services.intake.first(event.invocation):
            _start(_tell(version, bad.sentence, event, services), services)


async def _is_asked_first(version: Version, event: ReactionAdded, services: Services) -> bool:
    """Ask before one click posts what was drafted in private; say whether that is so.

    Raises UserError.
    """
    where = await services.actions.acceptance.asks_first(version, event.invocation)
    if where is None:
        return False
    if await services.intake.first(event.invocation):
        _start(_ask(version, where, event, services), services)
    return True


def _start(telling: Coroutine[Any, Any, None], services: Services) -> None:
    services.background.start(telling, seconds=TELL_SECONDS)


async def _tell(version: Version, said: Sentence, event: ReactionAdded, services: Services) -> None:
    told = await services.people.told(event.user, said)
    # The event does not name the thread, in which the person is looking.
    root = await services.actions.root_of(version)
    await services.outbox.tell(event.channel, event.user, told, thread_ts=root)


async def _ask(
    version: Version, where: Destination, event: ReactionAdded, services: Services
) -> None:
    language = await services.people.language_at_once(event.user)
    asked, buttons = question(version, where, language)
    root = await services.actions.root_of(version)
    await services.outbox.tell(event.channel, event.user, asked, thread_ts=root, buttons=buttons)
