"""A new chat with the app beside a channel: prompts to begin with."""

from bot.listeners.payloads import AssistantThreadStarted
from bot.listeners.services import Services
from bot.messages import sentence

PROMPTS_SECONDS = 20.0


async def on_assistant_thread_started(event: AssistantThreadStarted, services: Services) -> None:
    """Suggest prompts in the background. If that fails, the person can still type."""
    services.background.start(_suggest(event, services), seconds=PROMPTS_SECONDS)


async def _suggest(event: AssistantThreadStarted, services: Services) -> None:
    language = await services.people.language_at_once(event.user)
    prompts = services.drafting.prompts(language)
    title = sentence("prompts_title").to(language)
    await services.outbox.suggest_prompts(event.channel, event.thread_ts, prompts, title)
