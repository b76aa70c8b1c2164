"""The app's tabs: at home what the person began last, in the messages prompts to begin with."""

from bot.listeners.agent_payloads import AppHomeOpened
from bot.listeners.events.app_context_changed import remember
from bot.listeners.services import Services
from bot.messages import sentence
from bot.slack.render.home_view import home_view

MOST_THREADS = 8
TAB_SECONDS = 60.0


async def on_app_home_opened(event: AppHomeOpened, services: Services) -> None:
    """Draw the tab anew each time it is opened, in the background: Slack does not wait for it."""
    if event.look is not None:
        remember(event.look, services)
    draw = {"home": _publish, "messages": _suggest}.get(event.tab)
    if draw is not None:
        services.background.start(draw(event, services), seconds=TAB_SECONDS)


async def publish(user: str, services: Services) -> None:
    """Draw a person's home tab."""
    language = await services.people.language_at_once(user)
    recent = await services.history.recent(user, MOST_THREADS, services.outbox.permalink)
    own = await services.preferences.of(user)
    can = [part.to(language) for part in services.drafting.help(language)]
    await services.outbox.views.publish_home(user, home_view(recent, own, can, language))


async def _publish(event: AppHomeOpened, services: Services) -> None:
    await publish(event.user, services)


async def _suggest(event: AppHomeOpened, services: Services) -> None:
    """Suggest what to begin with. If that fails, the person can still type."""
    language = await services.people.language_at_once(event.user)
    prompts = services.drafting.prompts(language)
    title = sentence("prompts_title").to(language)
    await services.outbox.suggest_prompts(event.channel, prompts, title)
