"""Shortcuts: the lightning menu, and the menu of a message."""

from slack_bolt.async_app import AsyncApp

from bot.listeners.binding import bind
from bot.listeners.form import open_form_anywhere
from bot.listeners.payloads import MessageShortcut, ModalTrigger
from bot.listeners.services import Services
from bot.listeners.shortcuts.draft_from_message import on_message_shortcut
from bot.slack.manifest import DRAFT_SHORTCUT, MESSAGE_SHORTCUT


def register(app: AsyncApp, services: Services) -> None:
    """Bind both shortcuts."""
    app.shortcut(DRAFT_SHORTCUT)(bind(open_form_anywhere, ModalTrigger.from_body, services))
    app.shortcut(MESSAGE_SHORTCUT)(bind(on_message_shortcut, MessageShortcut.from_body, services))
