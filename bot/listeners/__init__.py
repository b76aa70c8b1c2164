"""The doors in from Slack: one thin handler a file, which reads, hands on and answers."""

import re

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.listeners import actions, commands, events, own_settings, shortcuts, views
from bot.listeners.services import Services

ANY = re.compile("")


def register(app: AsyncApp, services: Services) -> None:
    """Bind every listener. The last takes what no other does."""
    for folder in (commands, views, shortcuts, events, actions, own_settings):
        folder.register(app, services)
    for register_any in (app.event, app.action, app.view, app.shortcut, app.options):
        register_any(ANY)(_ack_only)


async def _ack_only(ack: AsyncAck) -> None:
    # Without an ack Bolt answers 404, which Slack counts as a failure of the app.
    await ack()
