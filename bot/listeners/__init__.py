"""Doors: one thin handler a file. Each reads, hands on, answers."""

import re

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.drafting.drafting import Drafting
from bot.drafting.jobs import Jobs
from bot.drafting.reviews import Reviews
from bot.listeners.actions import draft_in_dm, regenerate, review
from bot.listeners.commands import draft as draft_command
from bot.listeners.events import member_joined_channel, message, reaction_added
from bot.listeners.views import draft as draft_form
from bot.settings import Settings
from bot.slack.outbox import Outbox
from bot.slack.people import People

ANY = re.compile("")


def register(
    app: AsyncApp,
    drafting: Drafting,
    outbox: Outbox,
    people: People,
    *,
    settings: Settings,
    bot: str,
    reviews: Reviews | None,
    jobs: Jobs,
) -> None:
    """Every listener; `bot` is the bot's own user."""
    draft_command.register(app, settings.slash_command, drafting, outbox, people)
    draft_form.register(app, drafting, people)
    message.register(app, drafting, outbox, people, bot)
    reaction_added.register(app, drafting, outbox, people, settings=settings, bot=bot)
    member_joined_channel.register(app, drafting, bot)
    regenerate.register(app, drafting, outbox, people)
    draft_in_dm.register(app, drafting, outbox, people)
    if reviews:
        review.register(app, reviews, outbox, people, jobs.start)
    _pass_over_the_rest(app)


def _pass_over_the_rest(app: AsyncApp) -> None:
    # What no listener takes would be answered 404, which Slack counts as a failure of the app.
    async def listener(ack: AsyncAck) -> None:
        await ack()

    for register_any in (app.event, app.action, app.view, app.shortcut, app.options):
        register_any(ANY)(listener)
