"""The form for a draft, opened from wherever somebody asked for it."""

import asyncio
from typing import Any

from slack_bolt.async_app import AsyncAck

from bot.drafting.slack_port import SlackError
from bot.listeners.form_context import Place
from bot.listeners.services import Services
from bot.messages import Language, Sentence, sentence
from bot.slack.render.views import Choices, draft_view

# A trigger of Slack's lives for three.
TRIGGER_SECONDS = 2.0


async def open_form(
    services: Services,
    user: str,
    trigger_id: str,
    metadata: str,
    *,
    source: Sentence | None = None,
    anywhere: bool = False,
) -> Sentence | None:
    """What to say instead, where it did not open."""
    try:
        async with asyncio.timeout(TRIGGER_SECONDS):
            language: Language = await services.people.language(user)
            view = draft_view(
                metadata,
                language,
                choices(services, language),
                source=source.to(language) if source else None,
                anywhere=anywhere,
            )
            await services.outbox.open_view(trigger_id, view)
    except (SlackError, TimeoutError):
        return sentence("no_form")
    return None


async def open_form_anywhere(ack: AsyncAck, body: dict[str, Any], services: Services) -> None:
    """From where no channel is: the form asks for it."""
    user = body["user"]["id"]
    said = await open_form(services, user, body["trigger_id"], Place().packed(), anywhere=True)
    await ack()
    if said:
        await services.outbox.tell_in_dm(user, await services.people.told(user, said))


def choices(services: Services, language: Language) -> Choices:
    """What this app can write."""
    return Choices(services.drafting.kinds(language), services.settings.model_languages)


def files_in(message: dict[str, Any]) -> list[tuple[str, str]]:
    """The ids and names of the files of a message or of an input."""
    files = message.get("files") or []
    return [(str(file["id"]), str(file.get("name") or file["id"])) for file in files]
