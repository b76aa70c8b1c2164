"""The menu of a message: its text, its files and its thread become what a draft is based on."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from slack_bolt.async_app import AsyncAck

from bot.drafting.origin import Origin
from bot.drafting.slack_port import SlackError
from bot.drafting.sources import from_files, from_messages, from_text
from bot.errors import UserError
from bot.listeners.form import open_form, tell_source
from bot.listeners.form_context import FormContext
from bot.listeners.payloads import MessageShortcut
from bot.listeners.services import Services
from bot.messages import Sentence, sentence, sentences
from bot.store import Source, StoreUnavailable


async def on_message_shortcut(ack: AsyncAck, shortcut: MessageShortcut, services: Services) -> None:
    """Keep the message, then ack, then open the form."""
    try:
        open_ = await _kept(shortcut, services)
    except UserError as bad:
        await ack()
        said: Sentence | None = bad.sentence
    except StoreUnavailable:
        await ack()
        said = sentence("not_saved")
    else:
        await ack()
        said = await open_()
    if said:
        await services.answer(shortcut, said)


async def _kept(
    shortcut: MessageShortcut, services: Services
) -> Callable[[], Awaitable[Sentence | None]]:
    """Return what opens the form, and says what to tell if it did not open.

    Raises UserError, StoreUnavailable.
    """
    text = shortcut.words(services.bot_user)
    sources, thread = _sources(shortcut, text, services.settings.max_source), _thread(shortcut)
    # Under a key, for the text may be longer than a form can hold.
    await services.drafting.keep([*sources, *thread], shortcut.invocation)
    keys = [source.key for source in (*sources, *thread)]
    context = FormContext(shortcut.channel, shortcut.response_url, keys)
    kept = partial(sentences.form_source_kept, len(text), len(shortcut.files))
    opening = partial(open_form, services, shortcut.user, shortcut.trigger_id, context)
    if not thread:
        return partial(opening, source=kept())

    async def tell_thread(view_id: str) -> None:
        """Read the thread while the person types: Slack grants the form three seconds."""
        try:
            read = await services.sources.read_messages(thread[0].key)
            said = _kept_of(read)
            await tell_source(services, shortcut.user, view_id, context, kept(said))
        except (SlackError, StoreUnavailable):
            return  # The job of the form reads it.

    reading = kept(sentence("kept_thread_read"))
    return partial(opening, source=reading, then=tell_thread)


def _sources(shortcut: MessageShortcut, text: str, limit: int) -> Sequence[Source]:
    """Return the message itself as sources. Raises UserError where nothing is in it."""
    sources = from_files(shortcut.files, shortcut.key, shortcut.author)
    if text:
        return [from_text("message", text, shortcut.key, limit, shortcut.author), *sources]
    if not sources:
        raise UserError(sentence("no_text_there"))
    return sources


def _thread(shortcut: MessageShortcut) -> Sequence[Source]:
    """Return the rest of the message's thread as a source that is not read yet."""
    if shortcut.root_ts is None:
        return []
    origin = Origin("around", shortcut.channel, shortcut.root_ts, shortcut.ts)
    return [from_messages(origin, shortcut.key, shortcut.user)]


def _kept_of(read: Origin | None) -> Sentence | None:
    if read is None:
        return sentence("kept_thread_unread")
    return sentences.kept_messages(read.kept, read.messages) if read.messages else None
