"""Emoji on a draft: the reactor asks for something with one click."""

from bot.drafting.destination import question
from bot.drafting.draft_action import DraftAction
from bot.errors import UserError
from bot.listeners.payloads import ReactionAdded
from bot.listeners.services import Services
from bot.store import Version


async def on_reaction(event: ReactionAdded, services: Services) -> None:
    """Do what the emoji asks for. Other emoji, and those on other messages, mean nothing."""
    action = services.settings.actions_by_emoji.get(event.emoji)
    # The bot's own emoji is an offer.
    if action is None or event.user == services.bot_user or not event.ts:
        return
    version = await services.actions.version_at(event.channel, event.ts)
    if version is None:
        return
    try:
        if action is DraftAction.ACCEPT and await _is_asked_first(version, event, services):
            return
        await services.actions.ask(version, action, event.invocation)
    except UserError as bad:
        if await services.intake.first(event.invocation):
            told = await services.people.told(event.user, bad.sentence)
            # The event does not name the thread, in which the person is looking.
            root_ts = await services.actions.root_of(version)
            await services.outbox.tell(event.channel, event.user, told, thread_ts=root_ts)


async def _is_asked_first(version: Version, event: ReactionAdded, services: Services) -> bool:
    """Ask before one click posts what was drafted in private; say whether that is so.

    The question stands in the thread, where the person looks. Raises UserError.
    """
    where = await services.actions.acceptance.asks_first(version, event.invocation)
    if where is None:
        return False
    if await services.intake.first(event.invocation):
        language = await services.people.language_at_once(event.user)
        asked, buttons = question(version, where, language)
        root = await services.actions.root_of(version)
        await services.outbox.tell(
            event.channel, event.user, asked, thread_ts=root, buttons=buttons
        )
    return True
