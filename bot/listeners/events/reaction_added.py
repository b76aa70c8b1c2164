"""Emoji on a draft: the reactor asks for something with one click."""

from bot.errors import UserError
from bot.listeners.payloads import ReactionAdded
from bot.listeners.services import Services


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
        await services.actions.ask(version, action, event.invocation)
    except UserError as bad:
        if await services.intake.first(event.invocation):
            told = await services.people.told(event.user, bad.sentence)
            # The event does not name the thread, in which the person is looking.
            root_ts = await services.actions.root_of(version)
            await services.outbox.tell(event.channel, event.user, told, thread_ts=root_ts)
