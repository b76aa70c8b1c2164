"""Messages: a reply refines, a message to the app is a brief, a deleted draft counts no more."""

import re
from collections.abc import Sequence
from dataclasses import replace

from bot.drafting.brief.brief import BadBrief, best_asked, is_help, is_muting, is_stop, voice_asked
from bot.drafting.jobs.intake import Invocation
from bot.drafting.kept_texts import KeptText
from bot.drafting.origin import Origin, What
from bot.drafting.slack_port import Button
from bot.drafting.sources import from_files, from_messages
from bot.errors import UserError
from bot.listeners.early_events import TooEarly
from bot.listeners.payloads import MessageEvent
from bot.listeners.services import TELL_SECONDS, Services
from bot.listeners.slack_time import moment
from bot.messages import Sentence, sentence, sentences
from bot.slack.incoming import typed
from bot.slack.render.draft_form import OPEN_FILLED
from bot.store import Source

SOMEBODY = re.compile(r"\s*<@[UW]\w+(?:\|[^>]*)?>")


async def on_message(event: MessageEvent, services: Services) -> None:
    """Take a reply or a brief. Say nothing about messages that are for somebody else."""
    if event.subtype == "message_deleted" and event.deleted_ts:
        await services.actions.deleted(event.channel, event.deleted_ts)
        return
    if event.author is None or event.author == services.bot_user:
        return
    to_us = event.is_direct or event.names(services.bot_user)
    if event.thread_ts or to_us:
        await _handle(event, event.author, services, to_us=to_us)


async def on_mention(event: MessageEvent, services: Services) -> None:
    """Take a message that names the app, whether or not it comes as a message as well."""
    if event.author and event.author != services.bot_user:
        await _handle(event, event.author, services, to_us=True)


async def _handle(event: MessageEvent, author: str, services: Services, *, to_us: bool) -> None:
    # One message has one ts, by however many kinds of event it comes: the first is taken.
    key = f"message-{event.channel}-{event.ts}"
    invocation = Invocation(author, event.team, event.channel, key, at=moment(event.ts))
    kept = None
    try:
        said = await _reply_or_brief(event, invocation, services, to_us=to_us)
    except BadBrief as slip:
        said, kept = slip.sentence, await _keep(slip, event, invocation, services)
    except UserError as bad:
        said = bad.sentence
    if said and await services.intake.first(invocation):
        telling = _tell(event, author, said, kept, services)
        services.background.start(telling, seconds=TELL_SECONDS)


async def _tell(
    event: MessageEvent, author: str, said: Sentence, kept: str | None, services: Services
) -> None:
    """Tell the author where they look; `kept` opens the form with what they typed."""
    language = await services.people.language_at_once(author)
    label = sentence("open_form_button").to(language)
    # In a channel, a thread without replies shows nothing that is for one person alone.
    in_thread = event.in_thread or event.is_direct
    await services.outbox.tell(
        event.channel,
        author,
        said.to(language),
        thread_ts=event.root_ts if in_thread else None,
        buttons=[Button(label, OPEN_FILLED, kept)] if kept else [],
    )


async def _keep(
    slip: BadBrief, event: MessageEvent, invocation: Invocation, services: Services
) -> str:
    """Keep what was typed, and what came with it, for the form; return its key."""
    if slip.version is not None:
        kept = KeptText(slip.understood.text, version=slip.version)
    else:
        sources = _brought(event, invocation)
        waiting = replace(invocation, key=f"{invocation.key}-form")
        await services.drafting.keep(sources, waiting)
        kept = KeptText(
            _words(event, services),
            under=event.root_ts,
            among_others=event.among_others,
            post_to=await _channel_in_sight(event, invocation.user, services),
            sources=[source.key for source in sources],
        )
    return await services.kept.keep(kept, invocation.user, invocation.key)


async def _reply_or_brief(
    event: MessageEvent, invocation: Invocation, services: Services, *, to_us: bool
) -> Sentence | None:
    """Return what to tell the author. Raises UserError."""
    words = _words(event, services)
    if to_us and not event.is_direct and not words and not event.files:
        return sentence("mention_without_wish")
    thread = await services.actions.thread_at(event.channel, event.root_ts)
    if thread is None and not to_us and event.parent_author == services.bot_user:
        raise TooEarly(event.channel, event.root_ts)
    if thread is not None and not (to_us and await services.actions.came_to_nothing(thread)):
        after = await services.actions.read_up_to(thread) if thread.others_root else ""
        return await services.actions.reply(
            thread,
            words,
            invocation,
            mentioned=to_us,
            to_others=bool(SOMEBODY.match(event.text)) and not to_us,
            files=event.files,
            brings=_messages(event, invocation, "around" if thread.others_root else "files", after),
        )
    return await _brief(event, words, invocation, services) if to_us else None


def _brought(event: MessageEvent, invocation: Invocation) -> Sequence[Source]:
    """Return what a brief is based on: the messages of its thread, its files. Raises UserError."""
    said = _messages(event, invocation, "thread" if event.among_others else "files")
    return [*said, *from_files(event.files, invocation.key, invocation.user)]


def _messages(
    event: MessageEvent, invocation: Invocation, what: What, after: str = ""
) -> Sequence[Source]:
    """Return what a job has to read of the thread and of the message itself.

    Read later, it costs Slack's three seconds nothing, and a crash loses nothing.
    """
    if what == "files" and event.files_known:
        return []
    origin = Origin(
        what,
        event.channel,
        event.root_ts,
        event.ts,
        takes_files=not event.files_known,
        after=event.ts if what == "files" else after,
        before=event.ts,
    )
    return [from_messages(origin, invocation.key, invocation.user)]


def _words(event: MessageEvent, services: Services) -> str:
    """Return what was typed, behind the link of a message that was shared with it."""
    shared = next(iter(event.shared_urls), "")
    return f"{shared} {typed(event.text, bot=services.bot_user)}".strip()


def _elsewhere(words: str) -> Sentence | None:
    """Return where to type, or to read, what is no brief and does nothing in a message."""
    if is_help(words):
        return sentence("help_short")
    if is_muting(words):
        return sentences.mute_where(words)
    if voice_asked(words) is not None:
        return sentence("voice_where")
    return None if best_asked(words) is None else sentence("best_where")


async def _brief(
    event: MessageEvent, words: str, invocation: Invocation, services: Services
) -> Sentence | None:
    """Begin drafts below the person's own message; return what to tell its author."""
    if said := _elsewhere(words):
        return said
    if is_stop(words):
        stopped = await services.intake.once(
            invocation,
            lambda: services.actions.stopping.stop_all(
                invocation.user, invocation.channel, invocation.at
            ),
        )
        return None if stopped is None else sentences.stopped_drafts(stopped)
    if event.files and not words:
        return sentence("files_without_wish")
    await services.drafting.draft(
        words,
        invocation,
        sources=_brought(event, invocation),
        under=event.root_ts,
        among_others=event.among_others,
        post_to=await _channel_in_sight(event, invocation.user, services),
    )
    return None


async def _channel_in_sight(event: MessageEvent, author: str, services: Services) -> str | None:
    """Return the channel that a person looks at while they write to us; None in a channel.

    Conversations between people have other ids than C... and G...: no text goes there by itself.
    """
    if not event.is_direct:
        return None
    looks_at = event.beside.channel if event.beside else await services.drafting.looked_at(author)
    return looks_at if looks_at and looks_at.startswith(("C", "G")) else None
