"""The app's home tab: what the person began last, what the app can do, a button to begin."""

from bot.listeners.payloads import AppHomeOpened
from bot.listeners.services import Services
from bot.slack.render.home_view import home_view

MOST_THREADS = 8
HOME_SECONDS = 60.0


async def on_app_home_opened(event: AppHomeOpened, services: Services) -> None:
    """Draw the tab anew each time it is opened, in the background: Slack does not wait for it."""
    if event.tab == "home":
        services.background.start(_publish(event.user, services), seconds=HOME_SECONDS)


async def _publish(user: str, services: Services) -> None:
    language = await services.people.language_at_once(user)
    recent = await services.history.recent(user, MOST_THREADS, services.outbox.permalink)
    can = [part.to(language) for part in services.drafting.help(language)]
    await services.outbox.views.publish_home(user, home_view(recent, can, language))
