"""What a draft is to be based on: kept with the request, read by its job. Never an instruction."""

import hashlib
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Self

import structlog

from bot.drafting.origin import Origin, text_of
from bot.drafting.slack_port import (
    FetchFile,
    NotThere,
    ReadThread,
    Said,
    SlackRefused,
    ThreadPart,
)
from bot.errors import UserError
from bot.extraction.extraction import MOST_BYTES, Unreadable, extract, kind_of
from bot.messages import Sentence, sentence, sentence_about
from bot.store import Job, Source, Store
from safety import SafeText

log = structlog.get_logger(__name__)

MOST_FILES = 5


@dataclass(frozen=True, slots=True)
class Material:
    """A source as the model is given it; `left_out` characters at its end were not kept.

    Without a name it is a text that somebody pasted, or a message. `is_new`: it came with this
    request, so that its requester has not been told yet what is left out. `origin`: it is the
    messages of a thread, kept as `source_id`.
    """

    name: SafeText
    text: SafeText
    left_out: int = 0
    is_new: bool = True
    origin: Origin | None = None
    source_id: int = 0


class BadSource(UserError):
    """A source gives no text. Its job forgets it as it ends: a later run must not go without it."""

    def __init__(self, sentence: Sentence, source_id: int) -> None:
        super().__init__(sentence)
        self.source_id = source_id


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a job is based on, and what its requester is to be told of that."""

    sources: Sequence[Source]
    notes: Sequence[Sentence] = ()


class Sources:
    """Reads what threads are based on, each file and each message once."""

    def __init__(self, store: Store, fetch: FetchFile, read_thread: ReadThread, limit: int) -> None:
        """Read files by `fetch`. `limit`: characters kept of one source."""
        self._store = store
        self._fetch = fetch
        self._read_thread = read_thread
        self._limit = limit

    def with_store(self, store: Store) -> Self:
        """Return the same with another store."""
        other = copy(self)
        other._store = store
        return other

    async def of(self, job: Job) -> Gathered:
        """Read and return what the job's thread is based on.

        Raises BadSource for what came with this job, SlackUnavailable.
        """
        notes: list[Sentence] = []
        for source in await self._unread(job):
            if source.origin:
                notes += await self._read(source, job)
        # What was attached to the messages is among them now.
        for source in await self._unread(job):
            if source.file:
                notes += await self._read(source, job)
        sources = await self._store.list_sources(job)
        return Gathered([source for source in sources if source.text], notes)

    async def _unread(self, job: Job) -> Sequence[Source]:
        return [source for source in await self._store.list_sources(job) if not source.text]

    async def _read(self, source: Source, job: Job) -> Sequence[Sentence]:
        """Read a source of a thread, and return what to tell. Raises BadSource."""
        try:
            if source.origin:
                return await self._read_messages(source, Origin.from_dict(source.origin))
            return await self._read_file(source)
        except BadSource:
            if source.job_id not in (None, job.id):
                return []  # Its own job says so.
            raise

    async def read_messages(self, key: str) -> Origin | None:
        """Read the messages that a form waits for; None: they cannot be read, and are forgotten.

        Raises SlackUnavailable: the job of the form reads them.
        """
        source = await self._store.find_source(key)
        if source is None or source.origin is None:
            return None
        origin = Origin.from_dict(source.origin)
        unread = [] if source.text else await self._read_messages(source, origin)
        read = await self._store.find_source(key)
        # One without a text is forgotten: there is nothing else in the thread.
        known = read.origin if read else source.origin
        return None if unread or known is None else Origin.from_dict(known)

    async def _read_messages(self, source: Source, origin: Origin) -> Sequence[Sentence]:
        """Read a source's messages; return what to tell. Raises BadSource, SlackUnavailable."""
        asked = ThreadPart(
            origin.channel, origin.root_ts, origin.itself, origin.after, origin.before
        )
        try:
            read = await self._read_thread(asked)
            files = read.files if origin.takes_files else []
            brought = from_files(files, source.key, source.author or "")
        except (NotThere, SlackRefused) as closed:
            log.warning("thread not read", source=source.id, error=str(closed))
            return await self._go_without(source, origin)
        except UserError as bad:
            raise BadSource(bad.sentence, source.id) from None
        await self._keep(source, origin, [] if origin.what == "files" else read.said, brought)
        return []

    async def _keep(
        self, source: Source, origin: Origin, said: Sequence[Said], brought: Sequence[Source]
    ) -> None:
        text, kept, left_out = text_of(said, self._limit)
        files = sum(len(each.files) for each in said)
        authors = sorted({each.author for each in said})
        known = replace(origin, messages=len(said), kept=kept, files=files, authors=authors)
        await self._store.save_read(source, text, left_out, known.to_dict(), brought)

    async def _go_without(self, source: Source, origin: Origin) -> Sequence[Sentence]:
        """Return what to tell where Slack shows no messages. Raises BadSource if they are needed.

        A wish about a thread that nobody read would be answered with something invented.
        """
        if origin.what == "thread":
            raise BadSource(sentence("thread_unread"), source.id)
        await self._store.delete_source(source.id)
        return [sentence("files_unread" if origin.what == "files" else "thread_around_unread")]

    async def _read_file(self, source: Source) -> Sequence[Sentence]:
        assert source.file is not None
        try:
            name, data = await self._fetch(source.file, MOST_BYTES)
            text, left_out = await extract(name, data, self._limit)
        except Unreadable as unreadable:
            raise BadSource(sentence_about("file", unreadable.reason), source.id) from None
        await self._store.save_source_text(source.id, name[:255], text, left_out)
        return []


def from_text(name: str, text: str, key: str, limit: int, author: str) -> Source:
    """Make a source of pasted text, or of a message; `key` is unique for each."""
    kept = text.strip()
    over = max(len(kept) - limit, 0)
    return Source(key=_key(key, name), name=name, text=kept[:limit], left_out=over, author=author)


def from_messages(origin: Origin, key: str, author: str) -> Source:
    """Make an unread source of messages of a thread."""
    return Source(
        key=_key(key, origin.what), name="thread", text="", author=author, origin=origin.to_dict()
    )


def from_kept(text: str, key: str, limit: int, author: str) -> list[Source]:
    """Make a source of a text that was too long for a brief; none where there was no such text."""
    return [from_text("text", text, f"{key}-kept", limit, author)] if text else []


def from_files(files: Sequence[tuple[str, str]], key: str, author: str) -> list[Source]:
    """Make unread sources of files (id, name). Raises UserError for those that are never read.

    What a file without a name is, its job finds out.
    """
    if len(files) > MOST_FILES:
        raise UserError(sentence("too_many_files", most=MOST_FILES))
    for name in filter(None, (name for _, name in files)):
        try:
            kind_of(name)
        except Unreadable as unreadable:
            raise UserError(sentence_about("file", unreadable.reason)) from None
    return [
        Source(key=_key(key, file_id), name=name[:255], text="", file=file_id, author=author)
        for file_id, name in files
    ]


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]
