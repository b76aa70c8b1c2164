"""The menu of a message: its text and files become what a draft is based on."""

from slack_bolt.async_app import AsyncAck

from bot.drafting.sources import from_files, from_text
from bot.errors import UserError
from bot.listeners.form import open_form
from bot.listeners.form_context import FormContext
from bot.listeners.payloads import MessageShortcut
from bot.listeners.services import Services
from bot.messages import Sentence, sentence, sentences
from bot.slack.incoming import typed
from bot.store import StoreUnavailable


async def on_message_shortcut(ack: AsyncAck, shortcut: MessageShortcut, services: Services) -> None:
    """Keep the message, open the form, then ack."""
    try:
        said = await _open(shortcut, services)
    except UserError as bad:
        said = bad.sentence
    except StoreUnavailable:
        said = sentence("not_saved")
    await ack()
    if said:
        await services.answer(shortcut, said)


async def _open(shortcut: MessageShortcut, services: Services) -> Sentence | None:
    """Return what to say if the form did not open. Raises UserError, StoreUnavailable."""
    invocation = shortcut.invocation
    text = typed(shortcut.text, bot=services.bot_user)
    sources = from_files(shortcut.files, invocation.key, shortcut.author)
    if text:
        limit = services.settings.max_source
        sources = [from_text("message", text, invocation.key, limit, shortcut.author), *sources]
    if not sources:
        raise UserError(sentence("no_text_there"))
    # Under a key, for the text may be longer than a form can hold.
    await services.drafting.keep(sources, invocation)
    keys = [source.key for source in sources]
    context = FormContext(shortcut.channel, shortcut.response_url, keys)
    kept = sentences.form_source_kept(len(text), len(shortcut.files))
    return await open_form(services, shortcut.user, shortcut.trigger_id, context, source=kept)
