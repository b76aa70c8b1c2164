"""Doors: one thin handler a file. Each reads, hands on, answers."""

import re

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.listeners.actions import draft_in_dm, explain, open_form, review, stop_thread, wish
from bot.listeners.commands import draft as draft_command
from bot.listeners.events import (
    app_home_opened,
    assistant,
    member_joined_channel,
    message,
    reaction_added,
)
from bot.listeners.services import Services
from bot.listeners.shortcuts import draft as draft_shortcut
from bot.listeners.shortcuts import draft_from_message
from bot.listeners.views import draft as draft_form
from bot.listeners.views import version as version_forms

ANY = re.compile("")


def register(app: AsyncApp, services: Services) -> None:
    """Every listener."""
    doors = (
        draft_command,
        draft_form,
        draft_shortcut,
        draft_from_message,
        assistant,
        app_home_opened,
        version_forms,
        message,
        reaction_added,
        member_joined_channel,
        wish,
        open_form,
        explain,
        stop_thread,
        draft_in_dm,
        review,
    )
    for door in doors:
        door.register(app, services)
    _pass_over_the_rest(app)


def _pass_over_the_rest(app: AsyncApp) -> None:
    # What no listener takes would be answered 404, which Slack counts as a failure of the app.
    async def listener(ack: AsyncAck) -> None:
        await ack()

    for register_any in (app.event, app.action, app.view, app.shortcut, app.options):
        register_any(ANY)(listener)
