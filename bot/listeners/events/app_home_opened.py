"""The app's home tab: what the person began last, what the app can do, a button to begin."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.listeners.form import open_form_anywhere
from bot.listeners.services import Services
from bot.slack.render.home_view import NEW_DRAFT, home_view

MOST_THREADS = 8
HOME_SECONDS = 60.0


async def on_opened(event: dict[str, Any], services: Services) -> None:
    """Drawn anew each time it is opened; Slack is not kept waiting for it."""
    if event.get("tab") != "home":
        return
    user = event["user"]
    language = await services.people.language_at_once(user)
    recent = await services.history.recent(user, MOST_THREADS, services.outbox.permalink)
    can = [part.to(language) for part in services.drafting.help(language)]
    await services.outbox.publish_home(user, home_view(recent, can, language))


def register(app: AsyncApp, services: Services) -> None:
    """Listen to the tab, and answer its button."""

    @app.event("app_home_opened")
    async def listener(event: dict[str, Any]) -> None:
        services.background.start(on_opened(event, services), seconds=HOME_SECONDS)

    @app.action(NEW_DRAFT)
    async def button(ack: AsyncAck, body: dict[str, Any]) -> None:
        await open_form_anywhere(ack, body, services)
