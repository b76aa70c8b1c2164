"""The app's home tab: what the person began last, what the app can do, a button to begin."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.listeners.form import open_form_anywhere
from bot.listeners.services import Front
from bot.slack.render.home_view import NEW_DRAFT, home_view

MOST_THREADS = 8
HOME_SECONDS = 60.0


async def on_opened(event: dict[str, Any], front: Front) -> None:
    """Drawn anew each time it is opened; Slack is not kept waiting for it."""
    if event.get("tab") != "home":
        return
    user = event["user"]
    language = await front.people.language_at_once(user)
    recent = await front.explain.recent(user, MOST_THREADS, front.outbox.permalink)
    can = [part.to(language) for part in front.drafting.help(language)]
    await front.outbox.publish_home(user, home_view(recent, can, language))


def register(app: AsyncApp, front: Front) -> None:
    """Listen to the tab, and answer its button."""

    @app.event("app_home_opened")
    async def listener(event: dict[str, Any]) -> None:
        front.chores.start(on_opened(event, front), seconds=HOME_SECONDS)

    @app.action(NEW_DRAFT)
    async def button(ack: AsyncAck, body: dict[str, Any]) -> None:
        await open_form_anywhere(ack, body, front)
