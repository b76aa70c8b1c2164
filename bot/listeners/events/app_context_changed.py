"""What a person looks at while the app is in sight."""

from bot.listeners.agent_payloads import AppContextChanged
from bot.listeners.look import Look
from bot.listeners.services import Services

LOOK_SECONDS = 20.0


async def on_app_context_changed(event: AppContextChanged, services: Services) -> None:
    """Remember the channel that a person looks at."""
    if event.look is not None:
        remember(event.look, services)


def remember(look: Look, services: Services) -> None:
    """Remember it in the background: nobody waits for it, and the next one is not far."""
    remembering = services.drafting.look(look.user, look.channel, look.at)
    services.background.start(remembering, seconds=LOOK_SECONDS)
