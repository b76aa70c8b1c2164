"""The menu of a message: its text and files become what a draft is based on."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.drafting.jobs.intake import Invocation
from bot.drafting.sources import from_files, from_text
from bot.errors import UserError
from bot.listeners.form import files_in, open_form
from bot.listeners.form_context import Place
from bot.listeners.services import Services
from bot.messages import Sentence, sentence, sentences
from bot.slack.incoming import typed
from bot.slack.manifest import MESSAGE_SHORTCUT
from bot.store import StoreUnavailable


async def on_message_shortcut(ack: AsyncAck, body: dict[str, Any], services: Services) -> None:
    """The text is kept under a key, for it may be longer than a form can hold."""
    try:
        said = await _open(body, services)
    except UserError as bad:
        said = bad.sentence
    except StoreUnavailable:
        said = sentence("not_saved")
    await ack()
    if said:
        await services.answer(body, said)


async def _open(body: dict[str, Any], services: Services) -> Sentence | None:
    """What to say instead, where the form did not open. Raises UserError, StoreUnavailable."""
    user, channel = body["user"]["id"], body["channel"]["id"]
    invocation = Invocation(user, body["team"]["id"], channel, key=f"shortcut-{body['trigger_id']}")
    message = body["message"]
    author = message.get("user", user)
    text = typed(message.get("text", ""), bot=services.bot)
    sources = from_files(files_in(message), invocation.key, author)
    if text:
        limit = services.settings.max_source
        sources = [from_text("message", text, invocation.key, limit, author), *sources]
    if not sources:
        raise UserError(sentence("no_text_there"))
    await services.drafting.keep(sources, invocation)
    kept = sentences.form_source_kept(len(text), len(files_in(message)))
    keys = tuple(source.key for source in sources)
    place = Place(channel, body["response_url"], keys)
    return await open_form(services, user, body["trigger_id"], place.packed(), source=kept)


def register(app: AsyncApp, services: Services) -> None:
    """Answer the shortcut."""

    @app.shortcut(MESSAGE_SHORTCUT)
    async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
        await on_message_shortcut(ack, body, services)
