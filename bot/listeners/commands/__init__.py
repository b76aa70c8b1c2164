"""Slash commands."""

from slack_bolt.async_app import AsyncApp

from bot.listeners.binding import bind
from bot.listeners.commands.draft import on_draft
from bot.listeners.payloads import SlashCommand
from bot.listeners.services import Services


def register(app: AsyncApp, services: Services) -> None:
    """Bind the slash command."""
    app.command(services.settings.slash_command)(bind(on_draft, SlashCommand.from_body, services))
