"""What a draft is to be based on: kept with the request, read by its job. Never an instruction."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from bot.drafting.slack_port import FetchFile
from bot.errors import UserError
from bot.extraction.extraction import MOST_BYTES, Unreadable, extract, kind_of
from bot.messages import sentence, sentence_about
from bot.store import Job, Source, Store
from safety import SafeText

MOST_FILES = 5


@dataclass(frozen=True, slots=True)
class Material:
    """A source as the model is given it; `left_out` characters at its end were not kept.

    Without a name it is a text that somebody pasted, or a message. `is_new`: it came with this
    request, so that its requester has not been told yet what is left out.
    """

    name: SafeText
    text: SafeText
    left_out: int = 0
    is_new: bool = True


class Sources:
    """Reads what threads are based on, each file once."""

    def __init__(self, store: Store, fetch: FetchFile, limit: int) -> None:
        """Read files by `fetch`. `limit`: characters kept of one source."""
        self._store = store
        self._fetch = fetch
        self._limit = limit

    async def of(self, job: Job) -> Sequence[Source]:
        """Read and return what the job's thread is based on.

        Raises Unreadable for what came with this job; a source that gives no text is forgotten.
        """
        for source in await self._store.list_sources(job):
            if source.file and not source.text:
                try:
                    await self._read(source, source.file)
                except Unreadable:
                    if source.job_id in (None, job.id):
                        raise
        return await self._store.list_sources(job)

    async def _read(self, source: Source, file_id: str) -> None:
        try:
            name, data = await self._fetch(file_id, MOST_BYTES)
            text, left_out = await extract(name, data, self._limit)
        except Unreadable:
            await self._store.delete_source(source.id)
            raise
        await self._store.save_source_text(source.id, name[:255], text, left_out)


def from_text(name: str, text: str, key: str, limit: int, author: str) -> Source:
    """Make a source of pasted text, or of a message; `key` is unique for each."""
    kept = text.strip()
    over = max(len(kept) - limit, 0)
    return Source(key=_key(key, name), name=name, text=kept[:limit], left_out=over, author=author)


def from_kept(text: str, key: str, limit: int, author: str) -> list[Source]:
    """Make a source of a text that was too long for a brief; none where there was no such text."""
    return [from_text("text", text, f"{key}-kept", limit, author)] if text else []


def from_files(files: Sequence[tuple[str, str]], key: str, author: str) -> list[Source]:
    """Make unread sources of files (id, name). Raises UserError for those that are never read."""
    if len(files) > MOST_FILES:
        raise UserError(sentence("too_many_files", most=MOST_FILES))
    for _, name in files:
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
